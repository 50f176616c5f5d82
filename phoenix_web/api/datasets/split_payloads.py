"""Requests and responses of the routes for splits."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from phoenix_web.api.paging import MAX_PAGE, CursorQuery
from phoenix_web.api.payloads import Payload, Text, Timestamp, storable


def _storable_value(value: Any) -> Any:
    """Return the JSON *value*; raise `ValueError` if a database cannot store a string in it."""
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            storable(key)
            _storable_value(inner)
    elif isinstance(value, list):
        for inner in value:
            _storable_value(inner)
    return value


Metadata = Annotated[dict[str, Any], AfterValidator(_storable_value)]


class DatasetSplit(Payload):
    """A split with its number of examples in the dataset."""

    id: str
    name: str
    description: str | None
    color: str
    metadata: dict[str, Any]
    example_count: int
    created_at: Timestamp
    updated_at: Timestamp


class DatasetSplitResponseBody(Payload):
    """A split."""

    data: DatasetSplit


class ListDatasetSplitsResponseBody(Payload):
    """A page of splits, newest first; `next_cursor` is the first id of the next page."""

    data: list[DatasetSplit]
    next_cursor: str | None


class ListDatasetSplitsQuery(CursorQuery):
    """Pagination of splits."""

    limit: int = Field(10, gt=0, le=MAX_PAGE)


class CreateDatasetSplitRequestBody(Payload):
    """A split to create, and its examples by `id` or `node_id`."""

    name: Text
    description: Text | None = None
    color: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    example_ids: list[Text] = Field(default_factory=list)


class UpdateDatasetSplitRequestBody(Payload):
    """Fields to update; null clears the description and is ignored for metadata."""

    name: Text | None = None
    description: Text | None = None
    color: Text | None = None
    metadata: Metadata | None = None
    add_example_ids: list[Text] = Field(default_factory=list)
    remove_example_ids: list[Text] = Field(default_factory=list)
