"""What the databases are asked, statement by statement."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import event
from sqlalchemy.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def statements() -> Iterator[list[str]]:
    """Gather the statements and the ends of transactions of all databases."""
    executed: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        executed.append(statement)

    def end(_connection: object) -> None:
        executed.append("COMMIT")

    event.listen(Engine, "before_cursor_execute", note)
    event.listen(Engine, "commit", end)
    yield executed
    event.remove(Engine, "before_cursor_execute", note)
    event.remove(Engine, "commit", end)
