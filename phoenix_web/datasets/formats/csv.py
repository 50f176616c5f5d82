"""Reader for CSV files; a cell is a string unless the column names request JSON."""

from __future__ import annotations

import csv
import json
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, Final

from phoenix_web.datasets.formats import strict_json
from phoenix_web.datasets.formats.rows import flattened_shape, plain_shape, refuse, shorten
from phoenix_web.errors import Invalid, PayloadTooLarge
from phoenix_web.text import StorageFault, storage_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_web.datasets.form import Columns
    from phoenix_web.datasets.formats.rows import Buckets, Row, Shape

#: Prefixes of column names that contain the bucket and the path in it.
_PREFIXES: Final = ("input.", "output.", "metadata.")


class CsvRows:
    """The rows of a CSV file as pairs of row number and cells by column; the header is row 1."""

    def __init__(self, stream: IO[bytes], max_row_bytes: int) -> None:
        """Read the header; raise `Invalid` if it is missing or repeats a column."""
        self._lines = _Lines(stream, max_row_bytes)
        self._records = self._read_records()
        self.headers: list[str] = []
        self.headers = next(self._records, (1, []))[1]
        if not self._lines.count:
            raise Invalid("Missing CSV column header")
        if not self.headers:
            raise Invalid("Missing CSV column header: the first line is blank")
        seen: set[str] = set()
        for name in self.headers:
            if name in seen:
                raise Invalid(f"Duplicated column header in CSV file: {shorten(name)}")
            seen.add(name)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the rows that are not blank; raise `Invalid` for a row that is not CSV in UTF-8."""
        headers = self.headers
        for number, cells in self._records:
            if cells:
                # A short row lacks its last cells; cells beyond the header are ignored.
                yield number, dict(zip(headers, cells, strict=False))

    def _read_records(self) -> Iterator[tuple[int, list[str]]]:
        records = csv.reader(self._lines)
        number = 1
        while True:
            _allow_cells(self._lines.max_row_bytes)
            try:
                cells = next(records)
            except StopIteration:
                return
            except csv.Error:
                raise Invalid(f"Row {number}: lines should end in \\n or \\r\\n") from None
            except _RowTooLong:
                raise PayloadTooLarge(
                    f"Row {number} is longer than {self._lines.max_row_bytes} bytes"
                ) from None
            if self._lines.has_fault:
                self._refuse_cell(number, cells)
            self._lines.begin_row()
            yield number, cells
            number += 1

    def _refuse_cell(self, number: int, cells: list[str]) -> None:
        """Raise `Invalid` for the cell that is not UTF-8 or contains U+0000."""
        for position, cell in enumerate(cells):
            # UTF-16 has both faults; the encoding is the cause of the other one.
            unstorable = storage_fault(cell.replace("\x00", "")) or storage_fault(cell)
            if unstorable is None:
                continue
            is_named = position < len(self.headers)
            name = f"'{shorten(self.headers[position])}'" if is_named else str(position + 1)
            fault = "U+0000 is not allowed" if unstorable is StorageFault.NUL else "not UTF-8"
            raise Invalid(f"Row {number}: column {name}: {fault}")


def _allow_cells(length: int) -> None:
    """Raise the field size limit of the `csv` module to *length* characters.

    The limit applies to the whole process and is 131,072 characters by default. `_Lines` enforces
    the length of a row, so the module's limit is only raised, never lowered, and checked for each
    row in case other code lowers it.
    """
    if csv.field_size_limit() < length:
        csv.field_size_limit(length)


class _RowTooLong(Exception):
    """Raised when the lines of a row together exceed the limit."""


class _Lines:
    """The decoded lines of a file; bytes that are not UTF-8 become lone surrogates."""

    def __init__(self, stream: IO[bytes], max_row_bytes: int) -> None:
        self._stream = stream
        self.max_row_bytes = max_row_bytes
        self._row_bytes = 0
        self.count = 0
        #: Whether the row contains text that cannot be stored.
        self.has_fault = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        # A quoted cell can span many lines.
        raw = self._stream.readline(self.max_row_bytes - self._row_bytes + 1)
        if not raw:
            raise StopIteration
        self.count += 1
        self._row_bytes += len(raw)
        if self._row_bytes > self.max_row_bytes:
            raise _RowTooLong
        if b"\x00" in raw:
            self.has_fault = True
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.has_fault = True
            return raw.decode(errors="surrogateescape")

    def begin_row(self) -> None:
        """Reset the state at the start of a row."""
        self._row_bytes = 0
        self.has_fault = False


def shape_of(columns: Columns, max_depth: int) -> Shape:
    """Return the mapping from a row to the buckets for *columns*.

    Raises `Invalid` for a column name with more than *max_depth* levels.
    """
    keys = frozenset(chain(*columns.buckets))
    if spread := keys & frozenset(columns.flattened):
        return _json_shape(spread, flattened_shape(columns))
    is_nested = not columns.flattened and any(key.startswith(_PREFIXES) for key in keys)
    shape = _nested_shape(columns, max_depth) if is_nested else plain_shape(columns)
    return lambda row: shape(_without_blanks(row))


def _without_blanks(row: Row) -> Row:
    """Return the cells of *row* that are not blank."""
    return {name: cell for name, cell in row.items() if cell and not cell.isspace()}


def _json_shape(spread: frozenset[str], shape: Shape) -> Shape:
    """Wrap *shape* to parse the cells in *spread* as JSON objects and drop their null values."""

    def parsed(row: Row) -> Buckets:
        values: dict[str, Any] = dict(_without_blanks(row))
        for name in spread & row.keys():
            value = _parse_json(name, row[name])
            if isinstance(value, dict):
                value = {key: child for key, child in value.items() if child is not None}
            values[name] = value
        return shape(values)

    return parsed


def _nested_shape(columns: Columns, max_depth: int) -> Shape:
    """Return the shape that nests `input.a.b` as key b in object a and parses JSON cells."""
    inputs, outputs, metadata = (
        [(key, _path(key, prefix, max_depth)) for key in keys]
        for keys, prefix in zip(columns.buckets, _PREFIXES, strict=True)
    )

    def shape(row: Row) -> Buckets:
        return _nest(row, inputs), _nest(row, outputs), _nest(row, metadata)

    return shape


def _path(key: str, prefix: str, max_depth: int) -> tuple[str, ...]:
    if not key.startswith(prefix):
        return (key,)
    if key.count(".") > max_depth:
        raise Invalid(f"column '{shorten(key)}' is nested deeper than {max_depth} levels")
    return tuple(key[len(prefix) :].split("."))


def _nest(row: Row, paths: list[tuple[str, tuple[str, ...]]]) -> dict[str, Any]:
    bucket: dict[str, Any] = {}
    #: The first column that used each path or a prefix of it.
    owners: dict[tuple[str, ...], str] = {}
    objects: dict[tuple[str, ...], dict[str, Any]] = {(): bucket}
    for key, path in paths:
        if key not in row:
            continue
        inner = bucket
        for end in range(1, len(path)):
            prefix = path[:end]
            if prefix in objects:
                inner = objects[prefix]
                continue
            if prefix in owners:
                raise _contradiction(owners[prefix], key)
            owners[prefix] = key
            inner[prefix[-1]] = objects[prefix] = inner = {}
        if path in owners:
            raise _contradiction(owners[path], key)
        owners[path] = key
        inner[path[-1]] = _parse_json(key, row[key])
    return bucket


def _contradiction(one: str, other: str) -> Invalid:
    return Invalid(f"columns '{shorten(one)}' and '{shorten(other)}' contradict each other")


def _parse_json(name: str, cell: str) -> Any:
    """Parse *cell* if it contains a JSON object or list; otherwise return its text."""
    text = cell.strip()
    if text[:1] + text[-1:] not in {"{}", "[]"}:
        return cell
    try:
        return strict_json.parse(text.encode())
    except (json.JSONDecodeError, strict_json.NoSuchNumber):
        return cell
    except Invalid as error:
        refuse(f"column '{shorten(name)}'", error)
