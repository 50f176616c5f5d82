"""The list of datasets."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, render_template, request

from phoenix_web.errors import NotFound
from phoenix_web.global_ids import encode, number_of
from phoenix_web.guard import requires
from phoenix_web.policy import Permission
from phoenix_web.services import services
from phoenix_web.store.datasets.datasets import DatasetStore
from phoenix_web.ui import links
from phoenix_web.ui.snippets import upload_example

routes = Blueprint("datasets", __name__)
_PAGE_SIZE: Final = 25


@routes.get("/datasets")
@requires(Permission.DATASET_READ)
def index() -> str:
    """Show a page of datasets, all or the one with exactly the name `name`."""
    wanted = request.args.get("name", "")
    cursor_text = request.args.get("cursor", "")
    cursor = number_of("Dataset", cursor_text) if cursor_text else None
    if cursor_text and cursor is None:
        raise NotFound("There is no such page of datasets.")
    with services().database.reading() as session:
        datasets, next_id = DatasetStore(session).page(_PAGE_SIZE, cursor, wanted or None)
    return render_template(
        "datasets.html",
        datasets=[(encode("Dataset", dataset.id), dataset) for dataset in datasets],
        next_cursor=None if next_id is None else encode("Dataset", next_id),
        is_first=cursor is None,
        name=wanted,
        example=upload_example(links.server_url()),
    )
