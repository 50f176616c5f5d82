"""What is done with a dataset from its page: downloading it, and deleting it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from phoenix_web.errors import NotFound
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.datasets import DatasetStore
from phoenix_web.ui import htmx, links
from phoenix_web.ui.datasets.dataset_page import find_dataset
from phoenix_web.ui.filters import require_id
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

routes = Blueprint("actions", __name__, url_prefix="/<dataset_id>")
#: The name in the address, the API's route, and what its query must say.
_FORMATS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "csv": ("csv", {}),
    "csv-for-spreadsheets": ("csv", {"safe": "true"}),
    "jsonl": ("jsonl", {}),
    "openai-fine-tuning": ("jsonl/openai_ft", {}),
    "openai-evals": ("jsonl/openai_evals", {}),
}


@routes.get("/download/<name>")
@requires(Permission.DATASET_READ)
def download(dataset_id: str, name: str) -> Response:
    """Lead to the download of the API.

    The page links here because this door renews an access token that has run out; the API
    would refuse it.
    """
    if name not in _FORMATS:
        raise NotFound("This download does not exist.")
    with services().database.reading() as session:
        find_dataset(session, dataset_id)
    path, query = _FORMATS[name]
    version = request.args.get("version")
    query = {**query, **({"version_id": version} if version else {})}
    url = f"{links.root_path()}/v1/datasets/{dataset_id}/{path}"
    return htmx.redirect(f"{url}?{urlencode(query)}" if query else url)


@routes.post("/delete")
@requires(Permission.DATASET_WRITE)
def delete(dataset_id: str) -> Response:
    """Delete the dataset with all its versions; raise `NotFound` when there is no such one."""
    number = require_id("Dataset", dataset_id)
    with services().database.transaction() as session:
        if not DatasetStore(session).delete(number):
            raise NotFound("This dataset does not exist. It may already have been deleted.")
    return htmx.redirect(links.url_for("ui.datasets.index", deleted="yes"))
