"""Single rows by statements that are compiled once: the path that every request takes.

It goes from the pool to the driver. SQLAlchemy's own execution took more than half the time of a
look-up: through this, a request by key costs a quarter less.
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
    """The connection had died, as it does when the server behind a pool restarts."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as the driver takes it, and how its columns are read."""

    sql: str
    #: The values that the statement itself holds.
    constants: Mapping[str, Any]
    #: The order of the values, for a driver that takes them by position.
    order: Sequence[str] | None
    readers: Sequence[tuple[int, Callable[[Any], Any]]]


class Lookups:
    """Finds rows on the pooled autocommit connections of one engine."""

    def __init__(self, engine: Engine) -> None:
        """Look up by *engine*, whose connections are in autocommit mode."""
        self._engine = engine
        self._compiled: dict[Any, _Compiled] = {}

    def first(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Any]
    ) -> Sequence[Any] | None:
        """Return the first row of *statement*, a constant of its module, or None.

        Raises `Disconnected` after emptying the pool, or the driver's own error.
        """
        compiled = self._compiled.get(statement) or self._compile(statement)
        told = {**compiled.constants, **values}
        order = compiled.order
        parameters = told if order is None else tuple(told[name] for name in order)
        # Closing the cursor ends SQLite's read transaction; a forgotten one would hold back the
        # log. Closing the connection gives it back to the pool.
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
        found = list(row)
        for place, read in compiled.readers:
            found[place] = read(found[place])
        return found

    def _compile(self, statement: Select[*tuple[Any, ...]]) -> _Compiled:
        dialect = self._engine.dialect
        compiled: Any = statement.compile(dialect=dialect)
        types = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
        readers = [(n, of_one.result_processor(dialect, None)) for n, of_one in enumerate(types)]
        made = _Compiled(
            sql=str(compiled),
            constants=compiled.params,
            order=compiled.positiontup if compiled.positional else None,
            readers=[(place, read) for place, read in readers if read is not None],
        )
        # Two threads may both compile it; either result is good.
        self._compiled[statement] = made
        return made
