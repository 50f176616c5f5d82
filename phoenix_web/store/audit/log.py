"""Writing the audit log: a transaction collects events and appends them before its commit."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from phoenix_web.audit.chain import START, Key
from phoenix_web.audit.events import SERVER_ACTOR, Event
from phoenix_web.store.audit import retention
from phoenix_web.store.audit.models import AuditEvent, AuditState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import AuditEntry

_EVENTS: Final = "phoenix_web.audit"
#: Maximum number of entries pruned by one append, because other appends wait for its lock.
_PRUNED_AT_ONCE: Final = 1000
#: Pruning appends an entry itself, so it waits until the oldest entry is a day overdue.
_GRACE: Final = timedelta(days=1)

_log = logging.getLogger(__name__)


def session_info() -> dict[str, Any]:
    """Return the `Session.info` that lets a transaction record events."""
    return {_EVENTS: []}


def record(session: Session, event: Event) -> None:
    """Append *event* to the audit log when the transaction of *session* commits."""
    session.info[_EVENTS].append(event)


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Appends events to the chain with *key* and prunes entries older than *max_age*."""

    key: Key
    #: None keeps entries forever.
    max_age: timedelta | None = None

    def initialize(self, session: Session) -> None:
        """Create the state of an empty log, or warn if the newest entry has another key.

        The caller has called `Database.lock_for_startup`.
        """
        newest = select(AuditEvent.key_id).order_by(AuditEvent.id.desc()).limit(1)
        if session.execute(select(AuditState.id)).first() is None:
            state = {
                "id": 1,
                "number": 0,
                "link": self.key.link(START),
                "pruned_number": 0,
                "pruned_mac": START,
                "pruned_key_id": self.key.id,
            }
            session.execute(insert(AuditState).values(state))
        elif session.execute(newest).scalar_one_or_none() not in {None, self.key.id}:
            _log.warning(
                "the newest audit log entry was written with another key: set the same "
                "PHOENIX_AUDIT_KEY on every host, and keep the old key for verification"
            )

    def write(self, session: Session) -> None:
        """Append the recorded events of *session*; call it last before the commit.

        Locks the row of `audit_state` until the commit, so that transactions append one by one.
        """
        events: list[Event] = session.info[_EVENTS]
        if not events:
            return
        session.flush()  # takes all other locks first, to avoid deadlocks
        columns = (AuditState.number, AuditState.link, AuditState.pruned_number)
        state = select(*columns).where(AuditState.id == 1).with_for_update()
        number, link, pruned = session.execute(state).one()
        now = datetime.now(UTC)
        entries: list[AuditEntry] = []
        for event in (*events, *self._prune(session, pruned + 1, now)):
            number += 1
            entry = event.to_entry(number, now, self.key.id)
            mac = self.key.mac(link, entry)
            link = self.key.link(mac)
            entries.append(replace(entry, mac=mac))
        # With explicit NULLs, a refused sign-in runs one statement for known and unknown accounts.
        session.execute(
            insert(AuditEvent),
            [_row(entry) for entry in entries],
            execution_options={"render_nulls": True},
        )
        end = update(AuditState).where(AuditState.id == 1).values(number=number, link=link)
        session.execute(end)

    def _prune(self, session: Session, first: int, now: datetime) -> list[Event]:
        """Remove overdue entries from number *first* on; return the event to record, if any."""
        before = None if self.max_age is None else now - self.max_age
        if before is None or not retention.is_due(session, first, before - _GRACE):
            return []
        event = retention.prune_events(session, before, SERVER_ACTOR, _PRUNED_AT_ONCE)
        return [event] if event else []


def _row(entry: AuditEntry) -> dict[str, Any]:
    row = asdict(entry)
    row["id"] = row.pop("number")
    return row
