"""Which stored example an incoming one is: by its id, else by its content."""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from phoenix_web.datasets.examples import node_id_of
from phoenix_web.datasets.pacing import paced
from phoenix_web.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from phoenix_web.datasets.examples import IncomingExample

#: What stands for the id of an example that has none yet.
NEW: Final = 0


class ExampleChange(IntEnum):
    """What an upload does to an example."""

    NONE = 0
    PATCH = 1
    CREATE = 2


class StoredContent(NamedTuple):
    """An example in the store."""

    id: int
    #: None when it has been deleted.
    content_hash: bytes | None


class Matching:
    """The outcomes of one upload, worked out from its first example to its last.

    The order matters: an example that somebody has matched is not given to a later one by its
    content. Of each incoming example `ids` has the stored one, or `NEW`, and `changes` the
    `ExampleChange`.
    """

    def __init__(self) -> None:
        self.ids = array("q")
        self.changes = bytearray()
        #: The stored examples that belong to an incoming one: all of them, the ones that get new
        #: content, and the ones that had been deleted.
        self.matched: set[int] = set()
        self.patched: set[int] = set()
        self.revived: set[int] = set()
        self._unknown: list[str] = []
        #: The ids under which examples were changed, and the ids given to new ones.
        self._changed_as: dict[int, str] = {}
        self._new_ids: set[str] = set()
        #: The live examples with one content that may still be matched, the last one first.
        self._alike: dict[bytes, list[int]] = {}

    def contents(self, examples: Sequence[IncomingExample]) -> set[bytes]:
        """Return the contents of *examples* that `match` must be told about."""
        wanted = {example.content_hash for example in examples if example.external_id is None}
        return wanted - self._alike.keys()

    def match(
        self,
        examples: Sequence[IncomingExample],
        named: Mapping[str, StoredContent],
        alike: Mapping[bytes, Collection[int]],
    ) -> None:
        """Work out the outcome of the next *examples*.

        *named* are the stored examples by the ids that *examples* have, external ids and node ids;
        *alike* the ids of the live ones, ascending, with the contents that `contents` asked for.
        Raises `Invalid` when one stored example would be changed twice.
        """
        for content in self.contents(examples):
            self._alike[content] = sorted(alike.get(content, ()), reverse=True)
        for example in paced(examples):
            if example.external_id is None:
                self._match_content(example.content_hash)
            else:
                self._match_id(example.external_id, example.content_hash, named)

    def refuse_unknown(self) -> None:
        """Raise `Invalid` when an incoming example has the node id of no live example."""
        if self._unknown:
            listed = ", ".join(f"'{node_id}'" for node_id in self._unknown)
            raise Invalid(f"No examples found in this dataset with the following IDs: {listed}")

    @property
    def new_count(self) -> int:
        """How many new examples there are."""
        return self.changes.count(ExampleChange.CREATE) - len(self.revived)

    def number(self, new_ids: Iterable[int]) -> None:
        """Give *new_ids* to the new examples, in their order."""
        remaining = iter(new_ids)
        for position, example_id in enumerate(self.ids):
            if example_id == NEW:
                self.ids[position] = next(remaining)

    def _match_content(self, content_hash: bytes) -> None:
        candidates = self._alike[content_hash]
        while candidates:
            candidate = candidates.pop()
            if candidate not in self.matched:
                self._add(candidate, ExampleChange.NONE)
                return
        self._add(NEW, ExampleChange.CREATE)

    def _match_id(self, text: str, content_hash: bytes, named: Mapping[str, StoredContent]) -> None:
        stored = named.get(text)
        is_live = stored is not None and stored.content_hash is not None
        if not is_live and node_id_of(text) is not None:
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
