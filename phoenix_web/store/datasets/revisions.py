"""What one version does to the examples of a dataset, written in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import update

from phoenix_web.datasets.matching import ExampleChange
from phoenix_web.store.datasets.bulk import chunks, insert_rows
from phoenix_web.store.datasets.models import (
    DatasetExample,
    DatasetExampleRevision,
    RevisionKind,
    text_key,
)
from phoenix_web.store.datasets.stored import NOT_ENDED

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from sqlalchemy.orm import Session

    from phoenix_web.datasets.examples import IncomingExample

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
    DatasetExampleRevision.dataset_id,
    DatasetExampleRevision.example_id,
    DatasetExampleRevision.version_id,
    DatasetExampleRevision.kind,
    DatasetExampleRevision.input_json,
    DatasetExampleRevision.output_json,
    DatasetExampleRevision.metadata_json,
    DatasetExampleRevision.content_hash,
)


class Revisions:
    """Writes the revisions of one version within the unit of work *session*."""

    def __init__(self, session: Session, dataset_id: int, version_id: int) -> None:
        self._session = session
        self._dataset_id = dataset_id
        self._version_id = version_id

    def end(self, example_ids: Sequence[int]) -> None:
        """Let the revisions that hold of *example_ids* hold until this version."""
        revision = DatasetExampleRevision
        for chunk in chunks(example_ids):
            self._session.execute(
                update(revision)
                .where(
                    revision.dataset_id == self._dataset_id,
                    revision.example_id.in_(chunk),
                    NOT_ENDED,
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
        insert_rows(
            self._session,
            _REVISION_COLUMNS,
            (
                (
                    self._dataset_id,
                    example_id,
                    self._version_id,
                    _KINDS[change],
                    example.input_json,
                    example.output_json,
                    example.metadata_json,
                    example.content_hash,
                )
                for example_id, change, example in changes
            ),
        )

    def delete(self, example_ids: Sequence[int]) -> None:
        """Delete the examples, which stay in the versions before this one."""
        insert_rows(
            self._session,
            _REVISION_COLUMNS,
            (
                (
                    self._dataset_id,
                    example_id,
                    self._version_id,
                    RevisionKind.DELETE.value,
                    _NOTHING,
                    _NOTHING,
                    _NOTHING,
                    None,
                )
                for example_id in example_ids
            ),
        )
