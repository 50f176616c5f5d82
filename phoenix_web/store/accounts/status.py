"""The status of an account: active, invited or deactivated."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from phoenix_web.store.accounts.models import LinkPurpose

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo


class AccountStatus(StrEnum):
    """The status of an account as lists show it."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    #: Has a valid link to set the first password.
    INVITED = "invited"
    #: Had such a link, and has no password.
    INVITATION_EXPIRED = "lapsed"
    #: Has no password and never had a link.
    UNINVITED = "uninvited"


def account_status(
    user: UserInfo, *, has_password: bool, purpose: str | None, expires_at: datetime | None
) -> AccountStatus:
    """Return the status of *user*; *purpose* and *expires_at* are those of their link, if any."""
    is_valid = expires_at is not None and expires_at > datetime.now(UTC)
    if not user.is_active:
        return AccountStatus.DEACTIVATED
    if user.auth_method != "LOCAL" or has_password:
        # A user with an initial password may have been invited too.
        is_new = is_valid and purpose == LinkPurpose.INVITATION and user.last_sign_in_at is None
        return AccountStatus.INVITED if is_new else AccountStatus.ACTIVE
    if is_valid:
        return AccountStatus.INVITED
    return AccountStatus.UNINVITED if expires_at is None else AccountStatus.INVITATION_EXPIRED
