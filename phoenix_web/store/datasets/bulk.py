"""Bulk inserts for either database, and statements with long lists of values."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import func, select, text

from phoenix_web.datasets.pacing import paced
from phoenix_web.store.database import error_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.orm import InstrumentedAttribute, Session

    from phoenix_web.store.models import Base

#: Rows in one call of SQLite, which blocks all other threads for its duration.
_BATCH_ROWS: Final = 200
#: Values in one statement; SQLite allows 32,766 parameters.
_MAX_VALUES: Final = 10_000

Value = TypeVar("Value")


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Split *values* into lists that each fit into one statement."""
    whole = list(values)
    return (whole[start : start + _MAX_VALUES] for start in range(0, len(whole), _MAX_VALUES))


def refresh_statistics(session: Session, *tables: type[Base]) -> None:
    """Update the statistics of PostgreSQL's planner for *tables*.

    Without current statistics, reading a page of a new dataset takes a hundred times as long until
    autovacuum runs. Tables that another transaction is analyzing are skipped.
    """
    if session.get_bind().dialect.name == "postgresql":
        names = ", ".join(table.__tablename__ for table in tables)
        session.execute(text(f"ANALYZE (SKIP_LOCKED) {names}"))


def allocate_ids(session: Session, column: InstrumentedAttribute[int], count: int) -> Sequence[int]:
    """Reserve *count* ascending ids for the primary key *column*.

    Rows that refer to each other can then be inserted in bulk, without reading back their ids.
    """
    table = column.class_.__tablename__
    if session.get_bind().dialect.name == "sqlite":
        # The transaction owns the write lock, so no other transaction can take these ids.
        last_id = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        last = session.execute(last_id, {"name": table}).scalar_one_or_none() or 0
        return range(last + 1, last + 1 + count)
    next_id = func.nextval(func.pg_get_serial_sequence(table, column.key))
    rows = select(next_id).select_from(func.generate_series(1, count))
    return session.execute(rows).scalars().all()


def insert_rows(
    session: Session,
    columns: Sequence[InstrumentedAttribute[Any]],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """Insert *rows* into *columns* of one table; the values must have types of the driver.

    PostgreSQL's COPY takes a third of the time of INSERT.
    """
    table, names = _names(columns)
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in columns)
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names of our tables and columns
        remaining = paced(rows)
        while batch := list(islice(remaining, _BATCH_ROWS)):
            connection.exec_driver_sql(statement, batch)
        return
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in paced(rows):
                copy.write_row(row)
    except Exception as error:
        # COPY bypasses SQLAlchemy, which translates the exceptions of other statements.
        refusal = error_for(error, is_disconnect=driver.closed)
        if refusal is None:
            raise
        raise refusal from error


def insert_missing(
    session: Session, columns: Sequence[InstrumentedAttribute[int]], rows: Sequence[tuple[int, ...]]
) -> None:
    """Insert *rows* into *columns* of one table, skipping rows that already exist."""
    if not rows:
        return
    table, names = _names(columns)
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in columns)
        values = f"VALUES ({marks})"
        parameters: Any = list(rows)
    else:
        arrays = ", ".join("%s::bigint[]" for _ in columns)
        values = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - contains no values
        parameters = tuple(map(list, zip(*rows, strict=True)))
    statement = f"INSERT INTO {table} ({names}) {values} ON CONFLICT DO NOTHING"
    connection.exec_driver_sql(statement, parameters)


def _names(columns: Sequence[InstrumentedAttribute[Any]]) -> tuple[str, str]:
    """Return the name of the table of *columns* and their own names."""
    return columns[0].class_.__tablename__, ", ".join(column.expression.name for column in columns)
