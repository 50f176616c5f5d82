"""Reading the audit log: pages, batches for exports, and the whole chain."""

from __future__ import annotations

from dataclasses import dataclass, fields
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
_COLUMNS: Final = tuple(
    getattr(AuditEvent, "id" if field.name == "number" else field.name)
    for field in fields(AuditEntry)
)
_order: Final = tuple_(AuditEvent.at, AuditEvent.id)


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Conditions on entries; None matches all."""

    action: AuditAction | None = None
    outcome: Outcome | None = None
    actor_id: int | None = None
    #: The type and number of a GlobalID.
    subject: tuple[str, int] | None = None
    since: datetime | None = None
    #: Exclusive.
    until: datetime | None = None


class AuditStore:
    """Queries on the audit log in a transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(
        self, filters: AuditFilters, limit: int, cursor: int | None = None
    ) -> Page[AuditEntry]:
        """Return up to *limit* entries, newest first, from number *cursor* on."""
        statement = _filtered(filters).order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
        if cursor is not None:
            at = self._session.execute(
                select(AuditEvent.at).where(AuditEvent.id == cursor)
            ).scalar_one_or_none()
            if at is None:  # retention removed it and all older entries
                return Page([])
            statement = statement.where(_order <= _position(at, cursor))
        return read_page(self._session, statement, limit, lambda row: AuditEntry(*row))

    def after(self, filters: AuditFilters, last: AuditEntry | None) -> list[AuditEntry]:
        """Return the next batch of entries after *last*, oldest first."""
        statement = _filtered(filters).order_by(AuditEvent.at, AuditEvent.id).limit(_BATCH)
        if last is not None:
            statement = statement.where(_order > _position(last.at, last.number))
        return self._entries(statement)

    def bounds(self) -> tuple[Checkpoint, End] | None:
        """Return the start and end of the log, or None before its initialization."""
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
        """Yield every entry in the order of the chain, reading in batches."""
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
    """Yield entries in batches, oldest first, each read in its own transaction."""
    last = None
    while True:
        with database.reading() as session:
            batch = AuditStore(session).after(filters, last)
        if not batch:
            return
        yield batch
        last = batch[-1]


def _position(at: datetime, number: int) -> ColumnElement[Any]:
    return tuple_(literal(at, UTCDateTime()), literal(number, Id))


def _filtered(filters: AuditFilters) -> Select[*tuple[Any, ...]]:
    statement = select(*_COLUMNS)
    if filters.since is not None:
        statement = statement.where(AuditEvent.at >= filters.since)
    if filters.until is not None:
        statement = statement.where(AuditEvent.at < filters.until)
    # The first condition usually matches the fewest entries, so only it may use an index. Without
    # statistics, SQLite might choose the index of another condition.
    may_use_index = True
    for indexed, unindexed in _conditions(filters):
        statement = statement.where(indexed if may_use_index else unindexed)
        may_use_index = False
    return statement


def _conditions(filters: AuditFilters) -> Iterator[tuple[ColumnElement[bool], ColumnElement[bool]]]:
    """Yield each condition in two forms: one that can use an index, and one that cannot."""
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
