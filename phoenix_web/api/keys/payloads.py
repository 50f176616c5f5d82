"""What the routes of keys read and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from phoenix_web.api.payloads import Moment, Payload, Text, checked, is_absent
from phoenix_web.auth import account_rules


class CreateApiKeyData(Payload):
    """What to call the key, and until when it is good."""

    name: Annotated[
        Text, Field(max_length=account_rules.MAX_KEY_NAME_LENGTH), checked(account_rules.key_name)
    ]
    description: (
        Annotated[Text, Field(max_length=account_rules.MAX_KEY_DESCRIPTION_LENGTH)] | None
    ) = None
    expires_at: Annotated[datetime, checked(account_rules.key_expiry)] | None = None


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
