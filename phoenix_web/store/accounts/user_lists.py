"""Users as an administrator's list shows them: with what each of them has open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, union_all

from phoenix_web.policy import Role
from phoenix_web.store.accounts.keys import is_unexpired
from phoenix_web.store.accounts.models import ApiKey, PasswordLink, User
from phoenix_web.store.accounts.models import Session as SessionRow
from phoenix_web.store.accounts.status import AccountStatus, account_status
from phoenix_web.store.accounts.user_names import normal_email, username_key
from phoenix_web.store.accounts.users import USER_COLUMNS, UserInfo, user_from
from phoenix_web.store.paging import Page, newest_first, read_page

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import Session

_KEYS: Final = "keys"
_SESSIONS: Final = "sessions"


@dataclass(frozen=True, slots=True)
class ListedUser:
    """A user, with the numbers of their keys that work and of their open sessions."""

    user: UserInfo
    status: AccountStatus
    key_count: int
    session_count: int


class UserListStore:
    """Reads lists of people within the unit of work *session*; the system user is in none."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def page(
        self, limit: int, cursor: int | None, *, contains: str | None = None
    ) -> Page[ListedUser]:
        """Return up to *limit* people, newest first, from id *cursor* on.

        With *contains*, those who have it in their name or address, in capitals or not. Only the
        rows of the page are counted, so that a page costs the same however many people there are.
        """
        statement = newest_first(_people(contains), User.id, cursor)
        people = read_page(self._session, statement, limit, _person)
        counts = self._counts([user.id for user, _ in people.items])
        listed = [
            ListedUser(user, status, counts[_KEYS, user.id], counts[_SESSIONS, user.id])
            for user, status in people.items
        ]
        return Page(listed, people.next_id)

    def _counts(self, user_ids: Collection[int]) -> Counter[tuple[str, int]]:
        """Return how many keys and how many sessions each of the users has, in one statement."""
        if not user_ids:
            return Counter()
        keys = _count(_KEYS, ApiKey.user_id, user_ids).where(
            ApiKey.revoked_at.is_(None), is_unexpired()
        )
        sessions = _count(_SESSIONS, SessionRow.user_id, user_ids).where(
            SessionRow.expires_at > datetime.now(UTC)
        )
        rows = self._session.execute(union_all(keys, sessions))
        return Counter({(what, user_id): count for what, user_id, count in rows})


def _people(contains: str | None) -> Select[*tuple[Any, ...]]:
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


def _person(row: Sequence[Any]) -> tuple[UserInfo, AccountStatus]:
    *values, has_password, purpose, expires_at = row
    user = user_from(values)
    return user, account_status(
        user, has_password=has_password, purpose=purpose, expires_at=expires_at
    )


def _count(
    what: str, owner: ColumnElement[int] | Any, user_ids: Collection[int]
) -> Select[*tuple[Any, ...]]:
    return select(literal(what), owner, func.count()).where(owner.in_(user_ids)).group_by(owner)
