"""The list of datasets."""

from __future__ import annotations

from typing import Final

from flask import render_template, request

from phoenix_web.errors import NotFound
from phoenix_web.global_ids import encode, number_of
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.datasets import DatasetOrder, DatasetStore
from phoenix_web.store.datasets.pages import labels_of
from phoenix_web.ui import links
from phoenix_web.ui.datasets.snippets import first_dataset
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

_PAGE_SIZE: Final = 25
#: So much of a search is looked for; SQLite refuses much longer patterns.
_MAX_SEARCH: Final = 256


@requires(Permission.DATASET_READ)
def index() -> str:
    """Show a page of datasets: all, or those that have `name` in their name."""
    # No name has this character, and PostgreSQL takes no text with it.
    wanted = request.args.get("name", "").replace("\x00", "").strip()[:_MAX_SEARCH]
    order = (
        DatasetOrder.NAME if request.args.get("sort") == DatasetOrder.NAME else DatasetOrder.NEWEST
    )
    cursor_text = request.args.get("cursor", "")
    cursor = number_of("Dataset", cursor_text) if cursor_text else None
    if cursor_text and cursor is None:
        raise NotFound("There is no such page of datasets.")
    with services().database.reading() as session:
        store = DatasetStore(session)
        page = store.page(_PAGE_SIZE, cursor, name_contains=wanted or None, order=order)
        count = store.count(wanted or None)
        labels = labels_of(session, [dataset.id for dataset in page.items])
    return render_template(
        "datasets/list.html",
        rows=[
            (encode("Dataset", dataset.id), dataset, labels.get(dataset.id, []))
            for dataset in page.items
        ],
        count=count,
        next_cursor=page.next_cursor("Dataset"),
        is_first=cursor is None,
        name=wanted,
        order=order,
        is_deleted="deleted" in request.args,
        example=first_dataset(links.server_url()),
    )
