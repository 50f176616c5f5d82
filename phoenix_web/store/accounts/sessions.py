"""Sessions and their refresh tokens in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from phoenix_web.store.accounts.models import RefreshToken, User
from phoenix_web.store.accounts.models import Session as SessionRow
from phoenix_web.store.accounts.users import USER_COLUMNS
from phoenix_web.store.paging import Page, newest_first, read_page
from phoenix_web.store.statements import purge_expired

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class RefreshTokenInfo:
    """A stored refresh token, without its text."""

    session_id: int
    user_id: int
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """An open session as lists show it."""

    id: int
    user_id: int
    created_at: datetime
    #: When it was opened or last refreshed; *address* and *user_agent* date from then.
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None


#: The query that verifies an access token: the session and its user.
FIND_BY_ID: Final = (
    select(SessionRow.access_token_id, *USER_COLUMNS)
    .join(User, User.id == SessionRow.user_id)
    .where(SessionRow.id == bindparam("session_id"), User.deactivated_at.is_(None))
)

_COLUMNS: Final = (
    SessionRow.id,
    SessionRow.user_id,
    SessionRow.created_at,
    func.coalesce(SessionRow.last_seen_at, SessionRow.created_at),
    SessionRow.expires_at,
    SessionRow.address,
    SessionRow.user_agent,
)


class SessionStore:
    """Store for sessions."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def add(  # noqa: PLR0913 - one argument a column
        self,
        user_id: int,
        access_token_id: str,
        created_at: datetime,
        expires_at: datetime,
        *,
        address: str | None = None,
        user_agent: str | None = None,
    ) -> int:
        """Add a session and return its id."""
        return self._session.execute(
            insert(SessionRow)
            .values(
                user_id=user_id,
                access_token_id=access_token_id,
                created_at=created_at,
                expires_at=expires_at,
                last_seen_at=created_at,
                address=address,
                user_agent=user_agent,
            )
            .returning(SessionRow.id)
        ).scalar_one()

    def page(self, user_id: int, limit: int, cursor: int | None = None) -> Page[SessionInfo]:
        """Return up to *limit* open sessions of the user, newest first, from id *cursor* on."""
        statement = select(*_COLUMNS).where(
            SessionRow.user_id == user_id, SessionRow.expires_at > datetime.now(UTC)
        )
        statement = newest_first(statement, SessionRow.id, cursor)
        return read_page(self._session, statement, limit, lambda row: SessionInfo(*row))

    def add_refresh_token(self, session_id: int, digest: bytes, expires_at: datetime) -> None:
        """Add a refresh token with *digest* to the session."""
        self._session.execute(
            insert(RefreshToken).values(session_id=session_id, digest=digest, expires_at=expires_at)
        )

    def find_refresh_token(self, digest: bytes) -> RefreshTokenInfo | None:
        """Return the refresh token with *digest*, or None."""
        row = self._session.execute(
            select(
                RefreshToken.session_id,
                SessionRow.user_id,
                RefreshToken.expires_at,
                RefreshToken.spent_at,
            )
            .join(SessionRow, SessionRow.id == RefreshToken.session_id)
            .where(RefreshToken.digest == digest)
        ).first()
        return None if row is None else RefreshTokenInfo(*row)

    def lock(self, session_id: int) -> datetime | None:
        """Lock the session and return when it was opened, or None if it is not open.

        To avoid deadlocks, lock a session before its refresh tokens, as its deletion does.
        """
        statement = (
            select(SessionRow.created_at).where(SessionRow.id == session_id).with_for_update()
        )
        return self._session.execute(statement).scalar_one_or_none()

    def consume_refresh_token(self, digest: bytes, now: datetime) -> bool:
        """Mark the token as used; return False if it was used before.

        A single UPDATE: of concurrent calls exactly one returns True.
        """
        consumed = self._session.execute(
            update(RefreshToken)
            .where(RefreshToken.digest == digest, RefreshToken.spent_at.is_(None))
            .values(spent_at=now)
            .returning(RefreshToken.id)
        )
        return consumed.first() is not None

    def update(  # noqa: PLR0913 - one argument a column
        self,
        session_id: int,
        access_token_id: str,
        last_seen_at: datetime,
        expires_at: datetime,
        *,
        address: str | None = None,
        user_agent: str | None = None,
    ) -> None:
        """Replace the access token, the expiry and the client of the session."""
        self._session.execute(
            update(SessionRow)
            .where(SessionRow.id == session_id)
            .values(
                access_token_id=access_token_id,
                expires_at=expires_at,
                last_seen_at=last_seen_at,
                address=address,
                user_agent=user_agent,
            )
        )

    def delete(self, user_id: int, session_id: int) -> bool:
        """Delete the session and return whether it was open and belonged to the user."""
        ended = self._session.execute(
            delete(SessionRow)
            .where(SessionRow.id == session_id, SessionRow.user_id == user_id)
            .returning(SessionRow.id)
        )
        return ended.first() is not None

    def delete_all(self, user_id: int, *, except_session: int | None = None) -> int:
        """Delete every session of the user except *except_session*; return how many."""
        statement = delete(SessionRow).where(SessionRow.user_id == user_id)
        if except_session is not None:
            statement = statement.where(SessionRow.id != except_session)
        return len(self._session.execute(statement.returning(SessionRow.id)).all())

    def purge_expired(self, before: datetime) -> None:
        """Delete some of the sessions and refresh tokens that expired before *before*."""
        purge_expired(self._session, SessionRow.id, SessionRow.expires_at < before)
        # Tokens of expired sessions are deleted with them; locking those here could deadlock.
        open_ids = select(SessionRow.id).where(SessionRow.expires_at >= before)
        purge_expired(
            self._session,
            RefreshToken.id,
            RefreshToken.expires_at < before,
            RefreshToken.session_id.in_(open_ids),
        )
