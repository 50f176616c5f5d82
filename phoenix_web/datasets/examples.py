"""Examples of uploads and versions; incoming ones are validated and hashed before a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic_core import to_json

from phoenix_web.datasets.content_hash import canonical_json, content_hash
from phoenix_web.datasets.limits import is_deeper
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import decode_as, encode

if TYPE_CHECKING:
    from phoenix_web.datasets.spool import Spool

#: The type in the GlobalIDs of examples.
NODE_TYPE: Final = "DatasetExample"


class UploadAction(StrEnum):
    """The effect of an upload on the dataset with its name."""

    #: Create the dataset, which must not exist.
    CREATE = "create"
    #: Add new examples and update existing ones.
    APPEND = "append"
    #: Replace the contents: also delete the examples that are not in the upload.
    UPDATE = "update"


class IncomingExample(NamedTuple):
    """An example to store; the buckets are encoded JSON objects."""

    input_json: str
    output_json: str
    metadata_json: str
    content_hash: bytes
    #: The id from the upload; an empty string is a valid id.
    external_id: str | None = None
    span_id: str | None = None
    #: Names of the splits of the example, without duplicates.
    splits: tuple[str, ...] = ()


class StoredExample(NamedTuple):
    """An example in one version; the buckets are encoded JSON objects."""

    id: int
    external_id: str | None
    input_json: str
    output_json: str
    metadata_json: str
    #: The version that introduced this content.
    version_id: int

    @property
    def node_id(self) -> str:
        """The GlobalID of the example."""
        return encode(NODE_TYPE, self.id)


@dataclass(frozen=True, slots=True)
class Upload:
    """The contents of one upload, independent of its format."""

    name: str
    #: Used only when the upload creates the dataset.
    description: str
    action: UploadAction
    #: The caller of the reader must close the spool.
    examples: Spool
    #: Whether the upload specifies splits; otherwise existing memberships are unchanged.
    are_splits_given: bool


def parse_action(value: Any) -> UploadAction:
    """Parse the action *value*, ignoring case; the default is create. Raises `Invalid`."""
    name = str(value or UploadAction.CREATE).lower()
    try:
        return UploadAction(name)
    except ValueError:
        # Contract text, including the misspelling: the Python client matches on it.
        raise Invalid(f"Invalid dateset action: {name}") from None


def build_example(
    buckets: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
    max_depth: int,
    external_id: str | None = None,
    span_id: str | None = None,
    splits: tuple[str, ...] = (),
) -> IncomingExample:
    """Create the example with the input, output and metadata in *buckets*.

    Raises `Invalid` for a bucket deeper than *max_depth*, `ValueError` for NaN, infinity and lone
    surrogates.
    """
    input_, output, metadata = buckets
    content = {"input": input_, "output": output, "metadata": metadata}
    canonical_content = canonical_json(content)
    # A text with few brackets cannot be deep, so most examples need no walk.
    brackets = canonical_content.count("{") + canonical_content.count("[")
    if brackets > max_depth + 1 and is_deeper(content, max_depth + 1):
        raise Invalid(f"nested deeper than {max_depth} levels")
    # Hash first: encoding as UTF-8 raises an error for lone surrogates.
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


def parse_node_id(external_id: str | None) -> int | None:
    """Return the example id when *external_id* is the GlobalID of an example, otherwise None."""
    return decode_as(NODE_TYPE, external_id) if external_id else None


def content_length(example: IncomingExample | StoredExample) -> int:
    """Return the length of input, output and metadata of *example* as JSON, in characters."""
    return len(example.input_json) + len(example.output_json) + len(example.metadata_json)
