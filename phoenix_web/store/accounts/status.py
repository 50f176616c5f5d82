"""How far a user has come: invited, here, or out again."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from phoenix_web.store.accounts.models import LinkPurpose

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo


class AccountStatus(StrEnum):
    """What stands beside a user's name in lists."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    #: They have a link to choose their first password.
    INVITED = "invited"
    #: They had one, and nobody can sign in as them.
    INVITATION_EXPIRED = "lapsed"
    #: They never had one either.
    UNINVITED = "uninvited"


def account_status(
    user: UserInfo, *, has_password: bool, purpose: str | None, expires_at: datetime | None
) -> AccountStatus:
    """Return where *user* stands, whose link, if there is one, has *purpose* until *expires_at*."""
    is_good = expires_at is not None and expires_at > datetime.now(UTC)
    if not user.is_active:
        return AccountStatus.DEACTIVATED
    if user.auth_method != "LOCAL" or has_password:
        # Whoever has a password may be invited to choose another one, but need not.
        is_new = is_good and purpose == LinkPurpose.INVITATION and user.last_sign_in_at is None
        return AccountStatus.INVITED if is_new else AccountStatus.ACTIVE
    if is_good:
        return AccountStatus.INVITED
    return AccountStatus.UNINVITED if expires_at is None else AccountStatus.INVITATION_EXPIRED
