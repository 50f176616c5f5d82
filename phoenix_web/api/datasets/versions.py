"""`GET /v1/datasets/{id}/versions`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from pydantic import Field

from phoenix_web.api.datasets.datasets import MAX_CURSOR, MAX_PAGE
from phoenix_web.api.declaring import declares
from phoenix_web.api.paging import cursor_in, respond_page
from phoenix_web.api.payloads import Moment, Payload
from phoenix_web.errors import Invalid, NotFound
from phoenix_web.global_ids import MAX_ID, encode, number_of
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.existing import existing_id
from phoenix_web.store.datasets.versions import VersionInfo, VersionStore
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

routes = Blueprint("versions", __name__)


class DatasetVersion(Payload):
    """A version, without its examples."""

    version_id: str
    description: str | None
    metadata: dict[str, Any]
    created_at: Moment


class ListDatasetVersionsResponseBody(Payload):
    """A page of versions, newest first; `next_cursor` names the first one of the next page."""

    data: list[DatasetVersion]
    next_cursor: str | None


class ListDatasetVersionsQuery(Payload):
    """Which page of versions."""

    cursor: str = ""
    limit: int = Field(10, gt=0, le=MAX_ID)


@routes.get("/<dataset_id>/versions")
@requires(Permission.DATASET_READ)
@declares(ListDatasetVersionsResponseBody)
def list_dataset_versions(dataset_id: str, query: ListDatasetVersionsQuery) -> Response:
    """List the versions of a dataset."""
    number = number_of("Dataset", dataset_id)
    if number is None:
        raise Invalid(f"Invalid Dataset ID: {dataset_id}")
    cursor = cursor_in(query.cursor, "DatasetVersion", MAX_CURSOR)
    with services().database.reading() as session:
        page = VersionStore(session, number).page(min(query.limit, MAX_PAGE), cursor)
        if not page.items and existing_id(session, number) is None:
            raise NotFound("Dataset does not exist")
    return respond_page(ListDatasetVersionsResponseBody, "DatasetVersion", page, _to_payload)


def _to_payload(version: VersionInfo) -> DatasetVersion:
    return DatasetVersion(
        version_id=encode("DatasetVersion", version.id),
        description=version.description,
        metadata=version.metadata,
        created_at=version.created_at,
    )
