"""Uploads into the store: each is there whole, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from phoenix_web.errors import Conflict
from phoenix_web.store.datasets.bulk import allocate_ids, insert_rows
from phoenix_web.store.datasets.models import (
    Dataset,
    DatasetExample,
    DatasetExampleRevision,
    DatasetSplit,
    DatasetSplitMember,
    DatasetVersion,
    RevisionKind,
    text_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from phoenix_web.datasets.examples import IncomingExample, Upload

#: The colour of a split that an upload has made.
_SPLIT_COLOR: Final = "#808080"
_NO_METADATA: Final = "{}"
#: Keys in one statement; SQLite takes 32,766 parameters.
_KEYS_AT_ONCE: Final = 10_000

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
_MEMBER_COLUMNS: Final = (DatasetSplitMember.split_id, DatasetSplitMember.example_id)


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What an upload did."""

    dataset_id: int
    version_id: int
    created: int = 0
    updated: int = 0
    deleted: int = 0


class UploadStore:
    """Writes uploads of one user within the unit of work *session*."""

    def __init__(self, session: Session, user_id: int | None) -> None:
        """Work in *session*, which the caller commits, for *user_id* (None: for nobody)."""
        self._session = session
        self._user_id = user_id
        self._now = datetime.now(UTC)

    def create(self, upload: Upload) -> UploadResult:
        """Add the dataset with its first version; raise `Conflict` when the name is taken."""
        dataset_id = self._add_dataset(upload)
        version_id = self._add_version(dataset_id)
        examples = upload.examples
        ids = allocate_ids(self._session, DatasetExample.id, len(examples))
        self._add_examples(dataset_id, version_id, ids, examples)
        self._add_to_splits(ids, examples)
        return UploadResult(dataset_id, version_id, created=len(examples))

    def _add_dataset(self, upload: Upload) -> int:
        statement = insert(Dataset).values(
            name=upload.name,
            name_key=text_key(upload.name),
            description=upload.description,
            metadata_json=_NO_METADATA,
            example_count=len(upload.examples),
            created_at=self._now,
            updated_at=self._now,
            user_id=self._user_id,
        )
        try:
            return self._session.execute(statement.returning(Dataset.id)).scalar_one()
        except IntegrityError as error:
            raise Conflict(f'A dataset named "{upload.name}" already exists.') from error

    def _add_version(self, dataset_id: int) -> int:
        statement = insert(DatasetVersion).values(
            dataset_id=dataset_id,
            metadata_json=_NO_METADATA,
            created_at=self._now,
            user_id=self._user_id,
        )
        return self._session.execute(statement.returning(DatasetVersion.id)).scalar_one()

    def _add_examples(
        self,
        dataset_id: int,
        version_id: int,
        ids: Sequence[int],
        examples: Sequence[IncomingExample],
    ) -> None:
        insert_rows(
            self._session,
            _EXAMPLE_COLUMNS,
            (
                (
                    example_id,
                    dataset_id,
                    example.external_id,
                    None if example.external_id is None else text_key(example.external_id),
                    example.span_id,
                )
                for example_id, example in zip(ids, examples, strict=True)
            ),
        )
        insert_rows(
            self._session,
            _REVISION_COLUMNS,
            (
                (
                    dataset_id,
                    example_id,
                    version_id,
                    RevisionKind.CREATE.value,
                    example.input_json,
                    example.output_json,
                    example.metadata_json,
                    example.content_hash,
                )
                for example_id, example in zip(ids, examples, strict=True)
            ),
        )

    def _add_to_splits(self, ids: Sequence[int], examples: Sequence[IncomingExample]) -> None:
        names = {name for example in examples for name in example.splits}
        if not names:
            return
        split_ids = self._splits(names)
        insert_rows(
            self._session,
            _MEMBER_COLUMNS,
            (
                (split_ids[name], example_id)
                for example_id, example in zip(ids, examples, strict=True)
                for name in example.splits
            ),
        )

    def _splits(self, names: Iterable[str]) -> dict[str, int]:
        """Return the ids of the splits with *names*; those that are missing are made."""
        # In one order everywhere, so that two uploads never wait for each other in a circle.
        by_key = {text_key(name): name for name in sorted(names)}
        # SQLAlchemy has the statement once for each database, with the same methods.
        dialect: Any = postgresql if self._session.get_bind().dialect.name != "sqlite" else sqlite
        self._session.execute(
            dialect.insert(DatasetSplit).on_conflict_do_nothing(
                index_elements=[DatasetSplit.name_key]
            ),
            [
                {
                    "name": name,
                    "name_key": key,
                    "color": _SPLIT_COLOR,
                    "metadata_json": _NO_METADATA,
                    "created_at": self._now,
                    "updated_at": self._now,
                    "user_id": self._user_id,
                }
                for key, name in by_key.items()
            ],
        )
        keys = list(by_key)
        found: dict[str, int] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            wanted = DatasetSplit.name_key.in_(keys[start : start + _KEYS_AT_ONCE])
            rows = self._session.execute(select(DatasetSplit.name, DatasetSplit.id).where(wanted))
            found.update((name, split_id) for name, split_id in rows)
        return found
