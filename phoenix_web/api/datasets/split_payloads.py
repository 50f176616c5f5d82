"""What the routes of splits read and answer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from phoenix_web.api.paging import MAX_PAGE, CursorQuery
from phoenix_web.api.payloads import Moment, Payload, Text, storable


def _storable_value(value: Any) -> Any:
    """Return the JSON *value* when every database can store it, else raise `ValueError`."""
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
    """A split as the dataset of the path sees it."""

    id: str
    name: str
    description: str | None
    color: str
    metadata: dict[str, Any]
    example_count: int
    created_at: Moment
    updated_at: Moment


class DatasetSplitResponseBody(Payload):
    """One split."""

    data: DatasetSplit


class ListDatasetSplitsResponseBody(Payload):
    """A page of splits, newest first; `next_cursor` names the first one of the next page."""

    data: list[DatasetSplit]
    next_cursor: str | None


class ListDatasetSplitsQuery(CursorQuery):
    """Which page of splits."""

    limit: int = Field(10, gt=0, le=MAX_PAGE)


class CreateDatasetSplitRequestBody(Payload):
    """A split to create, and its first members by the ids of examples of either kind."""

    name: Text
    description: Text | None = None
    color: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    example_ids: list[Text] = Field(default_factory=list)


class UpdateDatasetSplitRequestBody(Payload):
    """What to change; what is left out stays, and a null clears the description alone."""

    name: Text | None = None
    description: Text | None = None
    color: Text | None = None
    metadata: Metadata | None = None
    add_example_ids: list[Text] = Field(default_factory=list)
    remove_example_ids: list[Text] = Field(default_factory=list)
