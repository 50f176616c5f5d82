"""Store for uploads; each one is a single transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update

from phoenix_web.datasets.examples import UploadAction
from phoenix_web.datasets.matching import ExampleChange, Matching
from phoenix_web.errors import DatasetNameTaken, InvalidCredential
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
#: Uploads and datasets beyond this size refresh planner statistics: without them, PostgreSQL
#: expects a single row in a new dataset and reads all of its examples for each example.
_MANY: Final = 500


@dataclass(frozen=True, slots=True)
class UploadResult:
    """The result of an upload."""

    dataset_id: int
    version_id: int
    created: int = 0
    updated: int = 0
    deleted: int = 0


class UploadStore:
    """Store for the uploads of one user."""

    def __init__(self, session: Session, user_id: int | None) -> None:
        """Use *session*, which the caller commits; *user_id* is None without a user."""
        self._session = session
        self._user_id = user_id
        self._now = datetime.now(UTC)

    def store(self, upload: Upload) -> UploadResult:
        """Apply *upload*, which adds a version if it changes examples.

        Raises `DatasetNameTaken` when the action is create and the name is taken, `Invalid` for
        unknown example ids and for two changes of one example, and `InvalidCredential` when the
        user has been deleted.
        """
        self._lock_user()
        dataset_id, is_new = self._lock_dataset(upload)
        matching = self._match(upload, None if is_new else dataset_id)
        deleted = (
            self._find_missing(dataset_id, matching) if upload.action is UploadAction.UPDATE else []
        )
        version_id = None
        if not deleted and not any(matching.changes):
            version_id = VersionStore(self._session, dataset_id).latest()
        if version_id is None:
            version_id = self._add_version(dataset_id)
            self._write_revisions(upload, matching, deleted, dataset_id, version_id)
        moved = self._replace_memberships(upload, matching, dataset_id, version_id)
        created = matching.changes.count(ExampleChange.CREATE)
        count = self._update_count(dataset_id, created - len(deleted))
        before = count - created + len(deleted)
        if len(upload.examples) > _MANY or _magnitude(before) < _magnitude(count):
            refresh_statistics(
                self._session, DatasetExample, DatasetExampleRevision, DatasetSplitMember
            )
        updated = len(matching.patched | moved)
        return UploadResult(dataset_id, version_id, created, updated, len(deleted))

    def _lock_user(self) -> None:
        """Lock the user, who then cannot be deleted before the transaction ends."""
        if self._user_id is not None:
            user = select(User.id).where(User.id == self._user_id)
            locked = user.with_for_update(read=True, key_share=True)
            if self._session.execute(locked).first() is None:
                raise InvalidCredential("the user was deleted during the upload")

    def _lock_dataset(self, upload: Upload) -> tuple[int, bool]:
        """Lock or create the dataset; return its id and whether it is new."""
        key = text_key(upload.name)
        existing = select(Dataset.id).where(Dataset.name_key == key)
        while True:
            if upload.action is not UploadAction.CREATE:
                # FOR NO KEY UPDATE, so that other transactions can still insert references to the
                # dataset. SQLite runs one write transaction at a time.
                locked = existing.with_for_update(key_share=True)
                dataset_id = self._session.execute(locked).scalar_one_or_none()
                if dataset_id is not None:
                    return dataset_id, False
            new_id = self._add_dataset(upload, key)
            if new_id is not None:
                return new_id, True
            if upload.action is UploadAction.CREATE:
                raise DatasetNameTaken(f'A dataset named "{upload.name}" already exists.')
            # A concurrent transaction created the dataset: lock it in the next iteration.

    def _add_dataset(self, upload: Upload, key: bytes) -> int | None:
        """Create the dataset and return its id, or None if the name is taken.

        Waits for a concurrent transaction that creates a dataset with the same name.
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
        dataset_id: int | None = self._session.execute(statement).scalar_one_or_none()
        return dataset_id

    def _match(self, upload: Upload, dataset_id: int | None) -> Matching:
        """Match the upload to the stored examples of the dataset, or to none if it is new."""
        matching = Matching()
        stored = None if dataset_id is None else StoredExamples(self._session, dataset_id)
        for examples in upload.examples.batches():
            if stored is None:
                matching.match(examples, {}, {})
                continue
            external_ids = (example.external_id for example in examples)
            by_id = stored.find_by_ids(text for text in external_ids if text is not None)
            matching.match(examples, by_id, stored.find_by_contents(matching.contents(examples)))
        matching.refuse_unknown()
        matching.assign_ids(allocate_ids(self._session, DatasetExample.id, matching.new_count))
        return matching

    def _find_missing(self, dataset_id: int, matching: Matching) -> list[int]:
        """Return the ids of the live examples that are not in the upload."""
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

    def _write_revisions(
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

    def _replace_memberships(
        self, upload: Upload, matching: Matching, dataset_id: int, version_id: int
    ) -> set[int]:
        """Return the ids of the existing examples whose split memberships changed."""
        is_update = upload.action is UploadAction.UPDATE
        if not upload.are_splits_given:
            if is_update:
                remove_deleted(self._session, dataset_id, version_id)
            return set()
        names = upload.examples.split_names
        memberships = Memberships(self._session, names, self._now, self._user_id)
        start = 0
        # Skip uploads that contain only new examples without splits.
        for examples in upload.examples.batches() if names or matching.matched else ():
            end = start + len(examples)
            memberships.replace(matching.ids[start:end], examples, matching.matched)
            start = end
        if is_update:
            remove_deleted(self._session, dataset_id)
        return (memberships.changed & matching.matched) - matching.revived

    def _update_count(self, dataset_id: int, change: int) -> int:
        """Add *change* to the stored number of examples and return the new number."""
        statement = (
            update(Dataset)
            .where(Dataset.id == dataset_id)
            .values(example_count=Dataset.example_count + change)
        )
        return self._session.execute(statement.returning(Dataset.example_count)).scalar_one()


def _magnitude(count: int) -> int:
    """Return a number that grows by one each time a large *count* doubles."""
    return (count // _MANY).bit_length()
