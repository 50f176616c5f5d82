"""Examples on their way into the store: checked, spelled and hashed before any database work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from phoenix_web.datasets.content_hash import canonical, content_hash
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The type in the GlobalIDs of examples.
NODE_TYPE: Final = "DatasetExample"


@dataclass(frozen=True, slots=True)
class IncomingExample:
    """An example as it will be stored; the three buckets are JSON texts of objects."""

    input_json: str
    output_json: str
    metadata_json: str
    content_hash: bytes
    #: The id that the uploader gave; empty is an id too.
    external_id: str | None = None
    span_id: str | None = None
    #: The names of the splits that the example belongs to, each once.
    splits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """All that one upload says, whatever format it came in."""

    name: str
    description: str
    examples: list[IncomingExample]


def incoming(
    buckets: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
    max_depth: int,
    external_id: str | None = None,
    span_id: str | None = None,
    splits: tuple[str, ...] = (),
) -> IncomingExample:
    """Return the example with input, output and metadata of *buckets*.

    Raises `Invalid` for a bucket deeper than *max_depth*, `ValueError` for numbers that JSON has
    not and for lone surrogates.
    """
    input_, output, metadata = buckets
    content = {"input": input_, "output": output, "metadata": metadata}
    canonical_content = canonical(content)
    # A text with few brackets cannot be deep, which spares most examples the walk.
    brackets = canonical_content.count("{") + canonical_content.count("[")
    if brackets > max_depth + 1 and _is_deeper(content, max_depth + 1):
        raise Invalid(f"nested deeper than {max_depth} levels")
    # First, because it also finds what the texts must not hold.
    digest = content_hash(canonical_content)
    return IncomingExample(
        to_json(input_).decode(),
        to_json(output).decode(),
        to_json(metadata).decode(),
        digest,
        external_id,
        span_id,
        splits,
    )


def node_ids(examples: Iterable[IncomingExample]) -> list[str]:
    """Return the ids among *examples* that name stored examples, as they were sent, in order."""
    given = (example.external_id for example in examples)
    return [text for text in given if text and number_of(NODE_TYPE, text) is not None]


def _is_deeper(value: Any, limit: int) -> bool:
    """Tell whether *value* is nested deeper than *limit* levels; it does not recurse itself."""
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(inner, dict | list) for inner in level)
