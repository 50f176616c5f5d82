"""Counts of login attempts in the store; `auth.sign_in.throttling` applies the limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, update

from phoenix_web.store.accounts.models import LoginAttempts
from phoenix_web.store.statements import dialect_of, purge_expired

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """The attempts of one account, device, network or user."""

    attempts: int
    #: Set by the attempt that reached the limit.
    locked_until: datetime | None
    #: When the count expires.
    expires_at: datetime


class LoginAttemptStore:
    """Store for counts of attempts."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def lock(self, subject: bytes, now: datetime) -> AttemptCount:
        """Return the count of *subject*, locked until the transaction ends.

        Inserts a count of zero if there is none, because PostgreSQL can only lock an existing row.
        """
        dialect = dialect_of(self._session)
        row = LoginAttempts
        insert = dialect.insert(row).values(
            subject=subject, attempts=0, locked_until=None, forget_at=now
        )
        upsert = insert.on_conflict_do_update(
            index_elements=[row.subject], set_={"subject": insert.excluded.subject}
        ).returning(row.attempts, row.locked_until, row.forget_at)
        return AttemptCount(*self._session.execute(upsert).one())

    def put(self, subject: bytes, count: AttemptCount) -> None:
        """Store *count* for *subject*, which the caller has locked."""
        self._session.execute(
            update(LoginAttempts)
            .where(LoginAttempts.subject == subject)
            .values(
                attempts=count.attempts,
                locked_until=count.locked_until,
                forget_at=count.expires_at,
            )
        )

    def clear(self, subject: bytes) -> None:
        """Delete the count of *subject*."""
        self._session.execute(delete(LoginAttempts).where(LoginAttempts.subject == subject))

    def purge_expired(self, now: datetime) -> None:
        """Delete some of the counts that expired before *now*."""
        purge_expired(self._session, LoginAttempts.subject, LoginAttempts.forget_at < now)
