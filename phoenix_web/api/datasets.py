"""`/v1/datasets`: the list, one dataset, and uploads."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, request
from pydantic import Field

from phoenix_web.api.operations import Moment, Operation, Payload, declares, respond
from phoenix_web.datasets import json_upload
from phoenix_web.datasets.examples import node_ids
from phoenix_web.errors import BadRequest, Invalid, NotFound, UnsupportedMediaType
from phoenix_web.global_ids import MAX_ID, decode, encode, number_of
from phoenix_web.guard import current_principal, requires
from phoenix_web.policy import Permission
from phoenix_web.services import services
from phoenix_web.store.dataset_uploads import UploadResult, UploadStore
from phoenix_web.store.datasets import DatasetStore

if TYPE_CHECKING:
    from phoenix_web.datasets.examples import Upload
    from phoenix_web.store.datasets import DatasetInfo

routes = Blueprint("datasets", __name__, url_prefix="/v1/datasets")

#: Rows of the longest page. A client may ask for more; the next cursor leads it to the rest.
MAX_PAGE: Final = 1000
#: The contract's bound for cursors, below the one for ids.
MAX_CURSOR: Final = 2**31 - 1


class Dataset(Payload):
    """A dataset, without its examples."""

    id: str
    name: str
    description: str | None
    metadata: dict[str, Any]
    created_at: Moment
    updated_at: Moment
    example_count: int


class GetDatasetResponseBody(Payload):
    """One dataset."""

    data: Dataset


class ListDatasetsResponseBody(Payload):
    """A page of datasets, newest first; `next_cursor` names the first one of the next page."""

    data: list[Dataset]
    next_cursor: str | None


class ListDatasetsQuery(Payload):
    """Which page of datasets, or the one with a name."""

    cursor: str = ""
    name: str = ""
    limit: int = Field(10, gt=0, le=MAX_ID)


class UploadDatasetQuery(Payload):
    """Whether to wait for the result, which this server always does."""

    sync: bool = False


class UploadDatasetRequestBody(Payload):
    """A dataset with its examples; `json_upload` says what is refused, and with which text."""

    name: str
    description: str | None = None
    action: str | None = json_upload.CREATE
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]] | None = None
    metadata: list[dict[str, Any]] | None = None
    splits: list[str | list[str | None] | None] | None = None
    span_ids: list[str | None] | None = None
    example_ids: list[str | None] | None = None


class UploadDatasetData(Payload):
    """What the upload did."""

    dataset_id: str
    version_id: str
    num_created_examples: int
    num_updated_examples: int
    num_deleted_examples: int


class UploadDatasetResponseBody(Payload):
    """What the upload did."""

    data: UploadDatasetData


@routes.get("")
@requires(Permission.DATASET_READ)
@declares(
    Operation(
        "List datasets",
        "datasets",
        query=ListDatasetsQuery,
        answers={HTTPStatus.OK: ListDatasetsResponseBody},
    )
)
def list_datasets(query: ListDatasetsQuery) -> Response:
    """Answer a page of datasets."""
    cursor = number_of("Dataset", query.cursor) if query.cursor else None
    if query.cursor and (cursor is None or cursor > MAX_CURSOR):
        raise Invalid(f"Invalid cursor format: {query.cursor}")
    with services().database.reading() as session:
        datasets, next_id = DatasetStore(session).page(
            min(query.limit, MAX_PAGE), cursor, query.name or None
        )
    next_cursor = None if next_id is None else encode("Dataset", next_id)
    told = [_told(dataset) for dataset in datasets]
    return respond(ListDatasetsResponseBody(data=told, next_cursor=next_cursor))


@routes.get("/<dataset_id>")
@requires(Permission.DATASET_READ)
@declares(
    Operation(
        "Tell of one dataset",
        "datasets",
        answers={HTTPStatus.OK: GetDatasetResponseBody},
        refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    )
)
def get_dataset(dataset_id: str) -> Response:
    """Answer the dataset, also one that never had an example."""
    decoded = decode(dataset_id)
    if decoded is None:
        raise Invalid(f"Invalid dataset ID format: {dataset_id}")
    kind, number = decoded
    if kind != "Dataset":
        # The letter before the type is the contract's.
        raise NotFound(f"ID {dataset_id} refers to a f{kind}")
    with services().database.reading() as session:
        dataset = DatasetStore(session).find(number)
    if dataset is None:
        raise NotFound(f"Dataset with ID {dataset_id} not found")
    return respond(GetDatasetResponseBody(data=_told(dataset)))


@routes.post("/upload")
@requires(Permission.DATASET_WRITE)
@declares(
    Operation(
        "Upload a dataset",
        "datasets",
        own_body=UploadDatasetRequestBody,
        query=UploadDatasetQuery,
        answers={HTTPStatus.OK: UploadDatasetResponseBody},
        refusals=(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.CONFLICT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ),
    )
)
def upload_dataset(query: UploadDatasetQuery) -> Response:
    """Create the dataset and answer what was stored, with `sync` or without.

    The body is read, checked and hashed before the transaction opens: while one upload writes,
    no other write gets in.
    """
    del query  # A result that comes later could only be lost; the contract's clients wait for it.
    upload = _read_upload()
    unknown = node_ids(upload.examples)
    if unknown:
        listed = ", ".join(f"'{node_id}'" for node_id in unknown)
        raise Invalid(f"No examples found in this dataset with the following IDs: {listed}")
    user = current_principal().user
    with services().database.transaction() as session:
        result = UploadStore(session, user.id if user else None).create(upload)
    return respond(_uploaded(result))


def _read_upload() -> Upload:
    """Return the upload in the body, as its content type says; see the contract for the order."""
    content_type = request.headers.get("Content-Type")
    if not content_type:
        raise BadRequest("Missing content-type header")
    if content_type.startswith("multipart/form-data"):
        raise UnsupportedMediaType("Only JSON uploads are supported yet: send application/json")
    if not content_type.startswith("application/json"):
        raise Invalid("Invalid request Content-Type")
    settings = services().settings
    request.max_content_length = settings.max_upload_bytes
    return json_upload.read(request.get_data(cache=False), settings.max_json_depth)


def _uploaded(result: UploadResult) -> UploadDatasetResponseBody:
    return UploadDatasetResponseBody(
        data=UploadDatasetData(
            dataset_id=encode("Dataset", result.dataset_id),
            version_id=encode("DatasetVersion", result.version_id),
            num_created_examples=result.created,
            num_updated_examples=result.updated,
            num_deleted_examples=result.deleted,
        )
    )


def _told(dataset: DatasetInfo) -> Dataset:
    return Dataset(
        id=encode("Dataset", dataset.id),
        name=dataset.name,
        description=dataset.description,
        metadata=dataset.metadata,
        created_at=dataset.created_at,
        updated_at=dataset.updated_at,
        example_count=dataset.example_count,
    )
