"""Reader for Arrow IPC streams written by pandas; pyarrow is imported on first use."""

from __future__ import annotations

import importlib
import struct
from datetime import date, datetime, time
from decimal import Decimal
from math import isnan
from typing import IO, TYPE_CHECKING, Any, Final

from phoenix_web.datasets.formats.rows import plain_shape, shorten
from phoenix_web.errors import Invalid, PayloadTooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_web.datasets.form import Columns
    from phoenix_web.datasets.formats.rows import Shape

#: Rows converted to Python values at a time.
_CHUNK_ROWS: Final = 256
#: Limit on the list elements of a column in a batch.
_MAX_ELEMENTS: Final = 32 * 1024 * 1024
_NOT_ARROW: Final = "File is not valid pyarrow"
#: Slots of the flatbuffer that describes a record batch.
_HEADER_SLOT: Final = 2
_COMPRESSION_SLOT: Final = 3


def read_rows(
    stream: IO[bytes], columns: Columns
) -> tuple[Columns, Iterator[tuple[int, dict[str, Any]]]]:
    """Return *columns* in the order of the file and its rows, numbered from 1.

    Raises `UnsupportedMediaType` without pyarrow, and `Invalid` for a file that is not an Arrow
    stream, lacks one of the columns, or contains values that JSON cannot represent.
    """
    arrow = _arrow()
    try:
        messages = arrow.ipc.MessageReader.open_stream(stream)
        schema = arrow.ipc.read_schema(messages.read_next_message())
    except (arrow.ArrowException, OSError, ValueError, StopIteration) as error:
        raise Invalid(_NOT_ARROW) from error
    positions = {name: number for number, name in enumerate(schema.names)}
    for name in _index_columns(schema):
        positions.pop(name, None)
    columns = columns.among(list(positions))
    used = {
        name: positions[name]
        for name in (
            *columns.inputs,
            *columns.outputs,
            *columns.metadata,
            *columns.splits,
            columns.split,
            columns.span_id,
            columns.example_id,
        )
        if name
    }
    for name, position in used.items():
        _check_type(arrow, name, schema.field(position).type)
    return columns, _rows(arrow, stream, used)


def shape_of(columns: Columns) -> Shape:
    """Return the mapping from a row to the buckets."""
    return plain_shape(columns)


def _arrow() -> Any:
    try:
        importlib.import_module("pyarrow.ipc")
        return importlib.import_module("pyarrow")
    except ModuleNotFoundError:
        raise UnsupportedMediaType(
            "Arrow files need pyarrow on the server: pip install 'phoenix-web[arrow]'"
        ) from None


def _index_columns(schema: Any) -> list[str]:
    """Return the columns of the data frame's index, which an upload cannot use."""
    try:
        columns = (schema.pandas_metadata or {}).get("index_columns", [])
    except (ValueError, AttributeError):
        return []
    if not isinstance(columns, list):
        return []
    return [name for name in columns if isinstance(name, str)]


def _rows(
    arrow: Any, stream: IO[bytes], used: dict[str, int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    for batch in _batches(arrow, stream):
        for start in range(0, batch.num_rows, _CHUNK_ROWS):
            part = batch.slice(start, _CHUNK_ROWS)
            values = {name: _values(part.column(at), name) for name, at in used.items()}
            for position in range(part.num_rows):
                number += 1
                yield number, {name: column[position] for name, column in values.items()}


def _batches(arrow: Any, stream: IO[bytes]) -> Iterator[Any]:
    """Yield the validated record batches of *stream*."""
    try:
        stream.seek(0)
        for message in arrow.ipc.MessageReader.open_stream(stream):
            # pyarrow would decompress it to any size before the limits can be checked.
            if _is_compressed(message):
                raise Invalid("Compressed Arrow files are not supported")
        stream.seek(0)
        for batch in arrow.ipc.open_stream(stream):
            batch.validate(full=True)
            for column in batch.columns:
                _check_length(arrow, column)
            yield batch
    except (arrow.ArrowException, OSError, ValueError, struct.error) as error:
        raise Invalid(_NOT_ARROW) from error


def _is_compressed(message: Any) -> bool:
    if message.type not in {"record batch", "dictionary"}:
        return False
    description = bytes(message.metadata)
    (root,) = struct.unpack_from("<I", description)
    batch = _table(description, root, _HEADER_SLOT)
    if batch is not None and message.type == "dictionary":
        batch = _table(description, batch, 1)
    return batch is not None and _table(description, batch, _COMPRESSION_SLOT) is not None


def _table(flatbuffer: bytes, table: int, slot: int) -> int | None:
    """Return the offset of the table in *slot* of the table at offset *table*, or None."""
    (to_slots,) = struct.unpack_from("<i", flatbuffer, table)
    slots = table - to_slots
    (size,) = struct.unpack_from("<H", flatbuffer, slots)
    place = 4 + 2 * slot
    if place >= size:
        return None
    (offset,) = struct.unpack_from("<H", flatbuffer, slots + place)
    if not offset:
        return None
    (to_table,) = struct.unpack_from("<I", flatbuffer, table + offset)
    inner: int = table + offset + to_table
    return inner


def _check_type(arrow: Any, name: str, kind: Any, *, is_inner: bool = False) -> None:
    """Raise `Invalid` unless values of *kind* are JSON values or have a standard text form."""
    types = arrow.types
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        _check_type(arrow, name, kind.value_type, is_inner=True)
    elif types.is_struct(kind):
        for field in kind:
            _check_type(arrow, name, field.type, is_inner=True)
    elif types.is_dictionary(kind) and not is_inner:
        _check_type(arrow, name, kind.value_type, is_inner=True)
    elif not any(is_kind(kind) for is_kind in _scalars(types)):
        raise Invalid(f"Column '{shorten(name)}': values of type {kind} cannot be stored as JSON")


def _scalars(types: Any) -> tuple[Any, ...]:
    return (
        types.is_null,
        types.is_boolean,
        types.is_integer,
        types.is_floating,
        types.is_string,
        types.is_large_string,
        types.is_decimal,
        types.is_date,
        types.is_time,
        types.is_timestamp,
    )


def _check_length(arrow: Any, column: Any) -> None:
    """Raise `PayloadTooLarge` for lists that are small in the file but huge as Python values."""
    types, kind = arrow.types, column.type
    if types.is_struct(kind):
        for number in range(kind.num_fields):
            _check_length(arrow, column.field(number))
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        if len(column.values) > _MAX_ELEMENTS:
            raise PayloadTooLarge(f"The lists of a batch have more than {_MAX_ELEMENTS} elements")
        _check_length(arrow, column.values)


def _values(column: Any, name: str) -> list[Any]:
    """Convert *column* to JSON values; raise `Invalid` for values that JSON cannot represent."""
    try:
        if not hasattr(column, "dictionary"):
            return [_value(inner) for inner in column.to_pylist()]
        # Convert each distinct value once, because many rows can share a long one.
        words = column.dictionary
        known = {
            key: _value(words[key].as_py()) for key in set(column.indices.to_pylist()) - {None}
        }
        return [known.get(key) for key in column.indices.to_pylist()]
    except Exception as error:
        # pyarrow raises different exceptions for time zones, years and nanoseconds.
        raise Invalid(
            f"Column '{shorten(name)}': a value of type {column.type} cannot be stored as JSON"
        ) from error


def _value(value: Any) -> Any:
    """Convert *value* to a JSON value: NaN to null, dates and decimals to strings."""
    if isinstance(value, float):
        return None if isnan(value) else value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    return value
