"""Store for the versions of a dataset."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from phoenix_web.store.accounts.models import User
from phoenix_web.store.datasets.models import DatasetVersion
from phoenix_web.store.paging import Page, newest_first, read_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """A version without its examples."""

    id: int
    description: str | None
    metadata: dict[str, Any]
    created_at: datetime
    #: The creator; None after the account is deleted.
    username: str | None


_COLUMNS: Final = (
    DatasetVersion.id,
    DatasetVersion.description,
    DatasetVersion.metadata_json,
    DatasetVersion.created_at,
    User.username,
)


class VersionStore:
    """Store for the versions of one dataset."""

    def __init__(self, session: Session, dataset_id: int) -> None:
        """Use *session*, which the caller commits."""
        self._session = session
        self._dataset_id = dataset_id

    def page(self, limit: int, cursor: int | None = None) -> Page[VersionInfo]:
        """Return up to *limit* versions, newest first.

        The page starts at the version *cursor*; it is empty if the dataset lacks that version.
        """
        if cursor is not None and self.find(cursor) is None:
            return Page([])
        statement = newest_first(self._versions(), DatasetVersion.id, cursor)
        return read_page(self._session, statement, limit, _version_from)

    def latest(self) -> int | None:
        """Return the id of the latest version, or None without versions."""
        statement = select(func.max(DatasetVersion.id)).where(
            DatasetVersion.dataset_id == self._dataset_id
        )
        return self._session.execute(statement).scalar_one_or_none()

    def find(self, version_id: int) -> VersionInfo | None:
        """Return the version *version_id* of the dataset, or None."""
        statement = self._versions().where(DatasetVersion.id == version_id)
        row = self._session.execute(statement).first()
        return None if row is None else _version_from(row)

    def number(self, version_id: int) -> int:
        """Return the position of *version_id* among the versions of the dataset, from 1."""
        statement = select(func.count()).where(
            DatasetVersion.dataset_id == self._dataset_id, DatasetVersion.id <= version_id
        )
        return self._session.execute(statement).scalar_one()

    def _versions(self) -> Select[*tuple[Any, ...]]:
        return (
            select(*_COLUMNS)
            .outerjoin(User, User.id == DatasetVersion.user_id)
            .where(DatasetVersion.dataset_id == self._dataset_id)
        )


def _version_from(row: Sequence[Any]) -> VersionInfo:
    version_id, description, metadata_json, *rest = row
    return VersionInfo(version_id, description, json.loads(metadata_json), *rest)
