"""Route `POST /v1/datasets/upload`."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from pydantic import Field

from phoenix_web.api.declaring import declares
from phoenix_web.api.payloads import Payload, respond
from phoenix_web.datasets import file_upload
from phoenix_web.datasets.examples import UploadAction
from phoenix_web.datasets.file_upload import ARROW, CSV, JSONL
from phoenix_web.datasets.formats import json as json_upload
from phoenix_web.errors import BadRequest, Invalid
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.uploads.uploads import UploadStore
from phoenix_web.web import multipart
from phoenix_web.web.guard import current_principal, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from phoenix_web.datasets.examples import Upload
    from phoenix_web.store.datasets.uploads.uploads import UploadResult

routes = Blueprint("uploads", __name__)


class UploadDatasetQuery(Payload):
    """The mode of the upload; this server always waits for the result."""

    sync: bool = False


class UploadDatasetRequestBody(Payload):
    """A dataset with its examples in parallel lists."""

    name: str
    description: str | None = None
    action: str | None = UploadAction.CREATE
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]] | None = None
    metadata: list[dict[str, Any]] | None = None
    splits: list[str | list[str | None] | None] | None = None
    span_ids: list[str | None] | None = None
    example_ids: list[str | None] | None = None


class UploadDatasetForm(Payload):
    """A dataset as a file of examples, with the columns of each part of an example."""

    name: str
    description: str = Field("", description="By default the name of the file")
    action: UploadAction = UploadAction.CREATE
    input_keys: list[str] = Field([], alias="input_keys[]")
    output_keys: list[str] = Field([], alias="output_keys[]")
    metadata_keys: list[str] = Field([], alias="metadata_keys[]")
    split_key: str = Field("", description="The column with the names of all splits")
    split_keys: list[str] = Field(
        [], alias="split_keys[]", description="Columns with one split each, not with split_key"
    )
    span_id_key: str = ""
    example_id_key: str = ""
    flatten_keys: list[str] = Field(
        [], alias="flatten_keys[]", description="Columns whose objects are spread (CSV, JSONL)"
    )
    file: bytes = Field(
        description=(
            f"A file of the type {CSV}, {JSONL} or {ARROW}, as its own Content-Type says; the "
            "first two may come with the Content-Encoding gzip or deflate"
        )
    )


class UploadDatasetData(Payload):
    """The result of the upload."""

    dataset_id: str
    version_id: str
    num_created_examples: int
    num_updated_examples: int
    num_deleted_examples: int


class UploadDatasetResponseBody(Payload):
    """The result of the upload."""

    data: UploadDatasetData


@routes.post("/upload")
@requires(Permission.DATASET_WRITE)
@declares(
    UploadDatasetResponseBody,
    own_body=UploadDatasetRequestBody,
    own_form=UploadDatasetForm,
    errors=[
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ],
)
def upload_dataset(query: UploadDatasetQuery) -> Response:
    """Upload a dataset.

    The body is read, validated and hashed before the transaction starts, because SQLite allows no
    other write transaction in the meantime.
    """
    del query  # Uploads are always synchronous, as the clients of the contract expect.
    user = current_principal().user
    upload = _read_upload()
    with closing(upload.examples), services().database.transaction() as session:
        result = UploadStore(session, user.id if user else None).store(upload)
    return respond(_to_payload(result))


def _read_upload() -> Upload:
    """Read the upload from the body by content type, with checks in the order of the contract."""
    content_type = request.headers.get("Content-Type")
    if not content_type:
        raise BadRequest("Missing content-type header")
    limits = services().upload_limits
    request.max_content_length = limits.max_bytes
    if content_type.startswith("multipart/form-data"):
        with closing(multipart.read(request.stream, content_type)) as form:
            return file_upload.read(form, limits)
    if not content_type.startswith("application/json"):
        raise Invalid("Invalid request Content-Type")
    return json_upload.read(request.get_data(cache=False), limits)


def _to_payload(result: UploadResult) -> UploadDatasetResponseBody:
    return UploadDatasetResponseBody(
        data=UploadDatasetData(
            dataset_id=encode("Dataset", result.dataset_id),
            version_id=encode("DatasetVersion", result.version_id),
            num_created_examples=result.created,
            num_updated_examples=result.updated,
            num_deleted_examples=result.deleted,
        )
    )
