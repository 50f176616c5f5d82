"""Routes under `/v1/datasets/{identifier}/splits`."""

from __future__ import annotations

import json
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response

from phoenix_web.api.datasets.datasets import find_dataset_id
from phoenix_web.api.datasets.split_payloads import (
    CreateDatasetSplitRequestBody,
    DatasetSplit,
    DatasetSplitResponseBody,
    ListDatasetSplitsQuery,
    ListDatasetSplitsResponseBody,
    UpdateDatasetSplitRequestBody,
)
from phoenix_web.api.declaring import declares
from phoenix_web.api.identifiers import require_id
from phoenix_web.api.paging import MAX_DATASET_CURSOR, respond_page
from phoenix_web.api.payloads import no_content, respond
from phoenix_web.datasets.examples import NODE_TYPE
from phoenix_web.errors import Invalid, NotFound
from phoenix_web.global_ids import decode_as, encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.splits import SplitStore
from phoenix_web.web.guard import current_principal, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phoenix_web.store.datasets.splits import SplitInfo

routes = Blueprint("dataset_splits", __name__, url_prefix="/v1/datasets")

_COLOR: Final = "#33c5e8"
_ERRORS: Final = [HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY]


@routes.get("/<identifier>/splits")
@requires(Permission.DATASET_READ)
@declares(ListDatasetSplitsResponseBody)
def list_splits(identifier: str, query: ListDatasetSplitsQuery) -> Response:
    """List the splits of a dataset.

    These are the splits with members in the dataset.
    """
    cursor = query.first_id("DatasetSplit", highest=MAX_DATASET_CURSOR)
    with services().database.reading() as session:
        store = SplitStore(session, find_dataset_id(session, identifier))
        page = store.page(query.limit, cursor)
    return respond_page(ListDatasetSplitsResponseBody, "DatasetSplit", page, _to_payload)


@routes.post("/<identifier>/splits")
@requires(Permission.DATASET_WRITE)
@declares(DatasetSplitResponseBody, HTTPStatus.CREATED, has_large_body=True, errors=_ERRORS)
def create_split(identifier: str, body: CreateDatasetSplitRequestBody) -> Response:
    """Create a split."""
    name = _require_text("name", body.name)
    color = _COLOR if body.color is None else _require_text("color", body.color)
    user = current_principal().user
    with services().database.transaction() as session:
        store = SplitStore(session, find_dataset_id(session, identifier, locks=True))
        (members,) = _find_examples(store, body.example_ids)
        split_id = store.add(
            user.id if user else None,
            name=name,
            description=body.description or None,
            color=color,
            metadata=body.metadata,
        )
        store.add_members(split_id, members)
        split = _find_split(store, split_id)
    return respond(DatasetSplitResponseBody(data=_to_payload(split)), HTTPStatus.CREATED)


@routes.patch("/<identifier>/splits/<split_id>")
@requires(Permission.DATASET_WRITE)
@declares(DatasetSplitResponseBody, has_large_body=True, errors=_ERRORS)
def update_split(identifier: str, split_id: str, body: UpdateDatasetSplitRequestBody) -> Response:
    """Update a split.

    Members in other datasets are unchanged.
    """
    fields = _fields(body)
    number = _number(split_id)
    with services().database.transaction() as session:
        store = SplitStore(session, find_dataset_id(session, identifier, locks=True))
        split = _find_split(store, number)
        added, removed = _find_examples(store, body.add_example_ids, body.remove_example_ids)
        # Compared as JSON, because 1 and True are equal in Python.
        changes = {
            field: value
            for field, value in fields.items()
            if json.dumps(value) != json.dumps(getattr(split, field))
        }
        if changes:
            store.change(number, **changes)
        store.add_members(number, set(added) - set(removed))
        store.remove_members(number, removed)
        split = _find_split(store, number)
    return respond(DatasetSplitResponseBody(data=_to_payload(split)))


@routes.delete("/<identifier>/splits/<split_id>")
@requires(Permission.DATASET_WRITE)
@declares(errors=[HTTPStatus.UNPROCESSABLE_ENTITY])
def delete_split(identifier: str, split_id: str) -> Response:
    """Delete a split from all datasets.

    Its examples are not deleted.
    """
    number = _number(split_id)
    with services().database.transaction() as session:
        store = SplitStore(session, find_dataset_id(session, identifier, locks=True))
        if not store.delete(number):
            raise _not_found(number)
    return no_content()


def _require_text(field: str, text: str | None) -> str:
    """Return *text*, trimmed if it is a name; raise `Invalid` for blank text."""
    if text is None or not text.strip():
        raise Invalid(f"Dataset split {field} cannot be empty")
    return text.strip() if field == "name" else text


def _fields(body: UpdateDatasetSplitRequestBody) -> dict[str, Any]:
    """Return the new values of the columns in *body*."""
    fields = body.model_dump(
        exclude_unset=True, include={"name", "description", "color", "metadata"}
    )
    for field in fields.keys() & {"name", "color"}:
        fields[field] = _require_text(field, fields[field])
    if "description" in fields:
        fields["description"] = fields["description"] or None
    if fields.get("metadata", {}) is None:
        del fields["metadata"]
    return fields


def _find_examples(store: SplitStore, *lists: Sequence[str]) -> list[list[int]]:
    """Return the ids of the examples in each of *lists*; raise `NotFound` for unknown ones."""
    keys: dict[str, str | int] = {}
    for text in chain(*lists):
        number = decode_as(NODE_TYPE, text)
        keys[text] = text if number is None else number
    numbers = store.example_ids(list(keys.values()))
    unknown = [text for text, key in keys.items() if key not in numbers]
    if unknown:
        raise NotFound(f"Dataset examples not found in this dataset: {', '.join(unknown)}")
    return [[numbers[keys[text]] for text in texts] for texts in lists]


def _number(split_id: str) -> int:
    return require_id("DatasetSplit", split_id, "Invalid dataset split ID")


def _find_split(store: SplitStore, number: int) -> SplitInfo:
    split = store.find(number)
    if split is None:
        raise _not_found(number)
    return split


def _not_found(number: int) -> NotFound:
    return NotFound(f"Dataset split with ID {encode('DatasetSplit', number)} not found")


def _to_payload(split: SplitInfo) -> DatasetSplit:
    return DatasetSplit(
        id=encode("DatasetSplit", split.id),
        name=split.name,
        description=split.description,
        color=split.color,
        metadata=split.metadata,
        example_count=split.example_count,
        created_at=split.created_at,
        updated_at=split.updated_at,
    )
