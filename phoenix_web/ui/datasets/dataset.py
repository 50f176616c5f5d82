"""Pages of a dataset: examples, changes, code snippets, downloads and deletion."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request

from phoenix_web.errors import NotFound
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.changes import ChangedExample, ChangeStore
from phoenix_web.store.datasets.datasets import DatasetStore
from phoenix_web.store.datasets.examples import Batch, ExampleStore, split_filters
from phoenix_web.store.paging import Page
from phoenix_web.ui import htmx, links
from phoenix_web.ui.datasets.dataset_page import find_dataset, find_dataset_page
from phoenix_web.ui.datasets.json_view import JsonLine, lines
from phoenix_web.ui.datasets.snippets import reading_snippets
from phoenix_web.ui.filters import optional_id, require_id
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

routes = Blueprint("dataset", __name__, url_prefix="/<dataset_id>")
_PAGE_SIZE: Final = 25
_BUCKETS: Final = ("Input", "Output", "Metadata")
#: Splits offered as filters.
_MAX_SPLITS: Final = 100
#: Query parameters with the result of an upload that redirected here.
_OUTCOME: Final = ("created", "updated", "deleted")
_COUNT_PATTERN: Final = re.compile(r"[0-9]{1,12}")
#: Path and query of the API route for each download by its name in the URL.
_DOWNLOADS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "csv": ("csv", {}),
    "csv-for-spreadsheets": ("csv", {"safe": "true"}),
    "jsonl": ("jsonl", {}),
    "openai-fine-tuning": ("jsonl/openai_ft", {}),
    "openai-evals": ("jsonl/openai_evals", {}),
}


@routes.get("")
@requires(Permission.DATASET_READ)
def show(dataset_id: str) -> str:
    """Show a page of the examples of a version, optionally filtered by split."""
    cursor = optional_id("cursor", "DatasetExample")
    split_id = optional_id("split", "DatasetSplit")
    with services().database.reading() as session:
        dataset_page = find_dataset_page(session, dataset_id)
        splits = split_filters(session, dataset_page.dataset.id, _MAX_SPLITS)
        batch, count = Batch([], {}, {}), None
        if dataset_page.version is not None:
            store = ExampleStore(session, dataset_page.dataset.id, dataset_page.version.info.id)
            if not dataset_page.is_latest:
                count = store.count()
            split_ids = None if split_id is None else [split_id]
            batch = store.after(cursor or 0, _PAGE_SIZE + 1, split_ids)
    examples = batch.examples[:_PAGE_SIZE]
    has_more = len(batch.examples) > _PAGE_SIZE
    colors = {split.name: split.color for split in splits}
    return render_template(
        "datasets/examples.html",
        page=dataset_page,
        examples=[
            (
                example.node_id,
                example.external_id,
                buckets(example.input_json, example.output_json, example.metadata_json),
                [(name, colors.get(name, "")) for name in batch.splits.get(example.id, [])],
            )
            for example in examples
        ],
        count=count,
        splits=[(encode("DatasetSplit", split.id), split) for split in splits],
        split_id=request.args.get("split", ""),
        next_cursor=examples[-1].node_id if has_more else None,
        is_first=cursor is None,
        outcome=_outcome(),
        opens_delete_dialog="delete" in request.args,
    )


@routes.get("/changes")
@requires(Permission.DATASET_READ)
def changes(dataset_id: str) -> str:
    """Show the changes of a version against the previous one."""
    cursor = optional_id("cursor", "DatasetExample")
    with services().database.reading() as session:
        dataset_page = find_dataset_page(session, dataset_id)
        page: Page[ChangedExample] = Page([])
        counts = None
        if dataset_page.version is not None:
            store = ChangeStore(session, dataset_page.dataset.id, dataset_page.version.info.id)
            counts, page = store.counts(), store.page(_PAGE_SIZE, cursor)
    return render_template(
        "datasets/changes.html",
        page=dataset_page,
        counts=counts,
        changes=[
            (
                encode("DatasetExample", change.example_id),
                change,
                change.before and buckets(*change.before),
                change.after and buckets(*change.after),
            )
            for change in page.items
        ],
        next_cursor=page.next_cursor("DatasetExample"),
        is_first=cursor is None,
        opens_delete_dialog="delete" in request.args,
    )


@routes.get("/use")
@requires(Permission.DATASET_READ)
def use(dataset_id: str) -> str:
    """Show code snippets that read the dataset."""
    with services().database.reading() as session:
        dataset_page = find_dataset_page(session, dataset_id)
    snippets = reading_snippets(links.server_url(), dataset_page.id, dataset_page.version_id)
    return render_template(
        "datasets/use.html",
        page=dataset_page,
        snippets=snippets,
        opens_delete_dialog="delete" in request.args,
    )


@routes.get("/download/<name>")
@requires(Permission.DATASET_READ)
def download(dataset_id: str, name: str) -> Response:
    """Redirect to the download of the API.

    Pages link here because page routes renew an expired access token, while the API rejects it.
    """
    if name not in _DOWNLOADS:
        raise NotFound("This download does not exist.")
    with services().database.reading() as session:
        find_dataset(session, dataset_id)
    path, query = _DOWNLOADS[name]
    version = request.args.get("version")
    query = {**query, **({"version_id": version} if version else {})}
    url = f"{links.root_path()}/v1/datasets/{dataset_id}/{path}"
    return htmx.redirect(f"{url}?{urlencode(query)}" if query else url)


@routes.post("/delete")
@requires(Permission.DATASET_WRITE)
def delete(dataset_id: str) -> Response:
    """Delete the dataset and all its versions; raise `NotFound` if it does not exist."""
    number = require_id("Dataset", dataset_id)
    with services().database.transaction() as session:
        if not DatasetStore(session).delete(number):
            raise NotFound("This dataset does not exist. It may already have been deleted.")
    return htmx.redirect(links.url_for("ui.datasets.index", deleted="yes"))


def buckets(*texts: str) -> list[tuple[str, list[JsonLine]]]:
    """Return the name and the lines of each bucket of an example from its JSON texts."""
    return [(name, lines(text)) for name, text in zip(_BUCKETS, texts, strict=True)]


def _outcome() -> list[tuple[str, int]]:
    """Return the result of the upload that redirected here, or an empty list."""
    counts = [(name, request.args.get(name, "")) for name in _OUTCOME]
    is_valid = all(_COUNT_PATTERN.fullmatch(text) for _, text in counts)
    return [(name, int(text)) for name, text in counts] if is_valid else []
