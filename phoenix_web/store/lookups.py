"""Look-ups of single rows by statements compiled once, for the path of every request.

They bypass SQLAlchemy's execution, which took more than half the time of a look-up; a request with
an API key takes a quarter less time.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Engine, Select


BUSY: Final = "The database is busy or unreachable. Try again."


class Disconnected(Unavailable):
    """The connection was closed, for example by a restart of the database server."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in the driver's SQL, with the converters of its result columns."""

    sql: str
    #: Literal values of the statement.
    constants: Mapping[str, Any]
    #: Order of the parameters for a driver with positional ones, else None.
    order: Sequence[str] | None
    #: Result processors by column index.
    readers: Sequence[tuple[int, Callable[[Any], Any]]]


class Lookups:
    """Compiled look-ups on the pooled connections of an autocommit engine."""

    def __init__(self, engine: Engine) -> None:
        """Use *engine*, which must be in autocommit mode."""
        self._engine = engine
        self._compiled: dict[Any, _Compiled] = {}

    def first(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Any]
    ) -> Sequence[Any] | None:
        """Return the first row of *statement*, a module-level constant, or None.

        Raises `Disconnected` after emptying the pool, or the driver's own error.
        """
        compiled = self._compiled.get(statement) or self._compile(statement)
        named = {**compiled.constants, **values}
        order = compiled.order
        parameters = named if order is None else tuple(named[name] for name in order)
        # Closing the cursor ends SQLite's read transaction, which would block checkpoints.
        # Closing the connection returns it to the pool.
        with closing(self._engine.raw_connection()) as connection:
            try:
                with closing(connection.cursor()) as cursor:
                    cursor.execute(compiled.sql, parameters)
                    row = cursor.fetchone()
            except self._engine.dialect.loaded_dbapi.Error as error:
                driver: Any = connection.driver_connection
                if not self._engine.dialect.is_disconnect(error, driver, None):
                    raise
                connection.invalidate(error)
                self._engine.dispose()
                raise Disconnected(BUSY) from error
        if row is None:
            return None
        values_read = list(row)
        for index, read in compiled.readers:
            values_read[index] = read(values_read[index])
        return values_read

    def _compile(self, statement: Select[*tuple[Any, ...]]) -> _Compiled:
        dialect = self._engine.dialect
        sql: Any = statement.compile(dialect=dialect)
        types = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
        readers = [(n, type_.result_processor(dialect, None)) for n, type_ in enumerate(types)]
        compiled = _Compiled(
            sql=str(sql),
            constants=sql.params,
            order=sql.positiontup if sql.positional else None,
            readers=[(index, read) for index, read in readers if read is not None],
        )
        # If two threads compile the same statement, their results are equal.
        self._compiled[statement] = compiled
        return compiled
