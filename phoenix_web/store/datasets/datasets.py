"""Datasets in the store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from phoenix_web.store.datasets.models import Dataset, text_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A dataset, without its examples."""

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
    """Reads datasets within the unit of work *session*."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def page(
        self, limit: int, cursor: int | None = None, name: str | None = None
    ) -> tuple[list[DatasetInfo], int | None]:
        """Return up to *limit* datasets, newest first, from id *cursor* on, and the next cursor.

        With *name*, only the one that has exactly this name.
        """
        statement = select(*_COLUMNS).order_by(Dataset.id.desc()).limit(limit + 1)
        if cursor is not None:
            statement = statement.where(Dataset.id <= cursor)
        if name is not None:
            statement = statement.where(Dataset.name_key == text_key(name))
        datasets = [_dataset_from(row) for row in self._session.execute(statement)]
        return datasets[:limit], datasets[limit].id if len(datasets) > limit else None

    def find(self, dataset_id: int) -> DatasetInfo | None:
        """Return the dataset with *dataset_id*, or None."""
        row = self._session.execute(select(*_COLUMNS).where(Dataset.id == dataset_id)).first()
        return None if row is None else _dataset_from(row)


def _dataset_from(values: Sequence[Any]) -> DatasetInfo:
    dataset_id, name, description, metadata_json, *rest = values
    return DatasetInfo(dataset_id, name, description, json.loads(metadata_json), *rest)
