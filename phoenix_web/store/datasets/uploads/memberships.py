"""The splits that an upload puts its examples into."""

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

#: The colour of a split that an upload has made.
_COLOR: Final = "#808080"
_NO_METADATA: Final = "{}"
_MEMBER_COLUMNS: Final = (DatasetSplitMember.split_id, DatasetSplitMember.example_id)


class Memberships:
    """Replaces the memberships of examples within the unit of work *session*.

    `changed` collects the examples that are not in the same splits as before.
    """

    def __init__(
        self, session: Session, names: Iterable[str], now: datetime, user_id: int | None
    ) -> None:
        """Find or make the splits with *names*; what is made is the user's."""
        self._session = session
        self._split_ids = _splits(session, names, now, user_id)
        self._replaced: set[int] = set()
        self.changed: set[int] = set()

    def replace(
        self, ids: Sequence[int], examples: Sequence[IncomingExample], earlier: Container[int]
    ) -> None:
        """Put the stored examples *ids* into the splits of *examples*, and out of all others.

        Only those in *earlier* may be in splits already. An example that comes twice is in the
        splits of both.
        """
        wanted: defaultdict[int, set[int]] = defaultdict(set)
        for example_id, example in zip(ids, examples, strict=True):
            wanted[example_id].update(self._split_ids[name] for name in example.splits)
        present: defaultdict[int, set[int]] = defaultdict(set)
        for chunk in chunks(example_id for example_id in wanted if example_id in earlier):
            for split_id, example_id in self._session.execute(
                select(*_MEMBER_COLUMNS).where(DatasetSplitMember.example_id.in_(chunk))
            ):
                present[example_id].add(split_id)
        added: list[tuple[int, int]] = []
        to_new: list[tuple[int, int]] = []
        removed: list[tuple[int, int]] = []
        for example_id, given in wanted.items():
            before = present[example_id]
            splits = given | before if example_id in self._replaced else given
            if splits != before:
                self.changed.add(example_id)
                pairs = [(split_id, example_id) for split_id in sorted(splits - before)]
                (added if example_id in earlier else to_new).extend(pairs)
                removed += [(split_id, example_id) for split_id in before - splits]
        self._replaced.update(wanted)
        for pairs_removed in chunks(removed):
            is_one = tuple_(*_MEMBER_COLUMNS).in_(pairs_removed)
            self._session.execute(delete(DatasetSplitMember).where(is_one))
        # Somebody else may add the same at this moment; nobody else knows the new ones yet.
        insert_missing(self._session, _MEMBER_COLUMNS, added)
        insert_rows(self._session, _MEMBER_COLUMNS, to_new)


def remove_deleted(session: Session, dataset_id: int, version_id: int | None = None) -> None:
    """Take the deleted examples of the dataset out of all splits.

    With *version_id*, only those that this version has deleted.
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


def _splits(
    session: Session, names: Iterable[str], now: datetime, user_id: int | None
) -> dict[str, int]:
    """Return the ids of the splits with *names*; those that are missing are made.

    None of them can be deleted before the transaction ends.
    """
    found: dict[str, int] = {}
    # In one order everywhere, so that two uploads never wait for each other in a circle; backwards,
    # so that lists, where the newest come first, have the names of one upload by the alphabet.
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
            is_one = DatasetSplit.name_key.in_(chunk)
            held = (
                select(DatasetSplit.name, DatasetSplit.id).where(is_one).order_by(DatasetSplit.id)
            )
            rows = session.execute(held.with_for_update(read=True, key_share=True))
            found.update((name, split_id) for name, split_id in rows)
        # What somebody has deleted in between is made again.
    return found
