"""Pages of lists, with the id of the first row of the next page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from phoenix_web.global_ids import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list."""

    items: list[Item]
    #: The id of the first row of the next page; None on the last page.
    next_id: int | None = None

    def next_cursor(self, kind: str) -> str | None:
        """Return `next_id` as a GlobalID of *kind*, or None on the last page."""
        return None if self.next_id is None else encode(kind, self.next_id)


def read_page(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    limit: int,
    make: Callable[[Sequence[Any]], Item],
) -> Page[Item]:
    """Return the first *limit* rows of *statement*, each converted by *make*.

    The first column must be the id. One extra row is read to find the start of the next page.
    """
    rows = session.execute(statement.limit(limit + 1)).all()
    next_id = rows[limit][0] if len(rows) > limit else None
    return Page([make(row) for row in rows[:limit]], next_id)


def newest_first(
    statement: Select[*tuple[Any, ...]],
    id_column: InstrumentedAttribute[int],
    cursor: int | None,
) -> Select[*tuple[Any, ...]]:
    """Order *statement* by descending *id_column*, starting at the id *cursor*."""
    statement = statement.order_by(id_column.desc())
    return statement if cursor is None else statement.where(id_column <= cursor)
