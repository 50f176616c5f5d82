"""Routes under `/v1/dataset_labels`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from flask import Blueprint, Response
from pydantic import AfterValidator, Field

from phoenix_web.api.declaring import declares
from phoenix_web.api.identifiers import require_id
from phoenix_web.api.paging import AnyLimit, PageQuery, respond_page
from phoenix_web.api.payloads import Payload, Text, no_content, respond, storable
from phoenix_web.errors import Invalid, NotFound
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.labels import LabelStore
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from phoenix_web.store.datasets.labels import LabelInfo

routes = Blueprint("labels", __name__, url_prefix="/dataset_labels")

UNKNOWN = "Dataset label not found"

Name = Annotated[str, Field(min_length=1), AfterValidator(storable)]
Color = Annotated[str, Field(pattern="^#([0-9a-f]{6})$")]


class DatasetLabel(Payload):
    """A label for datasets."""

    id: str
    name: str
    description: str | None
    color: str


class DatasetLabelResponseBody(Payload):
    """A label."""

    data: DatasetLabel


class ListDatasetLabelsResponseBody(Payload):
    """A page of labels, newest first; `next_cursor` is the first id of the next page."""

    data: list[DatasetLabel]
    next_cursor: str | None


class ListDatasetLabelsQuery(PageQuery):
    """Pagination of labels."""

    limit: AnyLimit = 100


class CreateDatasetLabelRequestBody(Payload):
    """A label to create."""

    name: Name
    color: Color
    description: Text | None = None


class UpdateDatasetLabelRequestBody(Payload):
    """Fields to update; null clears the description and is ignored for other fields."""

    name: Name | None = None
    color: Color | None = None
    description: Text | None = None


@routes.get("")
@requires(Permission.DATASET_READ)
@declares(ListDatasetLabelsResponseBody)
def list_dataset_labels(query: ListDatasetLabelsQuery) -> Response:
    """List dataset labels."""
    cursor = query.first_id("DatasetLabel", "Invalid cursor")
    with services().database.reading() as session:
        page = LabelStore(session).page(query.limit, cursor)
    return respond_page(ListDatasetLabelsResponseBody, "DatasetLabel", page, to_payload)


@routes.post("")
@requires(Permission.DATASET_WRITE)
@declares(DatasetLabelResponseBody, HTTPStatus.CREATED, errors=[HTTPStatus.CONFLICT])
def create_dataset_label(body: CreateDatasetLabelRequestBody) -> Response:
    """Create a dataset label."""
    with services().database.transaction() as session:
        label = LabelStore(session).add(
            name=body.name, color=body.color, description=body.description
        )
    return respond(DatasetLabelResponseBody(data=to_payload(label)), HTTPStatus.CREATED)


@routes.get("/<label_id>")
@requires(Permission.DATASET_READ)
@declares(DatasetLabelResponseBody, errors=[HTTPStatus.UNPROCESSABLE_ENTITY])
def get_dataset_label(label_id: str) -> Response:
    """Get a dataset label."""
    number = label_number(label_id)
    with services().database.reading() as session:
        label = LabelStore(session).find(number)
    if label is None:
        raise NotFound(UNKNOWN)
    return respond(DatasetLabelResponseBody(data=to_payload(label)))


@routes.patch("/<label_id>")
@requires(Permission.DATASET_WRITE)
@declares(DatasetLabelResponseBody, errors=[HTTPStatus.CONFLICT])
def update_dataset_label(label_id: str, body: UpdateDatasetLabelRequestBody) -> Response:
    """Update a dataset label."""
    number = label_number(label_id)
    fields: dict[str, Any] = {
        field: value
        for field, value in body.model_dump(exclude_unset=True).items()
        if value is not None or field == "description"
    }
    if not fields:
        raise Invalid("No fields to update")
    with services().database.transaction() as session:
        label = LabelStore(session).change(number, **fields)
    if label is None:
        raise NotFound(UNKNOWN)
    return respond(DatasetLabelResponseBody(data=to_payload(label)))


@routes.delete("/<label_id>")
@requires(Permission.DATASET_WRITE)
@declares(errors=[HTTPStatus.UNPROCESSABLE_ENTITY])
def delete_dataset_label(label_id: str) -> Response:
    """Delete a dataset label and its assignments."""
    number = label_number(label_id)
    with services().database.transaction() as session:
        is_deleted = LabelStore(session).delete(number)
    if not is_deleted:
        raise NotFound(UNKNOWN)
    return no_content()


def label_number(label_id: str) -> int:
    """Decode the GlobalID of a label to its row id; raise `Invalid` for other text."""
    return require_id("DatasetLabel", label_id, "Invalid dataset label ID")


def to_payload(label: LabelInfo) -> DatasetLabel:
    """Return the payload for *label*."""
    return DatasetLabel(
        id=encode("DatasetLabel", label.id),
        name=label.name,
        description=label.description,
        color=label.color,
    )
