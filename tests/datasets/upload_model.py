"""What uploads do, written once more, as plainly as possible: the tests compare the two."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """An incoming example: `key` is a text, the place of an example in the dataset, or None."""

    key: str | int | None
    content: int
    splits: frozenset[str] = frozenset()


@dataclass
class Example:
    """An example: `content` is None when it is deleted."""

    external_id: str | None
    content: int | None
    splits: set[str] = field(default_factory=set)


class Refused(Exception):
    """The upload cannot be done, and nothing of it is."""


@dataclass
class Model:
    """A dataset, and what each of its versions held: content by the place of the example."""

    examples: list[Example] = field(default_factory=list)
    versions: list[dict[int, int]] = field(default_factory=list)

    def upload(  # noqa: C901, PLR0912 - in one piece it reads like the rules that it stands for
        self, action: str, rows: list[Row], *, are_splits_given: bool
    ) -> tuple[int, ...]:
        """Return how many examples were created, updated and deleted; raise `Refused`."""
        live = {n for n, example in enumerate(self.examples) if example.content is not None}
        before = {n: set(self.examples[n].splits) for n in live}
        matched: set[int] = set()
        new: list[Example] = []
        changed: dict[int, int] = {}
        touched: list[tuple[Example, Row]] = []
        for row in rows:
            place = self._place(row, live, matched)
            if place is None:
                if row.key in {example.external_id for example in new} - {None}:
                    raise Refused
                new.append(Example(str(row.key) if isinstance(row.key, str) else None, row.content))
                touched.append((new[-1], row))
                continue
            matched.add(place)
            touched.append((self.examples[place], row))
            if self.examples[place].content != row.content:
                if place in changed:
                    raise Refused
                changed[place] = row.content
        deleted = live - matched if action == "update" else set()

        for place, content in changed.items():
            self.examples[place].content = content
        self.examples += new
        for place in deleted:
            self.examples[place].content = None
        if are_splits_given and action != "append":
            for example in self.examples:
                example.splits.clear()
        elif are_splits_given:
            for example, _ in touched:
                example.splits.clear()
        if are_splits_given:
            for example, row in touched:
                example.splits |= row.splits
        for place in deleted:
            self.examples[place].splits.clear()

        if changed or new or deleted or not self.versions:
            contents = enumerate(example.content for example in self.examples)
            self.versions.append({n: content for n, content in contents if content is not None})
        moved = {n for n in live & matched if self.examples[n].splits != before[n]}
        updated = (live & changed.keys()) | moved
        return len(new) + len(changed.keys() - live), len(updated), len(deleted)

    def _place(self, row: Row, live: set[int], matched: set[int]) -> int | None:
        """Return the place of the example that *row* is, or None for a new one."""
        if isinstance(row.key, int):
            if row.key not in live:
                raise Refused
            return row.key
        if row.key is not None:
            same = [n for n, e in enumerate(self.examples) if e.external_id == row.key]
            return same[0] if same else None
        for place in sorted(live - matched):
            if self.examples[place].content == row.content:
                return place
        return None
