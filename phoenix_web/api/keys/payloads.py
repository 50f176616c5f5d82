"""What the routes of keys read and answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from phoenix_web.api.payloads import Moment, Payload, Text, is_absent
from phoenix_web.auth.credentials.issuer import MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH


def _name(text: str) -> str:
    name = text.strip()
    if not name:
        raise ValueError("Name cannot be empty")
    return name


def future_moment(moment: datetime) -> datetime:
    """Return *moment*, in UTC when it names no offset; raise `ValueError` when it has passed."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if aware <= datetime.now(UTC):
        raise ValueError("Expiration time must be in the future")
    try:
        aware.astimezone(UTC)
    except OverflowError:
        raise ValueError("Expiration time is too far away") from None
    return aware


class CreateApiKeyData(Payload):
    """What to call the key, and until when it is good."""

    name: Annotated[Text, Field(max_length=MAX_NAME_LENGTH), AfterValidator(_name)]
    description: Annotated[Text, Field(max_length=MAX_DESCRIPTION_LENGTH)] | None = None
    expires_at: Annotated[datetime, AfterValidator(future_moment)] | None = None


class CreateApiKeyRequestBody(Payload):
    """A key to create."""

    data: CreateApiKeyData


class ApiKey(Payload):
    """A key; its text is never told again."""

    id: str
    name: str
    description: str | None = Field(None, exclude_if=is_absent)
    created_at: Moment
    expires_at: Moment | None = Field(None, exclude_if=is_absent)


class CreatedApiKey(ApiKey):
    """A key with its text, told this once."""

    key: str


class KeyOwner(Payload):
    """Whose key it is."""

    id: str
    username: str
    email: str


class UserApiKey(ApiKey):
    """A key with its owner."""

    user: KeyOwner


class ApiKeysResponse(Payload):
    """All keys of one owner, newest first."""

    data: list[ApiKey]


class CreatedApiKeyResponse(Payload):
    """The new key."""

    data: CreatedApiKey


class UserApiKeysResponse(Payload):
    """A page of everybody's keys, newest first."""

    data: list[UserApiKey]
    next_cursor: str | None
