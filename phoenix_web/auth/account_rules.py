"""Rules for accounts and keys: valid values and forbidden changes.

Each value function returns the value as it is stored, or raises `Invalid`. The errors carry the
texts of the API; pages have their own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from phoenix_web.addresses import is_email_address, normal_email
from phoenix_web.errors import (
    BadRequest,
    Forbidden,
    Invalid,
    LastAdministrator,
    TooLong,
    Unstorable,
)
from phoenix_web.policy import Role
from phoenix_web.text import storage_fault

if TYPE_CHECKING:
    from collections.abc import Collection

    from phoenix_web.auth.accounts import AccountChange
    from phoenix_web.store.accounts.users import UserInfo

MAX_USERNAME_LENGTH: Final = 256
MAX_KEY_NAME_LENGTH: Final = 256
MAX_KEY_DESCRIPTION_LENGTH: Final = 4096

#: Error texts used by more than one module.
SYSTEM_USER: Final = "Cannot modify the system user"
OWN_PASSWORD: Final = "Cannot set own password without the current one"  # noqa: S105 - a text
NO_PASSWORD: Final = "This user does not sign in with a password"  # noqa: S105 - a text
NOTHING_TO_CHANGE: Final = "No fields to update"


def username(text: str) -> str:
    """Return a valid username, trimmed."""
    return _name("Username", text, MAX_USERNAME_LENGTH)


def email(text: str) -> str:
    """Return a valid e-mail address, normalized for storage and comparison."""
    address = normal_email(text)
    if not is_email_address(address):
        raise Invalid("Email must be a mail address")
    return address


def key_name(text: str) -> str:
    """Return a valid key name, trimmed."""
    return _name("Name", text, MAX_KEY_NAME_LENGTH)


def key_description(text: str) -> str:
    """Return a valid key description, unchanged."""
    return _bounded("Description", text, MAX_KEY_DESCRIPTION_LENGTH)


def key_expiry(expires_at: datetime) -> datetime:
    """Return a valid expiry time of a key, which is in UTC unless it has an offset."""
    aware = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)
    if aware <= datetime.now(UTC):
        raise Invalid("Expiration time must be in the future")
    try:
        aware.astimezone(UTC)
    except OverflowError:
        raise Invalid("Expiration time is too far away") from None
    return aware


def refuse_system_role(role: Role) -> None:
    """Raise `BadRequest` if *role*, requested for a new account, is SYSTEM."""
    if role is Role.SYSTEM:
        raise BadRequest("Cannot create users with SYSTEM role")


def refuse_change(user: UserInfo, new: AccountChange, acting_admin_id: int | None) -> None:
    """Raise `Forbidden` or `Invalid` if *acting_admin_id* may not apply *new* to *user*."""
    if new.role is Role.SYSTEM:
        raise Invalid("No user can have the SYSTEM role")
    if new.role is not None and user.is_built_in:
        raise Forbidden("Cannot modify role for the default admin user")
    if new.role is not None and user.id == acting_admin_id:
        raise Forbidden("Cannot modify own role")
    if new.is_active is False and user.is_built_in:
        raise Forbidden("Cannot deactivate the default admin or system user")
    if new.is_active is False and user.id == acting_admin_id:
        raise Forbidden("Cannot deactivate own account")
    if new.password_hash is not None and user.id == acting_admin_id:
        raise Forbidden(OWN_PASSWORD)
    if new.password_hash is not None and user.auth_method != "LOCAL":
        raise Invalid(NO_PASSWORD)


def refuse_last_administrator(others: Collection[int], user: UserInfo) -> None:
    """Raise `LastAdministrator` if *user* is the last active administrator.

    *others* contains the ids of the other active administrators.
    """
    if not others and user.role is Role.ADMIN and user.is_active:
        raise LastAdministrator


def _name(field: str, text: str, limit: int) -> str:
    name = text.strip()
    if not name:
        raise Invalid(f"{field} cannot be empty")
    return _bounded(field, name, limit)


def _bounded(field: str, text: str, limit: int) -> str:
    if storage_fault(text):
        raise Unstorable(f"{field} must be UTF-8 text without the character U+0000")
    if len(text) > limit:
        raise TooLong(f"{field} must be at most {limit} characters long", limit)
    return text
