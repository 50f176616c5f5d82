"""Store for datasets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, delete, func, or_, select

from phoenix_web.store.datasets.models import Dataset, text_key
from phoenix_web.store.paging import Page, newest_first, read_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session


class DatasetOrder(StrEnum):
    """The order of a list of datasets."""

    NEWEST = "newest"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A dataset without its examples."""

    id: int
    name: str
    description: str | None
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    #: Live examples in the latest version.
    example_count: int


_COLUMNS: Final = (
    Dataset.id,
    Dataset.name,
    Dataset.description,
    Dataset.metadata_json,
    Dataset.created_at,
    Dataset.updated_at,
    Dataset.example_count,
)


class DatasetStore:
    """Store for datasets; uploads create them."""

    def __init__(self, session: Session) -> None:
        """Use *session*, which the caller commits."""
        self._session = session

    def page(
        self,
        limit: int,
        cursor: int | None = None,
        name: str | None = None,
        *,
        name_contains: str | None = None,
        order: DatasetOrder = DatasetOrder.NEWEST,
    ) -> Page[DatasetInfo]:
        """Return up to *limit* datasets, starting at the id *cursor*.

        Filters: *name* must match exactly, *name_contains* anywhere in the name, ignoring case.
        """
        statement = _ordered(select(*_COLUMNS), order, cursor)
        if name is not None:
            statement = statement.where(Dataset.name_key == text_key(name))
        if name_contains is not None:
            statement = statement.where(Dataset.name.icontains(name_contains, autoescape=True))
        return read_page(self._session, statement, limit, _dataset_from)

    def count(self, name_contains: str | None = None) -> int:
        """Count the datasets, optionally only those with *name_contains* in their name."""
        statement = select(func.count()).select_from(Dataset)
        if name_contains is not None:
            statement = statement.where(Dataset.name.icontains(name_contains, autoescape=True))
        return self._session.execute(statement).scalar_one()

    def find(self, dataset_id: int) -> DatasetInfo | None:
        """Return the dataset with *dataset_id*, or None."""
        row = self._session.execute(select(*_COLUMNS).where(Dataset.id == dataset_id)).first()
        return None if row is None else _dataset_from(row)

    def find_id(self, key: int | str, *, locks: bool = False) -> int | None:
        """Return the id of the dataset with the id or name *key*, or None.

        With *locks*, the dataset cannot be deleted before the transaction ends.
        """
        matches = Dataset.id == key if isinstance(key, int) else Dataset.name_key == text_key(key)
        statement = select(Dataset.id).where(matches)
        if locks:
            # FOR KEY SHARE, as a foreign key check; SQLite runs one write transaction at a time.
            statement = statement.with_for_update(read=True, key_share=True)
        return self._session.execute(statement).scalar_one_or_none()

    def delete(self, dataset_id: int) -> bool:
        """Delete the dataset and its contents, except splits; return whether it existed."""
        # The lock waits for a running upload to the dataset; later uploads do not find it.
        locked = select(Dataset.id).where(Dataset.id == dataset_id).with_for_update()
        if self._session.execute(locked).first() is None:
            return False
        self._session.execute(delete(Dataset).where(Dataset.id == dataset_id))
        return True


def _ordered(
    statement: Select[*tuple[Any, ...]], order: DatasetOrder, cursor: int | None
) -> Select[*tuple[Any, ...]]:
    """Add the order to *statement*, starting at the dataset with the id *cursor*."""
    if order is DatasetOrder.NEWEST:
        return newest_first(statement, Dataset.id, cursor)
    key = func.lower(Dataset.name)
    statement = statement.order_by(key, Dataset.id)
    if cursor is None:
        return statement
    first = select(key).where(Dataset.id == cursor).scalar_subquery()
    return statement.where(or_(key > first, and_(key == first, Dataset.id >= cursor)))


def _dataset_from(values: Sequence[Any]) -> DatasetInfo:
    dataset_id, name, description, metadata_json, *rest = values
    return DatasetInfo(dataset_id, name, description, json.loads(metadata_json), *rest)
