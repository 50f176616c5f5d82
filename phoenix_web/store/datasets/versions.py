"""The versions of datasets in the store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from phoenix_web.store.datasets.models import DatasetVersion

if TYPE_CHECKING:
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

    def page(self, limit: int, cursor: int | None = None) -> tuple[list[VersionInfo], int | None]:
        """Return up to *limit* versions, newest first, and the cursor of the next page.

        The page starts with the version *cursor*; without that version in the dataset it is empty.
        """
        statement = (
            select(
                DatasetVersion.id,
                DatasetVersion.description,
                DatasetVersion.metadata_json,
                DatasetVersion.created_at,
            )
            .where(DatasetVersion.dataset_id == self._dataset_id)
            .order_by(DatasetVersion.id.desc())
            .limit(limit + 1)
        )
        if cursor is not None:
            if not self.has(cursor):
                return [], None
            statement = statement.where(DatasetVersion.id <= cursor)
        versions = [
            VersionInfo(version_id, description, json.loads(metadata_json), created_at)
            for version_id, description, metadata_json, created_at in self._session.execute(
                statement
            )
        ]
        return versions[:limit], versions[limit].id if len(versions) > limit else None

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
