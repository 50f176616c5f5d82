"""List page of datasets."""

from __future__ import annotations

from typing import Final

from flask import render_template, request

from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.datasets import DatasetOrder, DatasetStore
from phoenix_web.ui import filters, links
from phoenix_web.ui.datasets.dataset_page import labels_by_dataset
from phoenix_web.ui.datasets.snippets import first_dataset
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

_PAGE_SIZE: Final = 25


@requires(Permission.DATASET_READ)
def index() -> str:
    """Show a page of datasets, optionally filtered by a part of the name."""
    name = filters.search_text("name")
    order = filters.choice("sort", DatasetOrder) or DatasetOrder.NEWEST
    cursor = filters.optional_id("cursor", "Dataset", "This page of datasets does not exist.")
    with services().database.reading() as session:
        store = DatasetStore(session)
        page = store.page(_PAGE_SIZE, cursor, name_contains=name or None, order=order)
        count = store.count(name or None)
        labels = labels_by_dataset(session, [dataset.id for dataset in page.items])
    return render_template(
        "datasets/list.html",
        rows=[
            (encode("Dataset", dataset.id), dataset, labels.get(dataset.id, []))
            for dataset in page.items
        ],
        count=count,
        next_cursor=page.next_cursor("Dataset"),
        is_first=cursor is None,
        name=name,
        order=order,
        is_deleted="deleted" in request.args,
        example=first_dataset(links.server_url()),
    )
