"""Counts of attempts in the store; what a count means, `auth.guesses` knows."""

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
    """What stands against one subject."""

    attempts: int
    #: Set by the attempt that filled the measure.
    locked_until: datetime | None
    #: From then on the count is as if it had never been.
    forget_at: datetime


class LoginAttemptStore:
    """Reads and writes counts within the unit of work *session*."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def lock(self, subject: bytes, now: datetime) -> AttemptCount:
        """Return the count of *subject*, which nobody else changes until the transaction ends.

        A subject that nothing stands against gets a row of nothing: without one, PostgreSQL would
        have nothing to lock.
        """
        dialect = dialect_of(self._session)
        row = LoginAttempts
        insert = dialect.insert(row).values(
            subject=subject, attempts=0, locked_until=None, forget_at=now
        )
        held = insert.on_conflict_do_update(
            index_elements=[row.subject], set_={"subject": insert.excluded.subject}
        ).returning(row.attempts, row.locked_until, row.forget_at)
        return AttemptCount(*self._session.execute(held).one())

    def put(self, subject: bytes, count: AttemptCount) -> None:
        """Let *count* stand against *subject*, which the caller holds."""
        self._session.execute(
            update(LoginAttempts)
            .where(LoginAttempts.subject == subject)
            .values(
                attempts=count.attempts,
                locked_until=count.locked_until,
                forget_at=count.forget_at,
            )
        )

    def clear(self, subject: bytes) -> None:
        """Forget what stands against *subject*."""
        self._session.execute(delete(LoginAttempts).where(LoginAttempts.subject == subject))

    def purge_expired(self, now: datetime) -> None:
        """Delete counts that are to be forgotten by *now*, a few at a time."""
        purge_expired(self._session, LoginAttempts.subject, LoginAttempts.forget_at < now)
