"""Split memberships of the examples of an upload."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, tuple_

from phoenix_web.store.datasets.bulk import chunks, insert_missing, insert_rows
from phoenix_web.store.datasets.models import (
    DatasetExampleRevision,
    DatasetSplit,
    DatasetSplitMember,
    text_key,
)
from phoenix_web.store.statements import dialect_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from phoenix_web.datasets.examples import IncomingExample

#: The color of splits that an upload creates.
_COLOR: Final = "#808080"
_NO_METADATA: Final = "{}"
_MEMBER_COLUMNS: Final = (DatasetSplitMember.split_id, DatasetSplitMember.example_id)


class Memberships:
    """Writer of the split memberships of one upload.

    `changed` contains the ids of examples whose memberships differ from before.
    """

    def __init__(
        self, session: Session, names: Iterable[str], now: datetime, user_id: int | None
    ) -> None:
        """Find or create the splits with *names*; the user owns new splits."""
        self._session = session
        self._split_ids = _lock_splits(session, names, now, user_id)
        self._replaced: set[int] = set()
        self.changed: set[int] = set()

    def replace(
        self, ids: Sequence[int], examples: Sequence[IncomingExample], earlier: Container[int]
    ) -> None:
        """Replace the memberships of the stored examples *ids* by the splits of *examples*.

        Only ids in *earlier* can have memberships. An example that occurs twice in the upload gets
        the splits of both.
        """
        requested: defaultdict[int, set[int]] = defaultdict(set)
        for example_id, example in zip(ids, examples, strict=True):
            requested[example_id].update(self._split_ids[name] for name in example.splits)
        present: defaultdict[int, set[int]] = defaultdict(set)
        for chunk in chunks(example_id for example_id in requested if example_id in earlier):
            for split_id, example_id in self._session.execute(
                select(*_MEMBER_COLUMNS).where(DatasetSplitMember.example_id.in_(chunk))
            ):
                present[example_id].add(split_id)
        added: list[tuple[int, int]] = []
        added_to_new: list[tuple[int, int]] = []
        removed: list[tuple[int, int]] = []
        for example_id, split_ids in requested.items():
            before = present[example_id]
            splits = split_ids | before if example_id in self._replaced else split_ids
            if splits != before:
                self.changed.add(example_id)
                pairs = [(split_id, example_id) for split_id in sorted(splits - before)]
                (added if example_id in earlier else added_to_new).extend(pairs)
                removed += [(split_id, example_id) for split_id in before - splits]
        self._replaced.update(requested)
        for pairs_removed in chunks(removed):
            is_removed = tuple_(*_MEMBER_COLUMNS).in_(pairs_removed)
            self._session.execute(delete(DatasetSplitMember).where(is_removed))
        # Another transaction may insert the same row, but only for an example that it can see.
        insert_missing(self._session, _MEMBER_COLUMNS, added)
        insert_rows(self._session, _MEMBER_COLUMNS, added_to_new)


def remove_deleted(session: Session, dataset_id: int, version_id: int | None = None) -> None:
    """Remove the deleted examples of the dataset from all splits.

    With *version_id*, only examples that this version deleted.
    """
    revision = DatasetExampleRevision
    deleted = select(revision.example_id).where(
        revision.dataset_id == dataset_id,
        revision.ended_by.is_(None),
        revision.content_hash.is_(None),
    )
    if version_id is not None:
        deleted = deleted.where(revision.version_id == version_id)
    session.execute(delete(DatasetSplitMember).where(DatasetSplitMember.example_id.in_(deleted)))


def _lock_splits(
    session: Session, names: Iterable[str], now: datetime, user_id: int | None
) -> dict[str, int]:
    """Find or create the splits with *names* and return their ids by name.

    The splits cannot be deleted before the transaction ends.
    """
    found: dict[str, int] = {}
    # Sorted, so that concurrent uploads cannot deadlock. Reversed, so that lists, which show the
    # newest first, are in alphabetical order.
    while missing := sorted(set(names) - found.keys(), reverse=True):
        session.execute(
            dialect_of(session)
            .insert(DatasetSplit)
            .on_conflict_do_nothing(index_elements=[DatasetSplit.name_key]),
            [
                {
                    "name": name,
                    "name_key": text_key(name),
                    "color": _COLOR,
                    "metadata_json": _NO_METADATA,
                    "created_at": now,
                    "updated_at": now,
                    "user_id": user_id,
                }
                for name in missing
            ],
        )
        for chunk in chunks(map(text_key, missing)):
            splits = (
                select(DatasetSplit.name, DatasetSplit.id)
                .where(DatasetSplit.name_key.in_(chunk))
                .order_by(DatasetSplit.id)
            )
            found.update(session.execute(splits.with_for_update(read=True, key_share=True)).all())
        # Repeat for splits that were deleted between the two statements.
    return found
