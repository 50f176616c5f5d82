"""Downloads of datasets as CSV, JSON lines and in the formats of OpenAI."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from flask import Blueprint, Response

from phoenix_web.api.datasets.examples import find_version
from phoenix_web.api.declaring import declares
from phoenix_web.api.identifiers import require_id
from phoenix_web.api.payloads import Payload
from phoenix_web.datasets.downloads import Csv, jsonl, openai_evals, openai_ft
from phoenix_web.errors import NotFound
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.datasets import DatasetStore
from phoenix_web.store.datasets.examples import ExampleStore, batches
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services
from phoenix_web.web.streams import stream_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phoenix_web.store.database import Database

routes = Blueprint("downloads", __name__)

#: Characters of the name in the header, because names can be longer than a header allows.
_MAX_FILE_NAME: Final = 200
_LINES: Final = "text/plain; charset=utf-8"


class DownloadQuery(Payload):
    """The version to download, by default the latest."""

    version_id: str = ""


class DownloadCsvQuery(DownloadQuery):
    """The version to download, and whether to escape text that spreadsheets run as formulas."""

    safe: bool = False


@routes.get("/<dataset_id>/csv")
@requires(Permission.DATASET_READ)
@declares(status=HTTPStatus.OK)
def download_csv(dataset_id: str, query: DownloadCsvQuery) -> Response:
    """Download a dataset as CSV.

    The response starts after all examples are read, because the header needs all columns.
    """
    number, version, name = _find(dataset_id, query.version_id)
    database = services().database
    parts = _csv_parts(database, number, version, is_safe=query.safe)
    return stream_response(parts, "text/csv", _headers(name, "csv"))


@routes.get("/<dataset_id>/jsonl")
@requires(Permission.DATASET_READ)
@declares(status=HTTPStatus.OK)
def download_jsonl(dataset_id: str, query: DownloadQuery) -> Response:
    """Download a dataset as JSON lines."""
    return _lines(dataset_id, query, jsonl)


@routes.get("/<dataset_id>/jsonl/openai_ft")
@requires(Permission.DATASET_READ)
@declares(status=HTTPStatus.OK)
def download_openai_ft(dataset_id: str, query: DownloadQuery) -> Response:
    """Download a dataset in the OpenAI fine-tuning format."""
    return _lines(dataset_id, query, openai_ft)


@routes.get("/<dataset_id>/jsonl/openai_evals")
@requires(Permission.DATASET_READ)
@declares(status=HTTPStatus.OK)
def download_openai_evals(dataset_id: str, query: DownloadQuery) -> Response:
    """Download a dataset in the OpenAI evals format."""
    return _lines(dataset_id, query, openai_evals)


def _find(dataset_id: str, version_id: str) -> tuple[int, int, str]:
    """Return the ids of the dataset and the version, and the name of the dataset."""
    number = require_id("Dataset", dataset_id, "Invalid dataset ID format")
    version = None
    if version_id:
        version = require_id("DatasetVersion", version_id, "Invalid dataset version ID format")
    with services().database.reading() as session:
        dataset = DatasetStore(session).find(number)
        if dataset is None:
            raise NotFound("Dataset does not exist.")
        return number, find_version(session, number, version), dataset.name


def _csv_parts(
    database: Database, dataset_id: int, version_id: int, *, is_safe: bool
) -> Iterator[str]:
    with database.reading() as session:
        has_splits = ExampleStore(session, dataset_id, version_id).has_splits()
    with closing(Csv(is_safe=is_safe, has_splits=has_splits)) as csv:
        for batch in batches(database, dataset_id, version_id):
            csv.add(batch.examples, batch.splits)
        yield from csv.parts()


def _lines(dataset_id: str, query: DownloadQuery, encode: Callable[..., str]) -> Response:
    number, version, name = _find(dataset_id, query.version_id)
    read = batches(services().database, number, version)
    parts = (encode(batch.examples, batch.splits) for batch in read)
    return stream_response(parts, _LINES, _headers(name, "jsonl"))


def _headers(name: str, suffix: str) -> dict[str, str]:
    # Percent-encoded, so that no character of the name can break the header.
    file_name = f"{quote(name[:_MAX_FILE_NAME])}.{suffix}"
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{file_name}"}
