"""Writing the audit log: events are gathered in a unit of work, and chained at its end."""

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
#: Lines that one append removes at most: it must not keep others waiting.
_PRUNED_AT_ONCE: Final = 1000
#: Lines outlive their time by so long, so that a removal, which is a line too, comes once a day.
_GRACE: Final = timedelta(days=1)

_log = logging.getLogger(__name__)


def session_info() -> dict[str, Any]:
    """Return the `info` of a session whose unit of work may record events."""
    return {_EVENTS: []}


def record(session: Session, event: Event) -> None:
    """Let *event* stand in the audit log as soon as the unit of work *session* is committed."""
    session.info[_EVENTS].append(event)


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The chain's writer."""

    key: Key
    #: How long lines are kept; None for ever.
    max_age: timedelta | None = None

    def initialize(self, session: Session) -> None:
        """Begin the log, unless it has been begun; start by start, under the lock of starts."""
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
                "the newest line of the audit log was written with another key: give every host "
                "the same PHOENIX_AUDIT_KEY, and keep the old key to verify with"
            )

    def write(self, session: Session) -> None:
        """Write down what the unit of work *session* has gathered; nothing may come after it.

        From here to the commit nobody else appends: on PostgreSQL they wait for the row of
        `audit_state`, on SQLite every writer waits anyway.
        """
        gathered: list[Event] = session.info[_EVENTS]
        if not gathered:
            return
        session.flush()  # whatever else takes locks must have them before
        columns = (AuditState.number, AuditState.link, AuditState.pruned_number)
        state = select(*columns).where(AuditState.id == 1).with_for_update()
        number, link, pruned = session.execute(state).one()
        now = datetime.now(UTC)
        entries: list[AuditEntry] = []
        for event in (*gathered, *self._removal(session, pruned + 1, now)):
            number += 1
            entry = event.to_entry(number, now, self.key.id)
            mac = self.key.mac(link, entry)
            link = self.key.link(mac)
            entries.append(replace(entry, mac=mac))
        # With the nulls: a refused sign-in is one statement, whether there is the account or not.
        session.execute(
            insert(AuditEvent),
            [_row(entry) for entry in entries],
            execution_options={"render_nulls": True},
        )
        end = update(AuditState).where(AuditState.id == 1).values(number=number, link=link)
        session.execute(end)

    def _removal(self, session: Session, first: int, now: datetime) -> list[Event]:
        """Remove what has been too old for a day, from line *first* on; return what tells of it."""
        if self.max_age is None or not retention.is_due(
            session, first, now - self.max_age - _GRACE
        ):
            return []
        event = retention.prune_events(session, now - self.max_age, SERVER_ACTOR, _PRUNED_AT_ONCE)
        return [event] if event else []


def _row(entry: AuditEntry) -> dict[str, Any]:
    row = asdict(entry)
    row["id"] = row.pop("number")
    return row
