"""The revisions that an upload hits, and those that it writes in bulk."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import func, select, update

from phoenix_web.datasets.examples import node_id_of
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
#: That a revision holds, said so that only the primary key can find it: for a list of examples
#: SQLite would else read all live contents, and take forty seconds to patch 100,000 examples.
_NOT_ENDED: Final = func.coalesce(_Revision.ended_by, 0) == 0
_NOTHING: Final = "{}"
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
    """Looks up the examples of one dataset within the unit of work *session*."""

    def __init__(self, session: Session, dataset_id: int) -> None:
        self._session = session
        self._dataset_id = dataset_id

    def named(self, texts: Iterable[str]) -> dict[str, StoredContent]:
        """Return the examples, also deleted ones, that *texts* name by node or external id."""
        names: dict[int, str] = {}
        keys = []
        for text in texts:
            number = node_id_of(text)
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
        # A join would be one statement, for which SQLite reads all revisions of the dataset.
        return found | self._contents(external_ids)

    def _contents(self, names: Mapping[int, str]) -> dict[str, StoredContent]:
        """Return the examples with the ids in *names*, by their names."""
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

    def alike(self, contents: Collection[bytes]) -> dict[bytes, list[int]]:
        """Return the ids of the live examples with each of *contents*."""
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
        """Yield the ids of all live examples."""
        statement = select(_Revision.example_id).where(
            _Revision.dataset_id == self._dataset_id, is_live()
        )
        yield from self._session.execute(statement).scalars()


class Revisions:
    """Writes the revisions of one version within the unit of work *session*."""

    def __init__(self, session: Session, dataset_id: int, version_id: int) -> None:
        self._session = session
        self._dataset_id = dataset_id
        self._version_id = version_id

    def end(self, example_ids: Sequence[int]) -> None:
        """Let the revisions that hold of *example_ids* hold until this version."""
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
        """Write what becomes of the examples in *changes*; created and not *revived* are new."""
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
        """Delete the examples, which stay in the versions before this one."""
        deletion = (RevisionKind.DELETE.value, _NOTHING, _NOTHING, _NOTHING, None)
        self._insert((example_id, *deletion) for example_id in example_ids)

    def _insert(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert revisions of this version; *rows* begin with the example's id."""
        own = (self._dataset_id, self._version_id)
        insert_rows(self._session, _REVISION_COLUMNS, (own + row for row in rows))
