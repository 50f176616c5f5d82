"""The list of users for administrators, with the status of each account."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, union_all

from phoenix_web.addresses import normal_email
from phoenix_web.policy import Role
from phoenix_web.store.accounts.keys import is_unexpired
from phoenix_web.store.accounts.models import ApiKey, LinkPurpose, PasswordLink, User
from phoenix_web.store.accounts.models import Session as SessionRow
from phoenix_web.store.accounts.users import USER_COLUMNS, UserInfo, user_from
from phoenix_web.store.paging import Page, newest_first, read_page
from phoenix_web.text import username_key

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import Session

_KEYS: Final = "keys"
_SESSIONS: Final = "sessions"


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


@dataclass(frozen=True, slots=True)
class ListedUser:
    """A user with the numbers of their valid keys and open sessions."""

    user: UserInfo
    status: AccountStatus
    key_count: int
    session_count: int


class UserListStore:
    """Store for lists of users without the system user."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def page(
        self, limit: int, cursor: int | None, *, contains: str | None = None
    ) -> Page[ListedUser]:
        """Return up to *limit* users, newest first, from id *cursor* on.

        *contains* limits them to users whose name or address contains it, ignoring case. Keys and
        sessions are counted for this page only, so its cost does not grow with the number of users.
        """
        statement = newest_first(_select_users(contains), User.id, cursor)
        page = read_page(self._session, statement, limit, _with_status)
        counts = self._counts([user.id for user, _ in page.items])
        listed = [
            ListedUser(user, status, counts[_KEYS, user.id], counts[_SESSIONS, user.id])
            for user, status in page.items
        ]
        return Page(listed, page.next_id)

    def _counts(self, user_ids: Collection[int]) -> Counter[tuple[str, int]]:
        """Return the numbers of keys and sessions of each user, with one query."""
        if not user_ids:
            return Counter()
        keys = _count(_KEYS, ApiKey.user_id, user_ids).where(
            ApiKey.revoked_at.is_(None), is_unexpired()
        )
        sessions = _count(_SESSIONS, SessionRow.user_id, user_ids).where(
            SessionRow.expires_at > datetime.now(UTC)
        )
        rows = self._session.execute(union_all(keys, sessions))
        return Counter({(kind, user_id): count for kind, user_id, count in rows})


def _select_users(contains: str | None) -> Select[*tuple[Any, ...]]:
    statement = (
        select(
            *USER_COLUMNS,
            User.password_hash.is_not(None),
            PasswordLink.purpose,
            PasswordLink.expires_at,
        )
        .outerjoin(PasswordLink, PasswordLink.user_id == User.id)
        .where(User.role != Role.SYSTEM.value)
    )
    if contains is None:
        return statement
    return statement.where(
        or_(
            User.username_key.contains(username_key(contains), autoescape=True),
            User.email.contains(normal_email(contains), autoescape=True),
        )
    )


def _with_status(row: Sequence[Any]) -> tuple[UserInfo, AccountStatus]:
    *values, has_password, purpose, expires_at = row
    user = user_from(values)
    return user, account_status(
        user, has_password=has_password, purpose=purpose, expires_at=expires_at
    )


def _count(
    kind: str, owner: ColumnElement[int] | Any, user_ids: Collection[int]
) -> Select[*tuple[Any, ...]]:
    return select(literal(kind), owner, func.count()).where(owner.in_(user_ids)).group_by(owner)
