"""Open sign-ins and their refresh tokens in the store."""

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
    """A refresh token as it is stored, and the session it belongs to."""

    session_id: int
    user_id: int
    expires_at: datetime
    spent_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """An open session as lists show it."""

    id: int
    user_id: int
    created_at: datetime
    #: When it was opened or last renewed, and from where by what.
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None


#: The verifier's one statement for an access token: its session and user as they are now.
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
    """Reads and writes sessions within the unit of work *session*."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def open(  # noqa: PLR0913 - one argument a column
        self,
        user_id: int,
        access_token_id: str,
        created_at: datetime,
        expires_at: datetime,
        *,
        address: str | None = None,
        user_agent: str | None = None,
    ) -> int:
        """Open a session and return its id."""
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
        """Give the session the refresh token behind *digest*."""
        self._session.execute(
            insert(RefreshToken).values(session_id=session_id, digest=digest, expires_at=expires_at)
        )

    def find_refresh_token(self, digest: bytes) -> RefreshTokenInfo | None:
        """Return the refresh token behind *digest*, or None."""
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
        """Keep the session from being ended or renewed by others; return when it was opened.

        Returns None for one that is not open. Always taken before its refresh tokens, as its
        deletion does: no two wait for each other.
        """
        statement = (
            select(SessionRow.created_at).where(SessionRow.id == session_id).with_for_update()
        )
        return self._session.execute(statement).scalar_one_or_none()

    def consume_refresh_token(self, digest: bytes, now: datetime) -> bool:
        """Mark the token spent; tell whether this call was the one that did it.

        One statement decides, so of any number of simultaneous calls exactly one wins.
        """
        spent = self._session.execute(
            update(RefreshToken)
            .where(RefreshToken.digest == digest, RefreshToken.spent_at.is_(None))
            .values(spent_at=now)
            .returning(RefreshToken.id)
        )
        return spent.first() is not None

    def renew(  # noqa: PLR0913 - one argument a column
        self,
        session_id: int,
        access_token_id: str,
        moment: datetime,
        expires_at: datetime,
        *,
        address: str | None = None,
        user_agent: str | None = None,
    ) -> None:
        """Make *access_token_id* the session's good one, seen at *moment*."""
        self._session.execute(
            update(SessionRow)
            .where(SessionRow.id == session_id)
            .values(
                access_token_id=access_token_id,
                expires_at=expires_at,
                last_seen_at=moment,
                address=address,
                user_agent=user_agent,
            )
        )

    def close(self, user_id: int, session_id: int) -> bool:
        """End the session if it is the user's; return whether it was, and open."""
        ended = self._session.execute(
            delete(SessionRow)
            .where(SessionRow.id == session_id, SessionRow.user_id == user_id)
            .returning(SessionRow.id)
        )
        return ended.first() is not None

    def close_all(self, user_id: int, *, except_session: int | None = None) -> int:
        """End every session of the user, or all but one; return how many were open."""
        statement = delete(SessionRow).where(SessionRow.user_id == user_id)
        if except_session is not None:
            statement = statement.where(SessionRow.id != except_session)
        return len(self._session.execute(statement.returning(SessionRow.id)).all())

    def purge_expired(self, before: datetime) -> None:
        """Forget some of the sessions and spent refresh tokens that ended before *before*."""
        purge_expired(self._session, SessionRow.id, SessionRow.expires_at < before)
        # The tokens of a session that is over go with it: whoever ends that one waits for nobody.
        goes_on = select(SessionRow.id).where(SessionRow.expires_at >= before)
        purge_expired(
            self._session,
            RefreshToken.id,
            RefreshToken.expires_at < before,
            RefreshToken.session_id.in_(goes_on),
        )
