"""Users in the store, and the columns that every query for users selects."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from phoenix_web.addresses import normal_email
from phoenix_web.errors import EmailTaken, UsernameTaken
from phoenix_web.policy import Role
from phoenix_web.store.accounts.models import User
from phoenix_web.store.paging import Page, newest_first, read_page
from phoenix_web.store.statements import violated_constraint
from phoenix_web.text import storage_fault, username_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

SYSTEM_EMAIL: Final = "system@localhost"
DEFAULT_ADMIN_EMAIL: Final = "admin@localhost"
#: Accounts that the server creates and that cannot be deleted.
BUILT_IN_EMAILS: Final = frozenset({SYSTEM_EMAIL, DEFAULT_ADMIN_EMAIL})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A user, without the password hash."""

    id: int
    email: str
    username: str
    role: Role
    auth_method: str
    password_needs_reset: bool
    created_at: datetime
    updated_at: datetime
    oauth2_client_id: str | None = None
    oauth2_user_id: str | None = None
    profile_picture_url: str | None = None
    deactivated_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    mfa_enrolled_at: datetime | None = None

    @property
    def is_built_in(self) -> bool:
        """Return whether the server created the account, which therefore cannot be deleted."""
        return self.email in BUILT_IN_EMAILS

    @property
    def is_active(self) -> bool:
        """Return whether the account is not deactivated."""
        return self.deactivated_at is None

    @property
    def version(self) -> str:
        """Return a text that differs after every change of the account."""
        return str((self.updated_at - _EPOCH) // timedelta(microseconds=1))


#: The columns of `UserInfo`, in its order.
USER_COLUMNS: Final = tuple(getattr(User, column.name) for column in fields(UserInfo))


#: The query that verifies the admin secret.
FIND_SYSTEM_USER: Final = select(*USER_COLUMNS).where(User.email == SYSTEM_EMAIL)


def user_from(values: Sequence[Any]) -> UserInfo:
    """Return a user from the *values* of `USER_COLUMNS`."""
    user_id, email, username, role, *rest = values
    return UserInfo(user_id, email, username, Role(role), *rest)


class UserStore:
    """Store for users."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def find(self, user_id: int) -> UserInfo | None:
        """Return the user with *user_id*, or None."""
        return self._one(select(*USER_COLUMNS).where(User.id == user_id))

    def find_by_email(self, email: str) -> UserInfo | None:
        """Return the user with *email*, ignoring case, or None."""
        if storage_fault(email):
            return None
        return self._one(select(*USER_COLUMNS).where(User.email == normal_email(email)))

    def find_for_sign_in(self, email: str) -> tuple[UserInfo | None, str | None]:
        """Return the user with *email* and their password hash, or None for each."""
        if storage_fault(email):
            return None, None
        statement = select(User.password_hash, *USER_COLUMNS).where(
            User.email == normal_email(email)
        )
        row = self._session.execute(statement).first()
        return (None, None) if row is None else (user_from(row[1:]), row[0])

    def find_by_username(self, username: str) -> UserInfo | None:
        """Return the user whose name has the same `username_key` as *username*, or None."""
        if storage_fault(username):
            return None
        return self._one(select(*USER_COLUMNS).where(User.username_key == username_key(username)))

    def find_system_user(self) -> UserInfo:
        """Return the user that owns system keys and the admin secret."""
        return user_from(self._session.execute(FIND_SYSTEM_USER).one())

    def password_hash(self, user_id: int) -> str | None:
        """Return the user's password hash, or None."""
        return self._session.execute(
            select(User.password_hash).where(User.id == user_id)
        ).scalar_one_or_none()

    def lock(self, user_id: int) -> str | None:
        """Lock an active user and return their password hash, or None.

        After verifying a password, compare the hash with this one: on PostgreSQL, a plain read can
        miss a change that is being committed.
        """
        statement = (
            select(User.password_hash)
            .where(User.id == user_id, User.deactivated_at.is_(None))
            # Rows that only refer to the user, as in a long upload, do not block this lock.
            .with_for_update(key_share=True)
        )
        return self._session.execute(statement).scalar_one_or_none()

    def lock_with_administrators(self, user_id: int) -> set[int]:
        """Lock the user and all active administrators; return the ids of the administrators.

        One query locks the rows in the order of their ids, which avoids deadlocks.
        """
        is_administrator = and_(User.role == Role.ADMIN.value, User.deactivated_at.is_(None))
        locked = self._session.execute(
            select(User.id, User.role, User.deactivated_at)
            .where(or_(User.id == user_id, is_administrator))
            .order_by(User.id)
            .with_for_update(key_share=True)
        )
        return {
            row.id for row in locked if row.role == Role.ADMIN.value and row.deactivated_at is None
        }

    def page(self, limit: int, cursor: int | None) -> Page[UserInfo]:
        """Return up to *limit* users, newest first, from id *cursor* on."""
        statement = newest_first(select(*USER_COLUMNS), User.id, cursor)
        return read_page(self._session, statement, limit, user_from)

    def has_role(self, role: Role) -> bool:
        """Return whether any user has *role*."""
        count = select(func.count()).select_from(User).where(User.role == role.value)
        return bool(self._session.execute(count).scalar_one())

    def add(  # noqa: PLR0913 - one argument a column
        self,
        *,
        email: str,
        username: str,
        role: Role,
        auth_method: str = "LOCAL",
        password_hash: str | None = None,
        password_needs_reset: bool = False,
        oauth2_client_id: str | None = None,
        oauth2_user_id: str | None = None,
    ) -> UserInfo:
        """Add a user and return it; raise `UsernameTaken` or `EmailTaken`."""
        now = datetime.now(UTC)
        values = {
            "email": normal_email(email),
            "username": username.strip(),
            "username_key": username_key(username),
            "role": role.value,
            "auth_method": auth_method,
            "password_hash": password_hash,
            "password_needs_reset": password_needs_reset,
            "oauth2_client_id": oauth2_client_id,
            "oauth2_user_id": oauth2_user_id,
            "created_at": now,
            "updated_at": now,
        }
        try:
            row = self._session.execute(insert(User).values(values).returning(*USER_COLUMNS)).one()
        except IntegrityError as error:
            raise _uniqueness_error(error) from error
        return user_from(row)

    def set_password(self, user_id: int, password_hash: str, *, needs_reset: bool) -> None:
        """Store a password hash; with *needs_reset* the user must change the password."""
        self._update(user_id, password_hash=password_hash, password_needs_reset=needs_reset)

    def set_role(self, user_id: int, role: Role) -> None:
        """Change the user's role; `auth.accounts` checks the rules."""
        self._update(user_id, role=role.value)

    def set_username(self, user_id: int, username: str) -> None:
        """Rename the user; raise `UsernameTaken`."""
        name = username.strip()
        try:
            self._update(user_id, username=name, username_key=username_key(name))
        except IntegrityError as error:
            raise _uniqueness_error(error) from error

    def set_active(self, user_id: int, *, is_active: bool) -> None:
        """Activate or deactivate the user; sessions are unaffected."""
        self._update(user_id, deactivated_at=None if is_active else datetime.now(UTC))

    def record_sign_in(self, user_id: int, signed_in_at: datetime) -> None:
        """Store when the user last signed in; `updated_at` stays."""
        self._session.execute(
            update(User).where(User.id == user_id).values(last_sign_in_at=signed_in_at)
        )

    def delete(self, user_id: int) -> bool:
        """Delete the user with all their sessions and keys; return whether they existed."""
        deleted = self._session.execute(delete(User).where(User.id == user_id).returning(User.id))
        return deleted.first() is not None

    def _update(self, user_id: int, **values: Any) -> None:
        self._session.execute(
            update(User).where(User.id == user_id).values(**values, updated_at=datetime.now(UTC))
        )

    def _one(self, statement: Any) -> UserInfo | None:
        row: Row[Any] | None = self._session.execute(statement).first()
        return None if row is None else user_from(row)


def _uniqueness_error(error: IntegrityError) -> UsernameTaken | EmailTaken:
    """Return the error for the violated unique constraint in *error*."""
    return UsernameTaken() if "username" in violated_constraint(error) else EmailTaken()
