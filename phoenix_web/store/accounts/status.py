"""How far a user has come: invited, here, or out again."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from phoenix_web.store.models import Purpose

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo


class Standing(StrEnum):
    """What stands beside a user's name in lists."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    #: They have a link to choose their first password.
    INVITED = "invited"
    #: They had one, and nobody can sign in as them.
    LAPSED = "lapsed"
    #: They never had one either.
    UNINVITED = "uninvited"


def standing_of(
    user: UserInfo, *, has_password: bool, purpose: str | None, expires_at: datetime | None
) -> Standing:
    """Return where *user* stands, whose link, if there is one, has *purpose* until *expires_at*."""
    is_good = expires_at is not None and expires_at > datetime.now(UTC)
    if not user.is_active:
        return Standing.DEACTIVATED
    if user.auth_method != "LOCAL" or has_password:
        # Whoever has a password may be invited to choose another one, but need not.
        is_new = is_good and purpose == Purpose.INVITATION and user.last_sign_in_at is None
        return Standing.INVITED if is_new else Standing.ACTIVE
    if is_good:
        return Standing.INVITED
    return Standing.UNINVITED if expires_at is None else Standing.LAPSED
