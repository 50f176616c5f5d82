"""The examples of a version, read by keyset: in batches that need no connection in between."""

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

#: The first batch is small, because nobody knows yet how long the examples are.
_FIRST_BATCH: Final = 100
_LARGEST_BATCH: Final = 1000
#: What a batch should have at most, so that memory does not grow with the size of examples.
_BATCH_CHARACTERS: Final = 1024 * 1024

_Revision = DatasetExampleRevision


@dataclass(frozen=True, slots=True)
class Batch:
    """Some examples of a version, by ascending id."""

    examples: list[StoredExample]
    #: The names of the splits of each example that is in one, sorted, by the example's id.
    splits: Mapping[int, list[str]]
    #: When each of the versions was made that examples are of, by the version's id.
    created_at: Mapping[int, datetime]


@dataclass(frozen=True, slots=True)
class SplitFilter:
    """A split by which the examples of a dataset can be filtered."""

    id: int
    name: str
    color: str


class ExampleStore:
    """Reads the examples of one version of a dataset within the unit of work *session*."""

    def __init__(self, session: Session, dataset_id: int, version_id: int) -> None:
        """Work in *session*; the version must be one of the dataset."""
        self._session = session
        self._dataset_id = dataset_id
        self._version_id = version_id

    def after(self, example_id: int, limit: int, split_ids: Collection[int] | None = None) -> Batch:
        """Return up to *limit* examples by ascending id, those with an id above *example_id*.

        With *split_ids*, only the members of at least one of these splits.
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
            # By the id alone, which is enough: with the dataset's id PostgreSQL reads all examples
            # of a dataset that its statistics do not know yet, once for each revision.
            .join(DatasetExample, DatasetExample.id == _Revision.example_id)
            .where(
                _Revision.dataset_id == self._dataset_id,
                _Revision.example_id > example_id,
                # Said again for PostgreSQL, which may else join from the very first example on.
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
        """Return the names of the splits of each of *examples* that is in one, sorted."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        first, last = examples[0].id, examples[-1].id
        # By their range, because a list of a thousand ids takes longer to send than to look up.
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
            found[example_id].append(name)
        for names in found.values():
            names.sort()
        return found

    def count(self) -> int:
        """Return how many examples the version has."""
        statement = (
            select(func.count())
            .select_from(_Revision)
            .where(_Revision.dataset_id == self._dataset_id, is_live(self._version_id))
        )
        return self._session.execute(statement).scalar_one()

    def has_splits(self) -> bool:
        """Tell whether an example of this version is in a split."""
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
        """Return when each of the versions was made that *examples* are of."""
        statement = select(DatasetVersion.id, DatasetVersion.created_at).where(
            DatasetVersion.id.in_({example.version_id for example in examples})
        )
        return dict(self._session.execute(statement).all())

    def refuse_deleted(self) -> None:
        """Raise `NotFound` when the dataset has been deleted: what was read may not be all."""
        statement = select(DatasetVersion.id).where(DatasetVersion.id == self._version_id)
        if self._session.execute(statement).first() is None:
            raise NotFound("The dataset has been deleted")


def batches(
    database: Database,
    dataset_id: int,
    version_id: int,
    split_ids: Collection[int] | None = None,
) -> Iterator[Batch]:
    """Yield all examples of a version, a batch at a time; with *split_ids*, only their members.

    No connection is held while the caller works. Raises `NotFound` when the dataset is deleted
    meanwhile, so that a part of it is never taken for all.
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
    """Return the names of the splits with *ids*, and the ids of those with *names*."""
    of_id: dict[int, str] = {}
    for id_chunk in chunks(ids):
        by_id = select(DatasetSplit.id, DatasetSplit.name).where(DatasetSplit.id.in_(id_chunk))
        of_id.update(session.execute(by_id).all())
    of_name: dict[str, int] = {}
    for key_chunk in chunks(map(text_key, names)):
        is_one = DatasetSplit.name_key.in_(key_chunk)
        by_name = select(DatasetSplit.name, DatasetSplit.id).where(is_one)
        of_name.update(session.execute(by_name).all())
    return of_id, of_name


def split_filters(session: Session, dataset_id: int, limit: int) -> list[SplitFilter]:
    """Return up to *limit* splits that an example of the dataset is in, by name.

    Their members are not counted, which would read every member on every page.
    """
    own = DatasetExample.dataset_id == dataset_id
    members = (
        select(DatasetSplitMember.example_id)
        .join(DatasetExample, DatasetExample.id == DatasetSplitMember.example_id)
        .where(
            DatasetSplitMember.split_id == DatasetSplit.id,
            # The ids of a dataset lie together: this spares the members of other datasets.
            DatasetSplitMember.example_id.between(
                select(func.min(DatasetExample.id)).where(own).scalar_subquery(),
                select(func.max(DatasetExample.id)).where(own).scalar_subquery(),
            ),
            own,
        )
    )
    statement = (
        select(DatasetSplit.id, DatasetSplit.name, DatasetSplit.color)
        .where(members.exists())
        .order_by(DatasetSplit.name)
        .limit(limit)
    )
    return [SplitFilter(*row) for row in session.execute(statement)]
