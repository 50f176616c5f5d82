"""Reader for uploads in JSON, with the exact error texts of the contract."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from phoenix_web.datasets.examples import Upload, build_example, parse_action
from phoenix_web.datasets.formats import strict_json
from phoenix_web.datasets.pacing import paced
from phoenix_web.datasets.spool import new_spool
from phoenix_web.errors import Invalid, PayloadTooLarge
from phoenix_web.text import StorageFault, storage_fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from phoenix_web.datasets.limits import UploadLimits
    from phoenix_web.datasets.spool import Spool


def read(body: bytes, limits: UploadLimits) -> Upload:
    """Read the upload in *body*; the caller must close its examples.

    Raises `Invalid` with the contract's text for the first fault in the contract's order, and
    `PayloadTooLarge` for too many examples.
    """
    try:
        return _read(_parse(body), limits)
    except RecursionError:
        raise Invalid("The body is nested too deeply") from None


def _parse(body: bytes) -> dict[str, Any]:
    try:
        fields = strict_json.parse(body)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Invalid(str(error)) from error
    if not isinstance(fields, dict):
        raise Invalid("The body should be a JSON object")
    return fields


def _read(fields: dict[str, Any], limits: UploadLimits) -> Upload:
    name = _name(fields)
    inputs = _inputs(fields)
    count = len(inputs)
    outputs = _bucket(fields, "outputs", count)
    metadata = _bucket(fields, "metadata", count)
    splits = _column(fields, "splits", count)
    span_ids = _column(fields, "span_ids", count)
    example_ids = _example_ids(fields, count)
    split_names = []
    for position, (split, span_id) in enumerate(zip(splits, span_ids, strict=True)):
        split_names.append(_split_names(split))
        span_ids[position] = _span_id(span_id)
    action = parse_action(fields.get("action"))
    description = _description(fields)
    texts = chain([name, description], example_ids, span_ids, *split_names)
    if fault := storage_fault("".join(filter(None, texts))):
        raise Invalid(fault)
    buckets = zip(inputs, outputs, metadata, strict=True)
    extras = zip(example_ids, span_ids, split_names, strict=True)
    are_splits_given = fields.get("splits") is not None
    with new_spool() as examples:
        _fill(examples, buckets, extras, limits.max_depth)
        if count > limits.max_rows:
            raise PayloadTooLarge(f"The upload has more than {limits.max_rows} examples")
    return Upload(name, description, action, examples, are_splits_given)


def _name(fields: dict[str, Any]) -> str:
    name = fields.get("name")
    if not name:
        raise Invalid("Dataset name is required")
    return _text("name", name)


def _description(fields: dict[str, Any]) -> str:
    description = fields.get("description")
    return "" if description is None else _text("description", description)


def _text(field: str, value: Any) -> str:
    """Return *value* as a string; numbers and booleans are encoded as JSON."""
    if isinstance(value, dict | list):
        raise Invalid(f"Dataset {field} must be a string")
    return value if isinstance(value, str) else json.dumps(value)


def _inputs(fields: dict[str, Any]) -> list[dict[str, Any]]:
    inputs = fields.get("inputs")
    if inputs is None:
        raise Invalid("input is required")
    if not _is_list_of_objects(inputs):
        raise Invalid("Input should be a list containing only dictionary objects")
    return cast("list[dict[str, Any]]", inputs)


def _bucket(fields: dict[str, Any], field: str, count: int) -> list[dict[str, Any]]:
    """Return the objects of *field*, one for each input; they are empty without the field."""
    objects = fields.get(field)
    if not objects:
        return [{}] * count
    if not _is_list_of_objects(objects) or len(objects) != count:
        raise Invalid(
            f"{field} should be a list of same length as input containing only dictionary objects"
        )
    return cast("list[dict[str, Any]]", objects)


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(inner, dict) for inner in value)


def _column(fields: dict[str, Any], field: str, count: int) -> list[Any]:
    """Return the values of *field*, one for each input; they are None without the field."""
    values = fields.get(field)
    if values is None:
        return [None] * count
    if not isinstance(values, list):
        raise Invalid(f"{field} must be a list")
    if len(values) != count:
        raise Invalid(f"{field} must have same length as inputs ({len(values)} != {count})")
    return values


def _example_ids(fields: dict[str, Any], count: int) -> list[str | None]:
    ids = _column(fields, "example_ids", count)
    if not all(text is None or isinstance(text, str) for text in ids):
        raise Invalid("example_ids must contain only strings or None")
    seen: set[str] = set()
    for text in ids:
        if text in seen:
            raise Invalid(f"Duplicate example_id in request: '{text}'")
        if text is not None:
            seen.add(text)
    return ids


def _split_names(value: Any) -> tuple[str, ...]:
    """Return the distinct trimmed names in *value*, without blank ones."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    elif not isinstance(value, list):
        raise Invalid(
            "Split value must be a string, list of strings, or None, got " + type(value).__name__
        )
    for name in value:
        if name is not None and not isinstance(name, str):
            raise Invalid(f"Split value must be a string or None, got {type(name).__name__}")
    trimmed = (name.strip() for name in value if name is not None)
    return tuple(dict.fromkeys(filter(None, trimmed)))


def _span_id(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid(f"Span ID must be a string or None, got {type(value).__name__}")
    return value.strip() or None


def _fill(
    examples: Spool,
    buckets: Iterable[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]],
    extras: Iterable[tuple[str | None, str | None, tuple[str, ...]]],
    max_depth: int,
) -> None:
    try:
        for row, extra in paced(zip(buckets, extras, strict=True)):
            examples.append(build_example(row, max_depth, *extra))
    except UnicodeEncodeError:
        raise Invalid(f"Example {len(examples)}: {StorageFault.SURROGATE}") from None
    except ValueError:
        raise Invalid(f"Example {len(examples)}: a number is out of range") from None
    except Invalid as error:
        raise Invalid(f"Example {len(examples)}: {error.message}") from None
