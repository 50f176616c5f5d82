"""Request and response models of the routes of keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from phoenix_web.api.payloads import Payload, Text, Timestamp, checked, is_absent
from phoenix_web.auth import account_rules


class CreateApiKeyData(Payload):
    """Name, description and expiry time of a new key."""

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
    """A key, without its text."""

    id: str
    name: str
    description: str | None = Field(None, exclude_if=is_absent)
    created_at: Timestamp
    expires_at: Timestamp | None = Field(None, exclude_if=is_absent)


class CreatedApiKey(ApiKey):
    """A new key with its text, which is returned only once."""

    key: str


class KeyOwner(Payload):
    """The owner of a key."""

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
    """A new key."""

    data: CreatedApiKey


class UserApiKeysResponse(Payload):
    """A page of keys of all users, newest first."""

    data: list[UserApiKey]
    next_cursor: str | None
