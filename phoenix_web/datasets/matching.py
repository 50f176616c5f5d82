"""Matching of incoming examples to stored ones: by id, or else by content."""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from phoenix_web.datasets.examples import parse_node_id
from phoenix_web.datasets.pacing import paced
from phoenix_web.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from phoenix_web.datasets.examples import IncomingExample

#: Placeholder for the id of an example that has not been stored.
NEW: Final = 0


class ExampleChange(IntEnum):
    """The effect of an upload on an example."""

    NONE = 0
    PATCH = 1
    CREATE = 2


class StoredContent(NamedTuple):
    """The id and the content hash of a stored example."""

    id: int
    #: None for a deleted example.
    content_hash: bytes | None


class Matching:
    """The matches of one upload, computed in the order of its examples.

    The order matters because content matches a stored example at most once. For each incoming
    example, `ids` contains the stored id or `NEW`, and `changes` the `ExampleChange`.
    """

    def __init__(self) -> None:
        self.ids = array("q")
        self.changes = bytearray()
        #: Ids of stored examples: all matched ones, those to patch, and deleted ones to restore.
        self.matched: set[int] = set()
        self.patched: set[int] = set()
        self.revived: set[int] = set()
        self._unknown: list[str] = []
        #: Ids from the upload: those of changed examples by row id, and those of new examples.
        self._changed_as: dict[int, str] = {}
        self._new_ids: set[str] = set()
        #: Unmatched live examples by content hash, in descending order of id.
        self._unmatched: dict[bytes, list[int]] = {}

    def contents(self, examples: Sequence[IncomingExample]) -> set[bytes]:
        """Return the content hashes of *examples* that the caller must look up for `match`."""
        hashes = {example.content_hash for example in examples if example.external_id is None}
        return hashes - self._unmatched.keys()

    def match(
        self,
        examples: Sequence[IncomingExample],
        by_id: Mapping[str, StoredContent],
        ids_by_content: Mapping[bytes, Collection[int]],
    ) -> None:
        """Match the next *examples*.

        *by_id* contains stored examples by external or node id. *ids_by_content* contains the ids
        of live examples for each content hash that `contents` returned. Raises `Invalid` when two
        of the examples would change the same stored example.
        """
        for content in self.contents(examples):
            self._unmatched[content] = sorted(ids_by_content.get(content, ()), reverse=True)
        for example in paced(examples):
            if example.external_id is None:
                self._match_content(example.content_hash)
            else:
                self._match_id(example.external_id, example.content_hash, by_id)

    def refuse_unknown(self) -> None:
        """Raise `Invalid` when a node id of the upload does not match a live example."""
        if self._unknown:
            listed = ", ".join(f"'{node_id}'" for node_id in self._unknown)
            raise Invalid(f"No examples found in this dataset with the following IDs: {listed}")

    @property
    def new_count(self) -> int:
        """The number of new examples."""
        return self.changes.count(ExampleChange.CREATE) - len(self.revived)

    def assign_ids(self, new_ids: Iterable[int]) -> None:
        """Assign *new_ids* to the new examples in upload order."""
        remaining = iter(new_ids)
        for position, example_id in enumerate(self.ids):
            if example_id == NEW:
                self.ids[position] = next(remaining)

    def _match_content(self, content_hash: bytes) -> None:
        candidates = self._unmatched[content_hash]
        while candidates:
            candidate = candidates.pop()
            if candidate not in self.matched:
                self._add(candidate, ExampleChange.NONE)
                return
        self._add(NEW, ExampleChange.CREATE)

    def _match_id(self, text: str, content_hash: bytes, by_id: Mapping[str, StoredContent]) -> None:
        stored = by_id.get(text)
        is_live = stored is not None and stored.content_hash is not None
        if not is_live and parse_node_id(text) is not None:
            self._unknown.append(text)
            self._add(NEW, ExampleChange.NONE)
        elif stored is None:
            if text in self._new_ids:
                raise _duplicate(text, text)
            self._new_ids.add(text)
            self._add(NEW, ExampleChange.CREATE)
        elif stored.content_hash == content_hash:
            self._add(stored.id, ExampleChange.NONE)
        else:
            if stored.id in self._changed_as:
                raise _duplicate(self._changed_as[stored.id], text)
            self._changed_as[stored.id] = text
            (self.patched if is_live else self.revived).add(stored.id)
            self._add(stored.id, ExampleChange.PATCH if is_live else ExampleChange.CREATE)

    def _add(self, example_id: int, change: ExampleChange) -> None:
        self.ids.append(example_id)
        self.changes.append(change)
        if example_id != NEW:
            self.matched.add(example_id)


def _duplicate(earlier: str, text: str) -> Invalid:
    if earlier == text:
        return Invalid(f"Duplicate example_id in request: '{text}'")
    return Invalid(f"Two ids of one example in request: '{earlier}' and '{text}'")
