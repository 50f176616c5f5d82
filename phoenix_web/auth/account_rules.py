"""Rules for accounts and keys: valid values, and changes that are refused.

A function for a value returns it as it is stored, or raises `Invalid`. Errors have the texts of the
API; pages word them themselves.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from phoenix_web.addresses import is_email_address
from phoenix_web.errors import BadRequest, Conflict, Forbidden, Invalid, TooLong, Unstorable
from phoenix_web.policy import Role
from phoenix_web.store.accounts.user_names import normal_email
from phoenix_web.text import storage_fault

if TYPE_CHECKING:
    from collections.abc import Collection

    from phoenix_web.auth.accounts import AccountChange
    from phoenix_web.store.accounts.users import UserInfo

MAX_USERNAME_LENGTH: Final = 256
MAX_KEY_NAME_LENGTH: Final = 256
MAX_KEY_DESCRIPTION_LENGTH: Final = 4096

#: Texts that several rules or doors share.
NOT_FOUND: Final = "User not found"
SYSTEM_USER: Final = "Cannot modify the system user"
OWN_PASSWORD: Final = "Cannot set own password without the current one"  # noqa: S105 - a text
NO_PASSWORD: Final = "This user does not sign in with a password"  # noqa: S105 - a text
LAST_ADMINISTRATOR: Final = "Cannot remove the last active admin user"
NOTHING_TO_CHANGE: Final = "No fields to update"


def username(text: str) -> str:
    """Return the name of a user, trimmed."""
    return _name("Username", text, MAX_USERNAME_LENGTH)


def email(text: str) -> str:
    """Return the address of a user as it is stored and compared."""
    address = normal_email(text)
    if not is_email_address(address):
        raise Invalid("Email must be a mail address")
    return address


def key_name(text: str) -> str:
    """Return the name of a key, trimmed."""
    return _name("Name", text, MAX_KEY_NAME_LENGTH)


def key_description(text: str) -> str:
    """Return the description of a key as it is."""
    return _bounded("Description", text, MAX_KEY_DESCRIPTION_LENGTH)


def key_expiry(moment: datetime) -> datetime:
    """Return when a key expires, in UTC when *moment* has no offset; it must be in the future."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if aware <= datetime.now(UTC):
        raise Invalid("Expiration time must be in the future")
    try:
        aware.astimezone(UTC)
    except OverflowError:
        raise Invalid("Expiration time is too far away") from None
    return aware


def refuse_system_role(role: Role) -> None:
    """Raise `BadRequest` when a new account is to have the role SYSTEM."""
    if role is Role.SYSTEM:
        raise BadRequest("Cannot create users with SYSTEM role")


def refuse_change(user: UserInfo, new: AccountChange, acting_admin_id: int | None) -> None:
    """Raise what the rules say when the user *acting_admin_id* wants *new* for *user*."""
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
    """Raise `Conflict` when *user* is the last active administrator: *others* is empty."""
    if not others and user.role is Role.ADMIN and user.is_active:
        raise Conflict(LAST_ADMINISTRATOR)


def _name(what: str, text: str, limit: int) -> str:
    name = text.strip()
    if not name:
        raise Invalid(f"{what} cannot be empty")
    return _bounded(what, name, limit)


def _bounded(what: str, text: str, limit: int) -> str:
    if storage_fault(text):
        raise Unstorable(f"{what} must be UTF-8 text without the character U+0000")
    if len(text) > limit:
        raise TooLong(f"{what} must be at most {limit} characters long", limit)
    return text
