"""Store for splits: named sets of examples that span datasets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, delete, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from phoenix_web.errors import Conflict
from phoenix_web.store.datasets.bulk import chunks
from phoenix_web.store.datasets.models import (
    DatasetExample,
    DatasetExampleRevision,
    DatasetSplit,
    DatasetSplitMember,
    is_live,
    text_key,
)
from phoenix_web.store.paging import Page, newest_first, read_page
from phoenix_web.store.statements import dialect_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class SplitInfo:
    """A split with its number of examples in one dataset."""

    id: int
    name: str
    description: str | None
    color: str
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    #: Live examples of the dataset in the split.
    example_count: int


_COLUMNS: Final = (
    DatasetSplit.id,
    DatasetSplit.name,
    DatasetSplit.description,
    DatasetSplit.color,
    DatasetSplit.metadata_json,
    DatasetSplit.created_at,
    DatasetSplit.updated_at,
)


class SplitStore:
    """Store for splits from the perspective of one dataset."""

    def __init__(self, session: Session, dataset_id: int) -> None:
        """Use *session*, which the caller commits."""
        self._session = session
        self._dataset_id = dataset_id
        #: Joins members of a split with their live revisions in the dataset.
        self._is_live_member = and_(
            DatasetExampleRevision.dataset_id == dataset_id,
            DatasetExampleRevision.example_id == DatasetSplitMember.example_id,
            is_live(),
        )

    def page(self, limit: int, cursor: int | None = None) -> Page[SplitInfo]:
        """Return up to *limit* splits with members in the dataset, newest first.

        The page starts at the id *cursor*. Deleted examples keep a split in the list but are not
        counted.
        """
        counts = (
            select(
                DatasetSplitMember.split_id,
                func.count(DatasetExampleRevision.example_id).label("count"),
            )
            .select_from(DatasetExample)
            .join(DatasetSplitMember, DatasetSplitMember.example_id == DatasetExample.id)
            .outerjoin(DatasetExampleRevision, self._is_live_member)
            .where(DatasetExample.dataset_id == self._dataset_id)
            .group_by(DatasetSplitMember.split_id)
            .subquery()
        )
        statement = select(*_COLUMNS, counts.c.count).join(
            counts, counts.c.split_id == DatasetSplit.id
        )
        statement = newest_first(statement, DatasetSplit.id, cursor)
        return read_page(self._session, statement, limit, _split_from)

    def find(self, split_id: int) -> SplitInfo | None:
        """Lock and return the split with *split_id*, or return None."""
        statement = select(*_COLUMNS).where(DatasetSplit.id == split_id)
        # FOR NO KEY UPDATE, so that long uploads can still add members.
        row = self._session.execute(statement.with_for_update(key_share=True)).first()
        return None if row is None else _split_from((*row, self._count(split_id)))

    def example_ids(self, ids: Sequence[str | int]) -> dict[str | int, int]:
        """Return the ids of examples of the dataset, including deleted ones, by the given *ids*.

        An integer is the id of an example, a string its external id. Unknown ids are left out.
        """
        found: dict[str | int, int] = {}
        in_dataset = DatasetExample.dataset_id == self._dataset_id
        for numbers in chunks(text for text in ids if isinstance(text, int)):
            by_id = select(DatasetExample.id).where(in_dataset, DatasetExample.id.in_(numbers))
            found.update((number, number) for number in self._session.execute(by_id).scalars())
        by_key: dict[bytes | None, str] = {
            text_key(text): text for text in ids if isinstance(text, str)
        }
        for keys in chunks(by_key):
            by_external_id = select(DatasetExample.external_key, DatasetExample.id).where(
                in_dataset, DatasetExample.external_key.in_(keys)
            )
            for key, number in self._session.execute(by_external_id):
                found[by_key[key]] = number
        return found

    def add(self, user_id: int | None, **fields: Any) -> int:
        """Create a split with the column values *fields* and return its id.

        Raises `Conflict` for a taken name.
        """
        now = datetime.now(UTC)
        statement = insert(DatasetSplit).values(
            **_column_values(fields), created_at=now, updated_at=now, user_id=user_id
        )
        try:
            return self._session.execute(statement.returning(DatasetSplit.id)).scalar_one()
        except IntegrityError as error:
            raise Conflict(f"A dataset split named '{fields['name']}' already exists") from error

    def change(self, split_id: int, **fields: Any) -> None:
        """Update *fields* and `updated_at` of the split; raise `Conflict` for a taken name."""
        statement = (
            update(DatasetSplit)
            .where(DatasetSplit.id == split_id)
            .values(**_column_values(fields), updated_at=datetime.now(UTC))
        )
        try:
            self._session.execute(statement)
        except IntegrityError as error:
            raise Conflict("A dataset split with this name already exists") from error

    def add_members(self, split_id: int, example_ids: Iterable[int]) -> None:
        """Add examples of the dataset to the split, skipping present members."""
        dialect = dialect_of(self._session)
        for ids in chunks(sorted(example_ids)):
            members = select(literal(split_id), DatasetExample.id).where(
                DatasetExample.dataset_id == self._dataset_id, DatasetExample.id.in_(ids)
            )
            self._session.execute(
                dialect.insert(DatasetSplitMember)
                .from_select(["split_id", "example_id"], members)
                .on_conflict_do_nothing()
            )

    def remove_members(self, split_id: int, example_ids: Iterable[int]) -> None:
        """Remove examples from the split, skipping those that are not members."""
        for ids in chunks(sorted(example_ids)):
            self._session.execute(
                delete(DatasetSplitMember).where(
                    DatasetSplitMember.split_id == split_id, DatasetSplitMember.example_id.in_(ids)
                )
            )

    def delete(self, split_id: int) -> bool:
        """Delete the split for all datasets but not its examples; return whether it existed."""
        statement = delete(DatasetSplit).where(DatasetSplit.id == split_id)
        return self._session.execute(statement.returning(DatasetSplit.id)).first() is not None

    def _count(self, split_id: int) -> int:
        statement = (
            select(func.count())
            .select_from(DatasetSplitMember)
            .join(DatasetExampleRevision, self._is_live_member)
            .where(DatasetSplitMember.split_id == split_id)
        )
        return self._session.execute(statement).scalar_one()


def _column_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the column values for *fields*."""
    values = dict(fields)
    if "name" in values:
        values["name_key"] = text_key(values["name"])
    if "metadata" in values:
        values["metadata_json"] = json.dumps(values.pop("metadata"), ensure_ascii=False)
    return values


def _split_from(values: Sequence[Any]) -> SplitInfo:
    split_id, name, description, color, metadata_json, *rest = values
    return SplitInfo(split_id, name, description, color, json.loads(metadata_json), *rest)
