"""Store for the examples of a version, with keyset pagination, and for split filters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from phoenix_web.datasets.examples import StoredExample, content_length
from phoenix_web.errors import NotFound
from phoenix_web.store.datasets.bulk import chunks
from phoenix_web.store.datasets.models import (
    DatasetExample,
    DatasetExampleRevision,
    DatasetSplit,
    DatasetSplitMember,
    DatasetVersion,
    is_live,
    text_key,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from phoenix_web.store.database import Database

#: The first batch is small because the size of the examples is unknown.
_FIRST_BATCH: Final = 100
_LARGEST_BATCH: Final = 1000
#: Target size of a batch, which keeps memory independent of the size of examples.
_BATCH_CHARACTERS: Final = 1024 * 1024

_Revision = DatasetExampleRevision


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive examples of a version in ascending order of id."""

    examples: list[StoredExample]
    #: Sorted split names by example id; examples without splits are absent.
    splits: Mapping[int, list[str]]
    #: Creation times of the versions that the examples refer to, by version id.
    created_at: Mapping[int, datetime]


@dataclass(frozen=True, slots=True)
class SplitFilter:
    """A split that can filter the examples of a dataset."""

    id: int
    name: str
    color: str


class ExampleStore:
    """Store for the examples of one version of a dataset."""

    def __init__(self, session: Session, dataset_id: int, version_id: int) -> None:
        """Use *session*; the version must belong to the dataset."""
        self._session = session
        self._dataset_id = dataset_id
        self._version_id = version_id

    def after(self, example_id: int, limit: int, split_ids: Collection[int] | None = None) -> Batch:
        """Return up to *limit* examples with ids above *example_id*, in ascending order.

        With *split_ids*, only members of at least one of these splits.
        """
        statement = (
            select(
                _Revision.example_id,
                DatasetExample.external_id,
                _Revision.input_json,
                _Revision.output_json,
                _Revision.metadata_json,
                _Revision.version_id,
            )
            # Join by id only: with the dataset id in the condition and without statistics for a
            # new dataset, PostgreSQL reads all of its examples for each revision.
            .join(DatasetExample, DatasetExample.id == _Revision.example_id)
            .where(
                _Revision.dataset_id == self._dataset_id,
                _Revision.example_id > example_id,
                # Redundant, but without it PostgreSQL may join from the first example on.
                DatasetExample.id > example_id,
                is_live(self._version_id),
            )
            .order_by(_Revision.example_id)
            .limit(limit)
        )
        if split_ids is not None:
            members = select(DatasetSplitMember.example_id).where(
                DatasetSplitMember.example_id == _Revision.example_id,
                DatasetSplitMember.split_id.in_(split_ids),
            )
            statement = statement.where(members.exists())
        examples = [StoredExample._make(row) for row in self._session.execute(statement)]
        if not examples:
            return Batch([], {}, {})
        return Batch(examples, self._splits(examples), self._created_at(examples))

    def _splits(self, examples: Sequence[StoredExample]) -> dict[int, list[str]]:
        """Return the sorted split names by example id; examples without splits are absent."""
        splits: defaultdict[int, list[str]] = defaultdict(list)
        first, last = examples[0].id, examples[-1].id
        # Select by range, because sending a list of 1,000 ids takes longer than the query itself.
        statement = (
            select(DatasetSplitMember.example_id, DatasetSplit.name)
            .join(DatasetSplit, DatasetSplit.id == DatasetSplitMember.split_id)
            .join(DatasetExample, DatasetExample.id == DatasetSplitMember.example_id)
            .where(
                DatasetExample.dataset_id == self._dataset_id,
                DatasetExample.id.between(first, last),
                DatasetSplitMember.example_id.between(first, last),
            )
        )
        for example_id, name in self._session.execute(statement):
            splits[example_id].append(name)
        for names in splits.values():
            names.sort()
        return splits

    def count(self) -> int:
        """Count the examples of the version."""
        statement = (
            select(func.count())
            .select_from(_Revision)
            .where(_Revision.dataset_id == self._dataset_id, is_live(self._version_id))
        )
        return self._session.execute(statement).scalar_one()

    def has_splits(self) -> bool:
        """Return whether any example of the version is in a split."""
        statement = (
            select(_Revision.example_id)
            .join(DatasetSplitMember, DatasetSplitMember.example_id == _Revision.example_id)
            .where(
                _Revision.dataset_id == self._dataset_id,
                is_live(self._version_id),
            )
            .limit(1)
        )
        return self._session.execute(statement).first() is not None

    def _created_at(self, examples: Sequence[StoredExample]) -> dict[int, datetime]:
        """Return the creation times of the versions of *examples* by version id."""
        statement = select(DatasetVersion.id, DatasetVersion.created_at).where(
            DatasetVersion.id.in_({example.version_id for example in examples})
        )
        return dict(self._session.execute(statement).all())

    def refuse_deleted(self) -> None:
        """Raise `NotFound` when the dataset has been deleted and examples may be missing."""
        statement = select(DatasetVersion.id).where(DatasetVersion.id == self._version_id)
        if self._session.execute(statement).first() is None:
            raise NotFound("The dataset has been deleted")


