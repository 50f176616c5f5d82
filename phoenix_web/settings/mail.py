"""Settings of outgoing mail."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from phoenix_web.settings import rules
from phoenix_web.settings.rules import Boolean, Integer

#: Some platforms set unset variables to an empty string.
Blank: Final = BeforeValidator(rules.none_if_blank)


class MailSettings(BaseSettings):
    """The SMTP settings; without `smtp_hostname` no mail is sent."""

    smtp_hostname: Annotated[str | None, Blank] = None
    smtp_port: Annotated[Integer, Field(ge=1, le=65535)] = 587
    smtp_username: Annotated[str | None, Blank] = None
    smtp_password: Annotated[SecretStr | None, Blank] = Field(None, validate_default=True)
    smtp_mail_from: Annotated[str | None, BeforeValidator(rules.email_address), Blank] = None
    smtp_validate_certs: Boolean = True
    smtp_allow_plaintext: Boolean = False

    @field_validator("smtp_password")
    @classmethod
    def _check_credentials(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        username = info.data.get("smtp_username")
        if username and value is None:
            raise ValueError("SMTP password is required with PHOENIX_SMTP_USERNAME")
        if value is not None and not username:
            raise ValueError("SMTP username is required with PHOENIX_SMTP_PASSWORD")
        return value

    @field_validator("root_url", check_fields=False)
    @classmethod
    def _check_root_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("smtp_hostname"):
            raise ValueError(
                "PHOENIX_ROOT_URL must be set when PHOENIX_SMTP_HOSTNAME is set: "
                "links in mails start with it"
            )
        return value
