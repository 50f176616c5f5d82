"""Route `GET /v1/datasets/{id}/versions`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from phoenix_web.api.declaring import declares
from phoenix_web.api.identifiers import require_id
from phoenix_web.api.paging import MAX_DATASET_CURSOR, AnyLimit, CursorQuery, respond_page
from phoenix_web.api.payloads import Payload, Timestamp
from phoenix_web.errors import NotFound
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.datasets import DatasetStore
from phoenix_web.store.datasets.versions import VersionInfo, VersionStore
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

routes = Blueprint("versions", __name__)


class DatasetVersion(Payload):
    """A version without its examples."""

    version_id: str
    description: str | None
    metadata: dict[str, Any]
    created_at: Timestamp


class ListDatasetVersionsResponseBody(Payload):
    """A page of versions, newest first; `next_cursor` is the first id of the next page."""

    data: list[DatasetVersion]
    next_cursor: str | None


class ListDatasetVersionsQuery(CursorQuery):
    """Pagination of versions."""

    limit: AnyLimit = 10


@routes.get("/<dataset_id>/versions")
@requires(Permission.DATASET_READ)
@declares(ListDatasetVersionsResponseBody)
def list_dataset_versions(dataset_id: str, query: ListDatasetVersionsQuery) -> Response:
    """List the versions of a dataset."""
    number = require_id("Dataset", dataset_id, "Invalid Dataset ID")
    cursor = query.first_id("DatasetVersion", highest=MAX_DATASET_CURSOR)
    with services().database.reading() as session:
        page = VersionStore(session, number).page(query.limit, cursor)
        if not page.items and DatasetStore(session).find_id(number) is None:
            raise NotFound("Dataset does not exist")
    return respond_page(ListDatasetVersionsResponseBody, "DatasetVersion", page, _to_payload)


def _to_payload(version: VersionInfo) -> DatasetVersion:
    return DatasetVersion(
        version_id=encode("DatasetVersion", version.id),
        description=version.description,
        metadata=version.metadata,
        created_at=version.created_at,
    )
