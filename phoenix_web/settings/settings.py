"""The settings. No other module reads the environment.

Names, rules and error texts are those of Phoenix. A variable with the suffix `_FILE` can name a
file with the secret instead, as container platforms mount them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from phoenix_web.settings import rules
from phoenix_web.settings.database import DatabaseSettings, is_sqlite
from phoenix_web.settings.mail import MailSettings
from phoenix_web.settings.rules import Boolean, Integer, Number
from phoenix_web.settings.secret_files import SecretFiles, Unreadable

PREFIX: Final = "PHOENIX_"
_YEAR_MINUTES: Final = 366 * 24 * 60


class ConfigError(Exception):
    """An invalid environment; `faults` has one line per fault, with the name of the variable."""

    def __init__(self, faults: list[str]) -> None:
        """Store *faults*, which must not echo a secret."""
        super().__init__("\n".join(faults))
        self.faults = faults


class Settings(DatabaseSettings, MailSettings):
    """The validated settings; immutable."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    # Authentication.
    enable_auth: Boolean = True
    secret: SecretStr | None = Field(None, validate_default=True)
    admin_secret: SecretStr | None = None
    audit_key: SecretStr | None = None
    audit_retention_days: Annotated[Integer, Field(ge=0, le=100 * 366)] = 0
    default_admin_initial_password: SecretStr | None = None
    admins: Annotated[Mapping[str, str], NoDecode, BeforeValidator(rules.admins)] = Field(
        default_factory=dict
    )
    disable_basic_auth: Boolean = False
    require_mfa: Boolean = False
    enable_strong_password_policy: Boolean = False
    access_token_expiry_minutes: Annotated[Number, Field(gt=0, le=_YEAR_MINUTES)] = 10
    refresh_token_expiry_minutes: Annotated[Number, Field(gt=0, le=_YEAR_MINUTES)] = 10080
    session_max_age_minutes: Annotated[Number, Field(gt=0, le=_YEAR_MINUTES)] = 43200
    refresh_reuse_seconds: Annotated[Number, Field(ge=0, le=60)] = 3
    password_reset_token_expiry_minutes: Annotated[Number, Field(gt=0, le=_YEAR_MINUTES)] = 15
    invitation_expiry_minutes: Annotated[Number, Field(gt=0, le=_YEAR_MINUTES)] = 3 * 24 * 60
    disable_brute_force_login_protection: Boolean = False
    brute_force_login_protection_max_attempts: Annotated[Integer, Field(ge=1)] = 5
    brute_force_login_protection_max_attempts_per_network: Annotated[Integer, Field(ge=0)] = 100
    disable_rate_limit: Boolean = False
    rate_limit_storage_url: Annotated[SecretStr | None, AfterValidator(rules.redis_url)] = None
    password_hash_memory_kib: Annotated[Integer, Field(ge=8, le=4 * 1024 * 1024)] = 65536
    password_hash_iterations: Annotated[Integer, Field(ge=1, le=100)] = 3

    # Address, cookies and proxies.
    host: str = "0.0.0.0"  # noqa: S104 - the contract's default; a container must be reachable
    port: Annotated[Integer, Field(ge=0, le=65535)] = 6006
    root_url: Annotated[str | None, BeforeValidator(rules.origin)] = Field(
        None, validate_default=True
    )
    host_root_path: Annotated[str, BeforeValidator(rules.root_path)] = ""
    use_secure_cookies: Annotated[bool | None, BeforeValidator(rules.boolean)] = None
    cookies_path: str = "/"
    csrf_trusted_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(rules.origins)] = ()
    trusted_proxy_hops: Annotated[Integer, Field(ge=0, le=10)] = 0

    # Processes and limits.
    workers: Annotated[Integer, Field(ge=1)] = Field(default_factory=lambda: os.cpu_count() or 1)
    threads: Annotated[Integer, Field(ge=1)] = 512
    max_body_bytes: Annotated[Integer, Field(ge=1024)] = 1024 * 1024
    max_upload_bytes: Annotated[Integer, Field(ge=1024)] = 256 * 1024 * 1024
    max_upload_rows: Annotated[Integer, Field(ge=1)] = 1_000_000
    max_row_bytes: Annotated[Integer, Field(ge=1024)] = 16 * 1024 * 1024
    max_json_depth: Annotated[Integer, Field(ge=1, le=200)] = 200
    logging_level: Literal["CRITICAL", "FATAL", "ERROR", "WARN", "WARNING", "INFO", "DEBUG"] = (
        "INFO"
    )
    support_email: Annotated[str | None, BeforeValidator(rules.email_address)] = None

    @property
    def has_secure_cookies(self) -> bool:
        """Return whether cookies are `Secure`: as configured, or by the scheme of the root URL."""
        if self.use_secure_cookies is not None:
            return self.use_secure_cookies
        return bool(self.root_url and self.root_url.startswith("https://"))

    def address(self, origin: str) -> str:
        """Return the address of this server: *origin* with the path prefix of the proxy."""
        base = origin.rstrip("/")
        return base if base.endswith(self.host_root_path) else base + self.host_root_path

    @property
    def access_lifetime(self) -> timedelta:
        """Return the lifetime of an access token."""
        return timedelta(minutes=self.access_token_expiry_minutes)

    @property
    def refresh_lifetime(self) -> timedelta:
        """Return the lifetime of a refresh token, and of a session without activity."""
        return timedelta(minutes=self.refresh_token_expiry_minutes)

    @property
    def session_max_age(self) -> timedelta:
        """Return the maximum age of a session, regardless of renewals."""
        return timedelta(minutes=self.session_max_age_minutes)

    @field_validator("secret", "admin_secret", "audit_key")
    @classmethod
    def _check_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            if (
                info.field_name == "secret"
                and info.data.get("enable_auth")
                and not is_sqlite(info.data)
            ):
                raise ValueError(
                    "`PHOENIX_SECRET` must be set when auth is enabled with `PHOENIX_ENABLE_AUTH`"
                )
            return None
        if fault := rules.secret_fault(value.get_secret_value()):
            raise ValueError(fault)
        for other in ("secret", "admin_secret"):
            if value == info.data.get(other):
                names = (f"`{PREFIX}{name}`".upper() for name in (info.field_name, other))
                raise ValueError(" must be different from ".join(names))
        return value

    @field_validator("disable_basic_auth")
    @classmethod
    def _check_auth_methods(cls, value: bool) -> bool:  # noqa: FBT001 - pydantic passes by position
        if value:
            raise ValueError(
                "PHOENIX_DISABLE_BASIC_AUTH is set, but no alternative authentication methods "
                "are configured. Please configure at least one of: OAuth2 (PHOENIX_OAUTH2_*) or "
                "LDAP (PHOENIX_LDAP_HOST)."
            )
        return value

    @field_validator("logging_level", mode="before")
    @classmethod
    def _check_logging_level(cls, value: Any) -> Any:
        levels = get_args(cls.model_fields["logging_level"].annotation)
        if str(value).upper() not in levels:
            listed = f"{', '.join(levels[:-1])} and {levels[-1]}"
            raise ValueError(
                f"Invalid value `{value}` for env var `PHOENIX_LOGGING_LEVEL`. "
                f"Valid values are: {listed} (case-insensitive)."
            )
        return str(value).upper()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then secret files."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, SecretFiles(settings_cls)


def load() -> Settings:
    """Return the settings of the environment; raise `ConfigError` with all faults."""
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigError([_fault(dict(fault)) for fault in error.errors()]) from None


def _fault(fault: dict[str, Any]) -> str:
    if isinstance(fault["input"], Unreadable):
        return fault["input"].fault
    name = f"{PREFIX}{fault['loc'][0]}".upper() if fault["loc"] else PREFIX
    text = str(fault.get("ctx", {}).get("error", fault["msg"]))
    return text if name in text else f"{name}: {text}"