def batches(
    database: Database,
    dataset_id: int,
    version_id: int,
    split_ids: Collection[int] | None = None,
) -> Iterator[Batch]:
    """Yield the examples of a version in batches; with *split_ids*, only members of these splits.

    The connection is released between batches. Raises `NotFound` when the dataset is deleted before
    the end, so that a caller never takes a part for the whole.
    """
    last_id, limit = 0, _FIRST_BATCH
    while True:
        with database.reading() as session:
            store = ExampleStore(session, dataset_id, version_id)
            batch = store.after(last_id, limit, split_ids)
            is_last = len(batch.examples) < limit
            if is_last:
                store.refuse_deleted()
        yield batch
        if is_last:
            return
        last_id = batch.examples[-1].id
        characters = sum(map(content_length, batch.examples))
        limit = max(1, min(_LARGEST_BATCH, _BATCH_CHARACTERS * limit // characters))


def find_splits(
    session: Session, ids: Iterable[int], names: Iterable[str]
) -> tuple[dict[int, str], dict[str, int]]:
    """Return the names of the splits with *ids* and the ids of the splits with *names*."""
    names_by_id: dict[int, str] = {}
    for id_chunk in chunks(ids):
        by_id = select(DatasetSplit.id, DatasetSplit.name).where(DatasetSplit.id.in_(id_chunk))
        names_by_id.update(session.execute(by_id).all())
    ids_by_name: dict[str, int] = {}
    for key_chunk in chunks(map(text_key, names)):
        has_name = DatasetSplit.name_key.in_(key_chunk)
        by_name = select(DatasetSplit.name, DatasetSplit.id).where(has_name)
        ids_by_name.update(session.execute(by_name).all())
    return names_by_id, ids_by_name


def split_filters(session: Session, dataset_id: int, limit: int) -> list[SplitFilter]:
    """Return up to *limit* splits with members in the dataset, sorted by name.

    Members are not counted, because that would read all of them for every page.
    """
    in_dataset = DatasetExample.dataset_id == dataset_id
    members = (
        select(DatasetSplitMember.example_id)
        .join(DatasetExample, DatasetExample.id == DatasetSplitMember.example_id)
        .where(
            DatasetSplitMember.split_id == DatasetSplit.id,
            # The ids of a dataset are close together, so the range skips most other members.
            DatasetSplitMember.example_id.between(
                select(func.min(DatasetExample.id)).where(in_dataset).scalar_subquery(),
                select(func.max(DatasetExample.id)).where(in_dataset).scalar_subquery(),
            ),
            in_dataset,
        )
    )
    statement = (
        select(DatasetSplit.id, DatasetSplit.name, DatasetSplit.color)
        .where(members.exists())
        .order_by(DatasetSplit.name)
        .limit(limit)
    )
    return [SplitFilter(*row) for row in session.execute(statement)]
