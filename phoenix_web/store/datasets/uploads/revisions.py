"""Lookup of stored examples for an upload, and bulk insertion of its revisions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import func, select, update

from phoenix_web.datasets.examples import parse_node_id
from phoenix_web.datasets.matching import ExampleChange, StoredContent
from phoenix_web.store.datasets.bulk import chunks, insert_rows
from phoenix_web.store.datasets.models import (
    DatasetExample,
    DatasetExampleRevision,
    RevisionKind,
    is_live,
    text_key,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from phoenix_web.datasets.examples import IncomingExample

_Revision = DatasetExampleRevision
#: The condition for current revisions, in a form that only the primary key can serve. With the
#: plain form, SQLite reads all live contents and needs 40 seconds to patch 100,000 examples.
_NOT_ENDED: Final = func.coalesce(_Revision.ended_by, 0) == 0
_EMPTY_OBJECT: Final = "{}"
_KINDS: Final = {
    ExampleChange.PATCH: RevisionKind.PATCH.value,
    ExampleChange.CREATE: RevisionKind.CREATE.value,
}

_EXAMPLE_COLUMNS: Final = (
    DatasetExample.id,
    DatasetExample.dataset_id,
    DatasetExample.external_id,
    DatasetExample.external_key,
    DatasetExample.span_id,
)
_REVISION_COLUMNS: Final = (
    _Revision.dataset_id,
    _Revision.version_id,
    _Revision.example_id,
    _Revision.kind,
    _Revision.input_json,
    _Revision.output_json,
    _Revision.metadata_json,
    _Revision.content_hash,
)


class StoredExamples:
    """Lookups of stored examples of one dataset."""

    def __init__(self, session: Session, dataset_id: int) -> None:
        self._session = session
        self._dataset_id = dataset_id

    def find_by_ids(self, texts: Iterable[str]) -> dict[str, StoredContent]:
        """Return examples, including deleted ones, by the node or external ids *texts*."""
        names: dict[int, str] = {}
        keys = []
        for text in texts:
            number = parse_node_id(text)
            if number is None:
                keys.append(text_key(text))
            else:
                names[number] = text
        found = self._contents(names)
        external_ids: dict[int, str] = {}
        for chunk in chunks(keys):
            statement = select(DatasetExample.id, DatasetExample.external_id).where(
                DatasetExample.dataset_id == self._dataset_id,
                DatasetExample.external_key.in_(chunk),
            )
            for number, external_id in self._session.execute(statement):
                external_ids[number] = cast("str", external_id)
        # Not a join, for which SQLite would read all revisions of the dataset.
        return found | self._contents(external_ids)

    def _contents(self, names: Mapping[int, str]) -> dict[str, StoredContent]:
        """Return the examples by name; *names* maps their ids to names."""
        found: dict[str, StoredContent] = {}
        for chunk in chunks(names):
            statement = select(_Revision.example_id, _Revision.content_hash).where(
                _Revision.dataset_id == self._dataset_id,
                _Revision.example_id.in_(chunk),
                _NOT_ENDED,
            )
            for number, content in self._session.execute(statement):
                found[names[number]] = StoredContent(number, content)
        return found

    def find_by_contents(self, contents: Collection[bytes]) -> dict[bytes, list[int]]:
        """Return the ids of live examples by content hash, for the hashes *contents*."""
        found: defaultdict[bytes, list[int]] = defaultdict(list)
        for chunk in chunks(contents):
            statement = select(_Revision.content_hash, _Revision.example_id).where(
                _Revision.dataset_id == self._dataset_id,
                is_live(),
                _Revision.content_hash.in_(chunk),
            )
            for content, example_id in self._session.execute(statement):
                found[cast("bytes", content)].append(example_id)
        return found

    def live_ids(self) -> Iterator[int]:
        """Yield the ids of the live examples."""
        statement = select(_Revision.example_id).where(
            _Revision.dataset_id == self._dataset_id, is_live()
        )
        yield from self._session.execute(statement).scalars()


class Revisions:
    """Writer of the revisions of one version."""

    def __init__(self, session: Session, dataset_id: int, version_id: int) -> None:
        self._session = session
        self._dataset_id = dataset_id
        self._version_id = version_id

    def end(self, example_ids: Sequence[int]) -> None:
        """Mark the current revisions of *example_ids* as replaced by this version."""
        for chunk in chunks(example_ids):
            self._session.execute(
                update(_Revision)
                .where(
                    _Revision.dataset_id == self._dataset_id,
                    _Revision.example_id.in_(chunk),
                    _NOT_ENDED,
                )
                .values(ended_by=self._version_id)
                .execution_options(synchronize_session=False)
            )

    def add(
        self,
        changes: Sequence[tuple[int, ExampleChange, IncomingExample]],
        revived: Container[int],
    ) -> None:
        """Insert revisions for *changes*; created examples that are not *revived* get a row."""
        insert_rows(
            self._session,
            _EXAMPLE_COLUMNS,
            (
                (
                    example_id,
                    self._dataset_id,
                    example.external_id,
                    None if example.external_id is None else text_key(example.external_id),
                    example.span_id,
                )
                for example_id, change, example in changes
                if change is ExampleChange.CREATE and example_id not in revived
            ),
        )
        self._insert(
            (
                example_id,
                _KINDS[change],
                example.input_json,
                example.output_json,
                example.metadata_json,
                example.content_hash,
            )
            for example_id, change, example in changes
        )

    def delete(self, example_ids: Sequence[int]) -> None:
        """Insert revisions that delete the examples as of this version."""
        deletion = (RevisionKind.DELETE.value, _EMPTY_OBJECT, _EMPTY_OBJECT, _EMPTY_OBJECT, None)
        self._insert((example_id, *deletion) for example_id in example_ids)

    def _insert(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert revisions of this version; *rows* start with the id of the example."""
        prefix = (self._dataset_id, self._version_id)
        insert_rows(self._session, _REVISION_COLUMNS, (prefix + row for row in rows))
