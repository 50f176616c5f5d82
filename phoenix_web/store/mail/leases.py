"""Leases: of all processes on all hosts, one at a time does something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from phoenix_web.store.dialects import dialect_of
from phoenix_web.store.mail.models import Lease

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


class LeaseStore:
    """Takes and gives back leases within the unit of work *session*."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def is_free(self, name: str, holder: str, now: datetime) -> bool:
        """Tell whether *holder* could take the lease: a look that takes no lock."""
        statement = select(Lease.holder).where(
            Lease.name == name, Lease.holder != holder, Lease.expires_at > now
        )
        return self._session.execute(statement).first() is None

    def take(self, name: str, holder: str, now: datetime, expires_at: datetime) -> bool:
        """Take the lease, or hold it longer; tell whether *holder* has it now.

        One statement decides, so of any number of simultaneous calls exactly one wins. A holder
        that died has it until it expires.
        """
        dialect = dialect_of(self._session)
        taken = self._session.execute(
            dialect.insert(Lease)
            .values(name=name, holder=holder, expires_at=expires_at)
            .on_conflict_do_update(
                index_elements=[Lease.name],
                set_={"holder": holder, "expires_at": expires_at},
                where=or_(Lease.holder == holder, Lease.expires_at <= now),
            )
            .returning(Lease.holder)
        )
        return taken.first() is not None

    def give_back(self, name: str, holder: str) -> None:
        """End the lease, if *holder* still has it."""
        self._session.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))
