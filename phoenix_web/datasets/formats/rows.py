"""Conversion of a row of a file to an example: ids, splits and the three buckets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from phoenix_web.datasets.examples import IncomingExample, build_example
from phoenix_web.datasets.formats import strict_json
from phoenix_web.errors import Invalid
from phoenix_web.text import StorageFault, storage_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from phoenix_web.datasets.form import Columns

    Row = Mapping[str, Any]
    Buckets = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]
    #: A mapping from a row to the buckets.
    Shape = Callable[[Row], Buckets]

#: Cells that mean "no id".
_NO_ID: Final = frozenset({"", "nan"})
#: Characters of a value that an error message shows.
_MAX_SHOWN: Final = 100


def to_example(row: Row, columns: Columns, shape: Shape, max_depth: int) -> IncomingExample:
    """Convert *row* to an example; raise `Invalid` for values that cannot be stored."""
    external_id = _identifier(row, columns.example_id)
    span_id = _identifier(row, columns.span_id)
    try:
        splits = _split_names(row, columns)
        if fault := storage_fault("".join([external_id or "", span_id or "", *splits])):
            raise Invalid(fault)
        example = build_example(shape(row), max_depth, external_id, span_id, splits)
    except UnicodeEncodeError:
        raise Invalid(StorageFault.SURROGATE) from None
    except ValueError:
        raise Invalid("a number is out of range") from None
    except RecursionError:
        raise Invalid(f"nested deeper than {max_depth} levels") from None
    for text in (example.input_json, example.output_json, example.metadata_json):
        if "\\u0000" in text:
            strict_json.refuse_nul(text.encode())
    return example


def plain_shape(columns: Columns) -> Shape:
    """Return the shape that stores each value under its column name."""
    inputs, outputs, metadata = columns.buckets

    def shape(row: Row) -> Buckets:
        return _pick(row, inputs), _pick(row, outputs), _pick(row, metadata)

    return shape


def flattened_shape(columns: Columns) -> Shape:
    """Return the shape that merges the objects of `columns.flattened` into the buckets."""
    inputs, outputs, metadata = columns.buckets
    spread = frozenset(columns.flattened)

    def shape(row: Row) -> Buckets:
        return (
            _flatten(row, inputs, spread),
            _flatten(row, outputs, spread),
            _flatten(row, metadata, spread),
        )

    return shape


def shorten(text: str) -> str:
    """Shorten *text* for an error message."""
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def refuse(place: str, error: Invalid) -> NoReturn:
    """Raise *error* again with its *place* in the file."""
    raise Invalid(f"{place}: {error.message}") from error


def _pick(row: Row, keys: Iterable[str]) -> dict[str, Any]:
    return {key: row[key] for key in keys if key in row}


def _flatten(row: Row, keys: tuple[str, ...], spread: frozenset[str]) -> dict[str, Any]:
    bucket: dict[str, Any] = {}
    for key in keys:
        if key not in spread or key not in row:
            continue
        children = row[key]
        if children is None:
            raise Invalid(f"Cannot flatten '{key}': expected object")
        if not isinstance(children, dict):
            raise Invalid(f"Cannot flatten '{key}': expected object values")
        if repeated := children.keys() & bucket.keys():
            raise Invalid(f"Cannot flatten '{key}': keys {_format_keys(repeated)} already emitted")
        bucket.update(children)
    unchanged = [key for key in keys if key not in spread]
    if repeated := bucket.keys() & set(unchanged):
        raise Invalid(f"Keys {_format_keys(repeated)} conflict with flattened children")
    return {**_pick(row, unchanged), **bucket}


def _format_keys(keys: Iterable[str]) -> str:
    return "{" + ", ".join(f"'{shorten(key)}'" for key in sorted(keys)) + "}"


def _identifier(row: Row, key: str) -> str | None:
    value = row.get(key) if key else None
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        raise Invalid(f"'{key}' should be text or a number")
    text = _to_text(value)
    return None if text.strip().lower() in _NO_ID else text


def _split_names(row: Row, columns: Columns) -> tuple[str, ...]:
    """Return the distinct trimmed split names of *row*, without blank ones."""
    if columns.split:
        values = _to_list(row.get(columns.split))
    else:
        values = [value for key in columns.splits if (value := row.get(key))]
    trimmed = (_to_text(value).strip() for value in values)
    return tuple(dict.fromkeys(filter(None, trimmed)))


def _to_list(value: Any) -> list[Any]:
    """Return the non-null values of a list or a JSON list, or a single value as a list."""
    if isinstance(value, str):
        value = _parse_list(value)
    if isinstance(value, list):
        return [inner for inner in value if inner is not None]
    return [value] if value else []


def _parse_list(text: str) -> Any:
    """Parse *text* if it is a JSON list; otherwise return it unchanged."""
    trimmed = text.strip()
    if trimmed.startswith("[") and trimmed.endswith("]"):
        try:
            return strict_json.parse(trimmed.encode())
        except (json.JSONDecodeError, strict_json.NoSuchNumber):
            return text
    return text


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
