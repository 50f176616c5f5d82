"""Routes `/v1/datasets` and `/v1/datasets/{id}`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from phoenix_web.api.declaring import declares
from phoenix_web.api.identifiers import require_id
from phoenix_web.api.paging import MAX_DATASET_CURSOR, AnyLimit, CursorQuery, respond_page
from phoenix_web.api.payloads import Payload, Timestamp, no_content, respond
from phoenix_web.errors import Invalid, NotFound
from phoenix_web.global_ids import decode, decode_as, encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.datasets import DatasetStore
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.store.datasets.datasets import DatasetInfo

routes = Blueprint("datasets", __name__)


class Dataset(Payload):
    """A dataset without its examples."""

    id: str
    name: str
    description: str | None
    metadata: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp
    example_count: int


class GetDatasetResponseBody(Payload):
    """A dataset."""

    data: Dataset


class ListDatasetsResponseBody(Payload):
    """A page of datasets, newest first; `next_cursor` is the first id of the next page."""

    data: list[Dataset]
    next_cursor: str | None


class ListDatasetsQuery(CursorQuery):
    """Pagination and an optional filter by exact name."""

    name: str = ""
    limit: AnyLimit = 10


@routes.get("")
@requires(Permission.DATASET_READ)
@declares(ListDatasetsResponseBody)
def list_datasets(query: ListDatasetsQuery) -> Response:
    """List datasets."""
    cursor = query.first_id("Dataset", highest=MAX_DATASET_CURSOR)
    with services().database.reading() as session:
        page = DatasetStore(session).page(query.limit, cursor, query.name or None)
    return respond_page(ListDatasetsResponseBody, "Dataset", page, _to_payload)


@routes.get("/<dataset_id>")
@requires(Permission.DATASET_READ)
@declares(GetDatasetResponseBody, errors=[HTTPStatus.UNPROCESSABLE_ENTITY])
def get_dataset(dataset_id: str) -> Response:
    """Get a dataset."""
    decoded = decode(dataset_id)
    if decoded is None:
        raise Invalid(f"Invalid dataset ID format: {dataset_id}")
    kind, number = decoded
    if kind != "Dataset":
        # The stray "f" is part of the contract.
        raise NotFound(f"ID {dataset_id} refers to a f{kind}")
    with services().database.reading() as session:
        dataset = DatasetStore(session).find(number)
    if dataset is None:
        raise NotFound(f"Dataset with ID {dataset_id} not found")
    return respond(GetDatasetResponseBody(data=_to_payload(dataset)))


@routes.delete("/<dataset_id>")
@requires(Permission.DATASET_WRITE)
@declares(errors=[HTTPStatus.UNPROCESSABLE_ENTITY])
def delete_dataset(dataset_id: str) -> Response:
    """Delete a dataset and its versions.

    Splits and labels are not deleted.
    """
    number = require_id("Dataset", dataset_id, "Invalid Dataset ID")
    with services().database.transaction() as session:
        if not DatasetStore(session).delete(number):
            raise NotFound("Dataset does not exist")
    return no_content()


def find_dataset_id(session: Session, identifier: str, *, locks: bool = False) -> int:
    """Find the id of a dataset by GlobalID or name; raise `NotFound` if it does not exist.

    With *locks*, the dataset cannot be deleted before the transaction ends.
    """
    number = decode_as("Dataset", identifier)
    key = identifier if number is None else number
    dataset_id = DatasetStore(session).find_id(key, locks=locks)
    if dataset_id is None:
        kind = "name" if number is None else "ID"
        raise NotFound(f"Dataset with {kind} {identifier} not found")
    return dataset_id


def _to_payload(dataset: DatasetInfo) -> Dataset:
    return Dataset(
        id=encode("Dataset", dataset.id),
        name=dataset.name,
        description=dataset.description,
        metadata=dataset.metadata,
        created_at=dataset.created_at,
        updated_at=dataset.updated_at,
        example_count=dataset.example_count,
    )
