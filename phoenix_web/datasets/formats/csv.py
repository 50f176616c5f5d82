"""CSV files, row by row; every cell is text, unless it is asked to be more."""

from __future__ import annotations

import csv
import json
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, Final

from phoenix_web.datasets.formats import strict_json
from phoenix_web.datasets.formats.rows import flattened, plain, refuse, shown
from phoenix_web.errors import Invalid, PayloadTooLarge
from phoenix_web.text import StorageFault, storage_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_web.datasets.form import Columns
    from phoenix_web.datasets.formats.rows import Buckets, Row, Shape

#: What names of columns begin with that carry their bucket, and their place in it.
_PREFIXES: Final = ("input.", "output.", "metadata.")


class CsvRows:
    """The rows of a CSV file: pairs of a row's number, the header's is 1, and its filled cells."""

    def __init__(self, stream: IO[bytes], max_row_bytes: int) -> None:
        """Read the header; raise `Invalid` without one, or when it names a column twice."""
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
                raise Invalid(f"Duplicated column header in CSV file: {shown(name)}")
            seen.add(name)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the rows that are not blank; raise `Invalid` for one that is no CSV in UTF-8."""
        headers = self.headers
        for number, cells in self._records:
            if cells:
                # A short row lacks its last cells, and what stands behind the last column is left.
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
        """Raise `Invalid` for the cell that is not UTF-8 or holds U+0000."""
        for position, cell in enumerate(cells):
            unstorable = storage_fault(cell)
            if unstorable is None:
                continue
            is_named = position < len(self.headers)
            name = f"'{shown(self.headers[position])}'" if is_named else str(position + 1)
            fault = "U+0000 is not allowed" if unstorable is StorageFault.NUL else "not UTF-8"
            raise Invalid(f"Row {number}: column {name}: {fault}")


def _allow_cells(length: int) -> None:
    """Let the `csv` module read cells of *length* characters.

    The module has one limit for the whole process, by default 131,072 characters. The bound of
    uploads is the length of a row, which `_Lines` counts before the module sees it. So the limit
    is only raised, which disturbs no other reader, and for each row, in case that other code of
    the process has lowered it.
    """
    if csv.field_size_limit() < length:
        csv.field_size_limit(length)


class _RowTooLong(Exception):
    """A row is longer than the limit, however many lines it has."""


class _Lines:
    """The lines of a file as text; what is not UTF-8 stands in it as lone surrogates."""

    def __init__(self, stream: IO[bytes], max_row_bytes: int) -> None:
        self._stream = stream
        self.max_row_bytes = max_row_bytes
        self._row_bytes = 0
        self.count = 0
        #: Whether the row holds what cannot be stored.
        self.has_fault = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        # A quoted cell may go over many lines.
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
        """Count from here."""
        self._row_bytes = 0
        self.has_fault = False


def shape_of(columns: Columns, max_depth: int) -> Shape:
    """Return how the cells of a row become the buckets, as the names of the columns tell.

    Raises `Invalid` for a name that unfolds to more than *max_depth* levels.
    """
    spread = frozenset(columns.flattened) & frozenset(chain(*columns.buckets))
    if spread:
        return _parsed(spread, flattened(columns))
    is_dotted = any(key.startswith(_PREFIXES) for key in chain(*columns.buckets))
    shape = _unfolded(columns, max_depth) if is_dotted and not columns.flattened else plain(columns)
    return lambda row: shape(_filled(row))


def _filled(row: Row) -> Row:
    """Return the cells of *row* that are not blank; the others are no values."""
    return {name: cell for name, cell in row.items() if cell and not cell.isspace()}


def _parsed(spread: frozenset[str], shape: Shape) -> Shape:
    """Return *shape* for rows whose cells in *spread* are JSON objects; a null in them is none."""

    def parsed(row: Row) -> Buckets:
        values: dict[str, Any] = dict(_filled(row))
        for name in spread & row.keys():
            value = _json_in(name, row[name])
            if isinstance(value, dict):
                value = {key: child for key, child in value.items() if child is not None}
            values[name] = value
        return shape(values)

    return parsed


def _unfolded(columns: Columns, max_depth: int) -> Shape:
    """Return the shape in which `input.a.b` is b in a of the input, and JSON cells are parsed."""
    inputs, outputs, metadata = (
        [(key, _path(key, prefix, max_depth)) for key in keys]
        for keys, prefix in zip(columns.buckets, _PREFIXES, strict=True)
    )

    def shape(row: Row) -> Buckets:
        return _unfold(row, inputs), _unfold(row, outputs), _unfold(row, metadata)

    return shape


def _path(key: str, prefix: str, max_depth: int) -> tuple[str, ...]:
    if not key.startswith(prefix):
        return (key,)
    if key.count(".") > max_depth:
        raise Invalid(f"column '{shown(key)}' is nested deeper than {max_depth} levels")
    return tuple(key[len(prefix) :].split("."))


def _unfold(row: Row, paths: list[tuple[str, tuple[str, ...]]]) -> dict[str, Any]:
    bucket: dict[str, Any] = {}
    #: Which column has filled a place, or the way to one.
    owners: dict[tuple[str, ...], str] = {}
    objects: dict[tuple[str, ...], dict[str, Any]] = {(): bucket}
    for key, path in paths:
        if key not in row:
            continue
        inner = bucket
        for end in range(1, len(path)):
            way = path[:end]
            if way in objects:
                inner = objects[way]
                continue
            if way in owners:
                raise _contradiction(owners[way], key)
            owners[way] = key
            inner[way[-1]] = objects[way] = inner = {}
        if path in owners:
            raise _contradiction(owners[path], key)
        owners[path] = key
        inner[path[-1]] = _json_in(key, row[key])
    return bucket


def _contradiction(one: str, other: str) -> Invalid:
    return Invalid(f"columns '{shown(one)}' and '{shown(other)}' contradict each other")


def _json_in(name: str, cell: str) -> Any:
    """Return the object or list that *cell* holds as JSON, or else its text."""
    text = cell.strip()
    if text[:1] + text[-1:] not in {"{}", "[]"}:
        return cell
    try:
        return strict_json.parse(text.encode())
    except (json.JSONDecodeError, strict_json.NoSuchNumber):
        return cell
    except Invalid as error:
        refuse(f"column '{shown(name)}'", error)
