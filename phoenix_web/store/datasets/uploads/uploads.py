"""Uploads into the store: each is there whole, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update

from phoenix_web.datasets.examples import UploadAction
from phoenix_web.datasets.matching import ExampleChange, Matching
from phoenix_web.errors import Conflict, InvalidCredential
from phoenix_web.store.accounts.models import User
from phoenix_web.store.datasets.bulk import allocate_ids, refresh_statistics
from phoenix_web.store.datasets.models import (
    Dataset,
    DatasetExample,
    DatasetExampleRevision,
    DatasetSplitMember,
    DatasetVersion,
    text_key,
)
from phoenix_web.store.datasets.uploads.memberships import Memberships, remove_deleted
from phoenix_web.store.datasets.uploads.revisions import Revisions, StoredExamples
from phoenix_web.store.datasets.versions import VersionStore
from phoenix_web.store.statements import dialect_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.datasets.examples import Upload

_NO_METADATA: Final = "{}"
#: From so many examples on it matters what PostgreSQL's planner knows of a dataset: it takes one
#: that it has not heard of for a single row, and then reads all examples for each of them.
_MANY: Final = 500


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

    def store(self, upload: Upload) -> UploadResult:
        """Carry *upload* out; a version is added when it changes examples.

        Raises `Conflict` when the dataset is to be created and its name is taken, `Invalid` when
        an example is named that is not there, or one is to be changed twice, and
        `InvalidCredential` when the user has been deleted.
        """
        self._lock_user()
        dataset_id, is_new = self._claim(upload)
        matching = self._match(upload, None if is_new else dataset_id)
        deleted = (
            self._missing(dataset_id, matching) if upload.action is UploadAction.UPDATE else []
        )
        version_id = None
        if not deleted and not any(matching.changes):
            version_id = VersionStore(self._session, dataset_id).latest()
        if version_id is None:
            version_id = self._add_version(dataset_id)
            self._revise(upload, matching, deleted, dataset_id, version_id)
        moved = self._move(upload, matching, dataset_id, version_id)
        created = matching.changes.count(ExampleChange.CREATE)
        count = self._count(dataset_id, created - len(deleted))
        before = count - created + len(deleted)
        if len(upload.examples) > _MANY or _magnitude(before) < _magnitude(count):
            refresh_statistics(
                self._session, DatasetExample, DatasetExampleRevision, DatasetSplitMember
            )
        updated = len(matching.patched | moved)
        return UploadResult(dataset_id, version_id, created, updated, len(deleted))

    def _lock_user(self) -> None:
        """Keep the user from being deleted before the transaction ends."""
        if self._user_id is not None:
            user = select(User.id).where(User.id == self._user_id)
            held = user.with_for_update(read=True, key_share=True)
            if self._session.execute(held).first() is None:
                raise InvalidCredential("the user was deleted during the upload")

    def _claim(self, upload: Upload) -> tuple[int, bool]:
        """Return the id of the dataset, which nobody else can change now, and whether it is new."""
        key = text_key(upload.name)
        existing = select(Dataset.id).where(Dataset.name_key == key)
        while True:
            if upload.action is not UploadAction.CREATE:
                # SQLite writes one transaction at a time. The key itself stays free for those who
                # only refer to the dataset.
                locked = existing.with_for_update(key_share=True)
                dataset_id = self._session.execute(locked).scalar_one_or_none()
                if dataset_id is not None:
                    return dataset_id, False
            made = self._add_dataset(upload, key)
            if made is not None:
                return made, True
            if upload.action is UploadAction.CREATE:
                raise Conflict(f'A dataset named "{upload.name}" already exists.')
            # Somebody has made it at this very moment.

    def _add_dataset(self, upload: Upload, key: bytes) -> int | None:
        """Return the id of the new dataset, or None when its name is taken.

        When somebody is just taking it, this waits until they have, or have failed.
        """
        dialect = dialect_of(self._session)
        statement = (
            dialect.insert(Dataset)
            .values(
                name=upload.name,
                name_key=key,
                description=upload.description,
                metadata_json=_NO_METADATA,
                example_count=0,
                created_at=self._now,
                updated_at=self._now,
                user_id=self._user_id,
            )
            .on_conflict_do_nothing(index_elements=[Dataset.name_key])
            .returning(Dataset.id)
        )
        made: int | None = self._session.execute(statement).scalar_one_or_none()
        return made

    def _match(self, upload: Upload, dataset_id: int | None) -> Matching:
        """Return which stored examples of the dataset, unless it is new, the upload is about."""
        matching = Matching()
        stored = None if dataset_id is None else StoredExamples(self._session, dataset_id)
        for examples in upload.examples.batches():
            if stored is None:
                matching.match(examples, {}, {})
                continue
            given = (example.external_id for example in examples)
            named = stored.named(text for text in given if text is not None)
            matching.match(examples, named, stored.alike(matching.contents(examples)))
        matching.refuse_unknown()
        matching.number(allocate_ids(self._session, DatasetExample.id, matching.new_count))
        return matching

    def _missing(self, dataset_id: int, matching: Matching) -> list[int]:
        """Return the ids of the live examples that the upload does not have."""
        live = StoredExamples(self._session, dataset_id).live_ids()
        return [example_id for example_id in live if example_id not in matching.matched]

    def _add_version(self, dataset_id: int) -> int:
        statement = insert(DatasetVersion).values(
            dataset_id=dataset_id,
            metadata_json=_NO_METADATA,
            created_at=self._now,
            user_id=self._user_id,
        )
        return self._session.execute(statement.returning(DatasetVersion.id)).scalar_one()

    def _revise(
        self,
        upload: Upload,
        matching: Matching,
        deleted: list[int],
        dataset_id: int,
        version_id: int,
    ) -> None:
        revisions = Revisions(self._session, dataset_id, version_id)
        revisions.end([*matching.patched, *matching.revived, *deleted])
        start = 0
        for examples in upload.examples.batches():
            end = start + len(examples)
            revisions.add(
                [
                    (example_id, ExampleChange(change), example)
                    for example_id, change, example in zip(
                        matching.ids[start:end], matching.changes[start:end], examples, strict=True
                    )
                    if change
                ],
                matching.revived,
            )
            start = end
        revisions.delete(deleted)

    def _move(
        self, upload: Upload, matching: Matching, dataset_id: int, version_id: int
    ) -> set[int]:
        """Return the examples that were there and are not in the same splits as before."""
        is_update = upload.action is UploadAction.UPDATE
        if not upload.are_splits_given:
            if is_update:
                remove_deleted(self._session, dataset_id, version_id)
            return set()
        names = upload.examples.split_names
        memberships = Memberships(self._session, names, self._now, self._user_id)
        start = 0
        # New examples without splits are in none already.
        for examples in upload.examples.batches() if names or matching.matched else ():
            end = start + len(examples)
            memberships.replace(matching.ids[start:end], examples, matching.matched)
            start = end
        if is_update:
            remove_deleted(self._session, dataset_id)
        return (memberships.changed & matching.matched) - matching.revived

    def _count(self, dataset_id: int, change: int) -> int:
        """Return how many examples the dataset has with *change* more of them, and store it."""
        statement = (
            update(Dataset)
            .where(Dataset.id == dataset_id)
            .values(example_count=Dataset.example_count + change)
        )
        return self._session.execute(statement.returning(Dataset.example_count)).scalar_one()


def _magnitude(count: int) -> int:
    """Return a number that is one more each time that a large *count* has doubled."""
    return (count // _MANY).bit_length()
