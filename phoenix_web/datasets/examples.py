"""Examples on their way into the store: checked, spelled and hashed before any database work."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic_core import to_json

from phoenix_web.datasets.content_hash import canonical, content_hash
from phoenix_web.datasets.limits import is_deeper
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import decode_as, encode

if TYPE_CHECKING:
    from phoenix_web.datasets.spool import Spool

#: The type in the GlobalIDs of examples.
NODE_TYPE: Final = "DatasetExample"


class UploadAction(StrEnum):
    """What an upload does to the dataset of its name."""

    #: Make it; it must not exist yet.
    CREATE = "create"
    #: Add examples and correct those that are there.
    APPEND = "append"
    #: Make it equal to the upload, which also deletes.
    UPDATE = "update"


class IncomingExample(NamedTuple):
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


class StoredExample(NamedTuple):
    """An example as one version has it; the three buckets are JSON texts of objects."""

    id: int
    external_id: str | None
    input_json: str
    output_json: str
    metadata_json: str
    #: The version that it got this content by.
    version_id: int

    @property
    def node_id(self) -> str:
        """The id that every example has."""
        return encode(NODE_TYPE, self.id)


@dataclass(frozen=True, slots=True)
class Upload:
    """All that one upload says, whatever format it came in."""

    name: str
    #: For a dataset that the upload makes.
    description: str
    action: UploadAction
    #: The caller of the reader closes them.
    examples: Spool
    #: Whether the upload says which splits its examples belong to; if not, they stay as they are.
    are_splits_given: bool


def action_of(value: Any) -> UploadAction:
    """Return the action that *value* names in any case, by default create; raise `Invalid`."""
    name = str(value or UploadAction.CREATE).lower()
    try:
        return UploadAction(name)
    except ValueError:
        # The Python client knows this text, misspelt as it is.
        raise Invalid(f"Invalid dateset action: {name}") from None


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
    if brackets > max_depth + 1 and is_deeper(content, max_depth + 1):
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


def node_id_of(external_id: str | None) -> int | None:
    """Return the number of the stored example that *external_id* names, or None."""
    return decode_as(NODE_TYPE, external_id) if external_id else None


def content_length(example: IncomingExample | StoredExample) -> int:
    """Return how many characters input, output and metadata of *example* have as JSON."""
    return len(example.input_json) + len(example.output_json) + len(example.metadata_json)
