"""Failed sign-ins in the store, counted so that no two guesses are counted as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, delete
from sqlalchemy.dialects import postgresql, sqlite

from phoenix_web.store.models import LoginAttempts

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Count:
    """How many attempts stand against one address, this one included."""

    attempts: int
    locked_until: datetime | None


class LoginAttemptStore:
    """Counts attempts within the unit of work *session*."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def add(self, subject: bytes, maximum: int, lock: timedelta, now: datetime) -> Count:
        """Count one attempt and return where that leaves *subject*.

        The attempt that reaches *maximum* sets the lock; later ones do not prolong it, and the
        first one after its end starts from one again.
        """
        # SQLAlchemy has the upsert once for each database, with the same methods.
        dialect: Any = postgresql if self._session.get_bind().dialect.name != "sqlite" else sqlite
        row = LoginAttempts
        was_locked = row.locked_until <= now
        attempts = case((was_locked, 1), else_=row.attempts + 1)
        locked_until = case(
            (was_locked, now + lock if maximum <= 1 else None),
            (row.attempts + 1 == maximum, now + lock),
            else_=row.locked_until,
        )
        statement = (
            dialect.insert(row)
            .values(
                subject=subject,
                attempts=1,
                locked_until=now + lock if maximum <= 1 else None,
                updated_at=now,
            )
            .on_conflict_do_update(
                index_elements=[row.subject],
                set_={"attempts": attempts, "locked_until": locked_until, "updated_at": now},
            )
            .returning(row.attempts, row.locked_until)
        )
        return Count(*self._session.execute(statement).one())

    def clear(self, subject: bytes) -> None:
        """Forget the attempts against *subject*."""
        self._session.execute(delete(LoginAttempts).where(LoginAttempts.subject == subject))

    def sweep(self, before: datetime) -> None:
        """Forget every count that has not moved since *before*."""
        self._session.execute(delete(LoginAttempts).where(LoginAttempts.updated_at < before))
