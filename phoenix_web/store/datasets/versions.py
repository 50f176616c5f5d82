"""The versions of datasets in the store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from phoenix_web.store.datasets.models import DatasetVersion
from phoenix_web.store.paging import Page, newest_first, read_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """A version, without its examples."""

    id: int
    description: str | None
    metadata: dict[str, Any]
    created_at: datetime


class VersionStore:
    """Reads the versions of one dataset within the unit of work *session*."""

    def __init__(self, session: Session, dataset_id: int) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session
        self._dataset_id = dataset_id

    def page(self, limit: int, cursor: int | None = None) -> Page[VersionInfo]:
        """Return up to *limit* versions, newest first.

        The page starts with the version *cursor*; without that version in the dataset it is empty.
        """
        if cursor is not None and not self.has(cursor):
            return Page([])
        statement = select(
            DatasetVersion.id,
            DatasetVersion.description,
            DatasetVersion.metadata_json,
            DatasetVersion.created_at,
        ).where(DatasetVersion.dataset_id == self._dataset_id)
        statement = newest_first(statement, DatasetVersion.id, cursor)
        return read_page(self._session, statement, limit, _version_from)

    def latest(self) -> int | None:
        """Return the id of the latest version, or None when there is none."""
        statement = select(func.max(DatasetVersion.id)).where(
            DatasetVersion.dataset_id == self._dataset_id
        )
        return self._session.execute(statement).scalar_one_or_none()

    def has(self, version_id: int) -> bool:
        """Tell whether *version_id* is a version of this dataset."""
        statement = select(DatasetVersion.id).where(
            DatasetVersion.dataset_id == self._dataset_id, DatasetVersion.id == version_id
        )
        return self._session.execute(statement).first() is not None


def _version_from(row: Sequence[Any]) -> VersionInfo:
    version_id, description, metadata_json, created_at = row
    return VersionInfo(version_id, description, json.loads(metadata_json), created_at)
