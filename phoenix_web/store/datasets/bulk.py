"""Many rows at once: the fastest way into either database, and long lists of values."""

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

#: Rows that SQLite is handed in one call, which are so few that other threads get their turn.
_BATCH: Final = 200
#: Values in one statement; SQLite takes 32,766 parameters.
_AT_ONCE: Final = 10_000

Value = TypeVar("Value")


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Return *values* in lists that fit into one statement each."""
    whole = list(values)
    return (whole[start : start + _AT_ONCE] for start in range(0, len(whole), _AT_ONCE))


def refresh_statistics(session: Session, *tables: type[Base]) -> None:
    """Tell PostgreSQL's planner how large *tables* have become.

    Without it, reading the next page of a new dataset takes a hundred times as long until
    autovacuum comes by. A table that somebody else is counting is left to them.
    """
    if session.get_bind().dialect.name == "postgresql":
        names = ", ".join(table.__tablename__ for table in tables)
        session.execute(text(f"ANALYZE (SKIP_LOCKED) {names}"))


def allocate_ids(session: Session, column: InstrumentedAttribute[int], count: int) -> Sequence[int]:
    """Return *count* ids for the primary key *column*, ascending and never given to anybody else.

    Rows that refer to each other can then be written without asking for the id of each.
    """
    table = column.class_.__tablename__
    if session.get_bind().dialect.name == "sqlite":
        # The transaction holds the write lock, so that nobody else takes ids meanwhile.
        found = select(text("seq")).select_from(text("sqlite_sequence")).where(text("name = :name"))
        last = session.execute(found, {"name": table}).scalar_one_or_none() or 0
        return range(last + 1, last + 1 + count)
    next_id = func.nextval(func.pg_get_serial_sequence(table, column.key))
    rows = select(next_id).select_from(func.generate_series(1, count))
    return session.execute(rows).scalars().all()


def insert_rows(
    session: Session,
    columns: Sequence[InstrumentedAttribute[Any]],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """Insert *rows*, the values of *columns* of one table, which all are of the driver's own types.

    PostgreSQL's COPY takes a third of the time of INSERT; SQLite has nothing faster than INSERT.
    """
    table, names = _names(columns)
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in columns)
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
        remaining = paced(rows)
        while batch := list(islice(remaining, _BATCH)):
            connection.exec_driver_sql(statement, batch)
        return
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in paced(rows):
                copy.write_row(row)
    except Exception as error:
        # SQLAlchemy, which translates failures elsewhere, does not see this statement.
        refusal = error_for(error, is_disconnect=driver.closed)
        if refusal is None:
            raise
        raise refusal from error


def insert_missing(
    session: Session, columns: Sequence[InstrumentedAttribute[int]], rows: Sequence[tuple[int, ...]]
) -> None:
    """Insert *rows*, the values of *columns* of one table, but for those that are there already."""
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
        values = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - no value in it
        parameters = tuple(map(list, zip(*rows, strict=True)))
    statement = f"INSERT INTO {table} ({names}) {values} ON CONFLICT DO NOTHING"
    connection.exec_driver_sql(statement, parameters)


def _names(columns: Sequence[InstrumentedAttribute[Any]]) -> tuple[str, str]:
    """Return the name of the table that *columns* are of, and their own."""
    return columns[0].class_.__tablename__, ", ".join(column.expression.name for column in columns)
