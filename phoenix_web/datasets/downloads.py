"""The forms in which a dataset is downloaded: CSV, JSON lines, and two that OpenAI reads."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.datasets.spool import Batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from phoenix_web.datasets.examples import StoredExample

    #: The names of the splits of each example that is in one, sorted, by its number.
    Splits = Mapping[int, Sequence[str]]

#: With these a spreadsheet takes a text for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_GUARD: Final = "'"

#: Examples that are parsed and spelled together.
_AT_ONCE: Final = 200

_encode: Final = json.JSONEncoder(ensure_ascii=False).encode


def jsonl(examples: Sequence[StoredExample], splits: Splits) -> str:
    """Return each example as one line of JSON."""
    return _lines(
        {
            "id": example.external_id or example.node_id,
            "node_id": example.node_id,
            "input": input_,
            "output": output,
            "metadata": metadata,
            "splits": splits.get(example.id, []),
        }
        for example, (input_, output, metadata) in zip(examples, _parsed(examples), strict=True)
    )


def openai_ft(examples: Sequence[StoredExample], _splits: Splits) -> str:
    """Return each example as a line for fine-tuning a chat model."""
    return _lines(
        {
            "messages": _messages(input_) + _messages(output),
            **({"tools": input_["tools"]} if input_.get("tools") else {}),
        }
        for input_, output, _ in _parsed(examples)
    )


def openai_evals(examples: Sequence[StoredExample], _splits: Splits) -> str:
    """Return each example as a line for an evaluation, with the ideal answer."""
    return _lines(
        {"messages": input_.get("messages") or [], "ideal": _ideal(_messages(output))}
        for input_, output, _ in _parsed(examples)
    )


class Csv:
    """A CSV file of examples, with their nested objects unfolded to columns like `input.a.b`.

    The columns are known when all examples are: until then the lines lie in a temporary file.
    Reading the examples twice instead would cost twice as much. The maker closes it.
    """

    def __init__(self, *, is_safe: bool, has_splits: bool) -> None:
        """Guard cells that a spreadsheet would run when *is_safe*; tell splits or not."""
        self._is_safe = is_safe
        self._has_splits = has_splits
        self._columns: dict[str, None] = {}
        #: For each batch of examples how many columns were known, and their lines.
        self._batches = Batches()

    def add(self, examples: Sequence[StoredExample], splits: Splits) -> None:
        """Add *examples*; raise `InsufficientStorage` when the disk is full."""
        for some in _slices(examples):
            parsed = zip(some, _parsed(some), strict=True)
            rows = [self._row(example, buckets, splits) for example, buckets in parsed]
            columns = list(self._columns)
            lines = _spelled(map(cells.get, columns) for cells in rows)
            self._batches.add([len(columns), lines])

    def parts(self) -> Iterator[str]:
        """Yield the whole file: an empty line when there are no examples."""
        if not self._columns:
            yield "\n"
            return
        yield "".join(_spelled([self._columns]))
        for known, lines in self._batches:
            # New columns come last, so that the lines before them only lack empty cells.
            missing = "," * (len(self._columns) - known) + "\n"
            yield missing.join([line[:-1] for line in lines] + [""])

    def close(self) -> None:
        """Delete the temporary file."""
        self._batches.close()

    def _row(
        self, example: StoredExample, buckets: Sequence[dict[str, Any]], splits: Splits
    ) -> dict[str, Any]:
        """Return the cells of *example* by column, and learn its columns."""
        cells = _cells(example, buckets)
        if self._has_splits:
            # They come after the columns of the first example.
            cells["splits"] = _encode(splits.get(example.id, []))
        if not cells.keys() <= self._columns.keys():
            self._columns.update(dict.fromkeys(cells))
        if self._is_safe:
            for column, value in cells.items():
                # Numbers have become no texts, so that a negative one is no formula.
                if isinstance(value, str) and value.startswith(_FORMULA):
                    cells[column] = _GUARD + value
        return cells


class _Lines(list[str]):
    """What the `csv` module writes to."""

    def write(self, line: str) -> None:
        """Take one line."""
        self.append(line[:-2] + "\n")


def _spelled(rows: Iterable[Iterable[Any]]) -> list[str]:
    """Return each of *rows* as a line of CSV."""
    lines = _Lines()
    # The module quotes a cell with one of the characters of the line's end: both, so that no lone
    # carriage return breaks a row. The lines then end as the contract says.
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return list(lines)


def _cells(example: StoredExample, buckets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the values of one row by column."""
    node_id = example.node_id
    cells: dict[str, Any] = {"id": example.external_id or node_id, "node_id": node_id}
    for prefix, bucket in zip(("input.", "output.", "metadata."), buckets, strict=True):
        _unfold(prefix, bucket, cells)
    return cells


def _unfold(prefix: str, value: dict[str, Any], cells: dict[str, Any]) -> None:
    """Put what is in *value* into *cells*: texts, numbers and nulls as they are, else JSON."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            _unfold(f"{prefix}{key}.", inner, cells)
        elif isinstance(inner, list | bool):
            cells[prefix + key] = _encode(inner)
        else:
            cells[prefix + key] = inner


def _parsed(examples: Sequence[StoredExample]) -> Iterator[list[dict[str, Any]]]:
    """Yield input, output and metadata of each; one text is parsed faster than many."""
    for some in _slices(examples):
        texts = (f"[{example[2]},{example[3]},{example[4]}]" for example in some)
        yield from json.loads(f"[{','.join(texts)}]")


def _slices(examples: Sequence[StoredExample]) -> Iterator[Sequence[StoredExample]]:
    """Yield *examples* by the few: what the processor's cache holds is parsed twice as fast."""
    for start in range(0, len(examples), _AT_ONCE):
        yield examples[start : start + _AT_ONCE]


def _lines(values: Iterable[Any]) -> str:
    return "".join([_encode(value) + "\n" for value in values])


def _messages(bucket: dict[str, Any]) -> list[Any]:
    messages = bucket.get("messages")
    return messages if isinstance(messages, list) else []


def _ideal(messages: list[Any]) -> str:
    """Return the text of the last message, or an empty one when there is none."""
    last = messages[-1] if messages else None
    content = last.get("content") if isinstance(last, dict) else None
    return content if isinstance(content, str) else ""
