"""Reading the audit log: a page, all of it in batches, and the whole of it for its proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, inspect, literal, select, tuple_

from phoenix_web.audit.events import AuditAction, AuditEntry, Outcome
from phoenix_web.audit.verification import Checkpoint, End
from phoenix_web.store.audit.models import AuditEvent, AuditState
from phoenix_web.store.models import Id, UTCDateTime
from phoenix_web.store.paging import Page, read_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from phoenix_web.store.database import Database

_BATCH: Final = 500
_COLUMNS: Final = (
    AuditEvent.id,
    AuditEvent.at,
    AuditEvent.action,
    AuditEvent.outcome,
    AuditEvent.reason,
    AuditEvent.actor_id,
    AuditEvent.actor_name,
    AuditEvent.credential_kind,
    AuditEvent.credential_id,
    AuditEvent.address,
    AuditEvent.agent,
    AuditEvent.subject_kind,
    AuditEvent.subject_id,
    AuditEvent.subject_label,
    AuditEvent.detail,
    AuditEvent.key_id,
    AuditEvent.mac,
)
#: What lines are ordered by: when they happened, and where they stand.
_order: Final = tuple_(AuditEvent.at, AuditEvent.id)


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Which lines are wanted; None for all."""

    action: AuditAction | None = None
    outcome: Outcome | None = None
    actor_id: int | None = None
    #: The type of a GlobalID, and its number.
    subject: tuple[str, int] | None = None
    since: datetime | None = None
    #: The first moment that is not wanted.
    until: datetime | None = None


class AuditStore:
    """Reads the log within the unit of work *session*."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which only reads."""
        self._session = session

    def page(
        self, filters: AuditFilters, limit: int, cursor: int | None = None
    ) -> Page[AuditEntry]:
        """Return up to *limit* lines, newest first, from line *cursor* on."""
        statement = _filtered(filters).order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
        if cursor is not None:
            at = self._session.execute(
                select(AuditEvent.at).where(AuditEvent.id == cursor)
            ).scalar_one_or_none()
            if at is None:  # retention has removed it meanwhile, and so all that comes after
                return Page([])
            statement = statement.where(_order <= _place(at, cursor))
        return read_page(self._session, statement, limit, lambda row: AuditEntry(*row))

    def after(self, filters: AuditFilters, last: AuditEntry | None) -> list[AuditEntry]:
        """Return the next lines, oldest first, after *last*."""
        statement = _filtered(filters).order_by(AuditEvent.at, AuditEvent.id).limit(_BATCH)
        if last is not None:
            statement = statement.where(_order > _place(last.at, last.number))
        return self._entries(statement)

    def bounds(self) -> tuple[Checkpoint, End] | None:
        """Return where the log begins and ends, or None before it was begun."""
        if not inspect(self._session.connection()).has_table(AuditState.__tablename__):
            return None
        row = self._session.execute(
            select(
                AuditState.pruned_number,
                AuditState.pruned_mac,
                AuditState.pruned_key_id,
                AuditState.number,
                AuditState.link,
            )
        ).first()
        return None if row is None else (Checkpoint(*row[:3]), End(*row[3:]))

    def all(self) -> Iterator[AuditEntry]:
        """Yield every line in the order of the chain, holding a batch of them at a time."""
        number = -1
        while True:
            statement = select(*_COLUMNS).order_by(AuditEvent.id).limit(_BATCH)
            batch = self._entries(statement.where(AuditEvent.id > number))
            yield from batch
            if len(batch) < _BATCH:
                return
            number = batch[-1].number

    def _entries(self, statement: Select[*tuple[Any, ...]]) -> list[AuditEntry]:
        return [AuditEntry(*row) for row in self._session.execute(statement)]


def batches(database: Database, filters: AuditFilters) -> Iterator[list[AuditEntry]]:
    """Yield the lines, oldest first, a batch at a time; no connection is held in between."""
    last = None
    while True:
        with database.reading() as session:
            batch = AuditStore(session).after(filters, last)
        if not batch:
            return
        yield batch
        last = batch[-1]


def _place(at: datetime, number: int) -> ColumnElement[Any]:
    return tuple_(literal(at, UTCDateTime()), literal(number, Id))


def _filtered(filters: AuditFilters) -> Select[*tuple[Any, ...]]:
    statement = select(*_COLUMNS)
    if filters.since is not None:
        statement = statement.where(AuditEvent.at >= filters.since)
    if filters.until is not None:
        statement = statement.where(AuditEvent.at < filters.until)
    # From the one that usually leaves the fewest lines. The database takes the index of the first
    # and looks through what it finds; without statistics SQLite might take any of the others.
    is_led = False
    for lead, follow in _conditions(filters):
        statement = statement.where(follow if is_led else lead)
        is_led = True
    return statement


def _conditions(filters: AuditFilters) -> Iterator[tuple[ColumnElement[bool], ColumnElement[bool]]]:
    """Yield each condition twice: as one that an index can answer, and as one that it cannot."""
    event = AuditEvent
    if filters.subject is not None:
        kind, number = filters.subject
        by_subject = (event.subject_kind == kind) & (event.subject_id == number)
        yield by_subject, by_subject
    if filters.actor_id is not None:
        yield event.actor_id == filters.actor_id, event.actor_id + 0 == filters.actor_id
    if filters.action is not None:
        yield event.action == filters.action.value, event.action + "" == filters.action.value
    if filters.outcome is not None:
        yield event.outcome == filters.outcome.value, event.outcome + "" == filters.outcome.value
