"""`POST /v1/datasets/upload`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from phoenix_web.api.datasets.upload_payloads import (
    UploadDatasetData,
    UploadDatasetForm,
    UploadDatasetQuery,
    UploadDatasetRequestBody,
    UploadDatasetResponseBody,
)
from phoenix_web.api.declaring import declares
from phoenix_web.api.payloads import respond
from phoenix_web.datasets import file_upload
from phoenix_web.datasets.file_upload import Limits
from phoenix_web.datasets.formats import json as json_upload
from phoenix_web.errors import BadRequest, Invalid, PayloadTooLarge
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.uploads import UploadStore
from phoenix_web.web import multipart
from phoenix_web.web.guard import current_principal, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from phoenix_web.datasets.examples import Upload
    from phoenix_web.store.datasets.uploads import UploadResult

routes = Blueprint("uploads", __name__)


@routes.post("/upload")
@requires(Permission.DATASET_WRITE)
@declares(
    UploadDatasetResponseBody,
    own_body=UploadDatasetRequestBody,
    own_form=UploadDatasetForm,
    refusals=[
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ],
)
def upload_dataset(query: UploadDatasetQuery) -> Response:
    """Upload a dataset.

    The body is read, checked and hashed before the transaction opens: while one upload writes,
    no other write can start.
    """
    del query  # A result that comes later could only be lost; the contract's clients wait for it.
    user = current_principal().user
    upload = _read_upload()
    with upload.examples, services().database.transaction() as session:
        result = UploadStore(session, user.id if user else None).store(upload)
    return respond(_uploaded(result))


def _read_upload() -> Upload:
    """Return the upload in the body, as its content type says; see the contract for the order."""
    content_type = request.headers.get("Content-Type")
    if not content_type:
        raise BadRequest("Missing content-type header")
    settings = services().settings
    request.max_content_length = settings.max_upload_bytes
    if content_type.startswith("multipart/form-data"):
        limits = Limits(
            settings.max_upload_bytes,
            settings.max_upload_rows,
            settings.max_row_bytes,
            settings.max_json_depth,
        )
        with multipart.read(request.stream, content_type) as form:
            return file_upload.read(form, limits)
    if not content_type.startswith("application/json"):
        raise Invalid("Invalid request Content-Type")
    upload = json_upload.read(request.get_data(cache=False), settings.max_json_depth)
    if len(upload.examples) > settings.max_upload_rows:
        upload.examples.close()
        raise PayloadTooLarge(f"The upload has more than {settings.max_upload_rows} examples")
    return upload


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
