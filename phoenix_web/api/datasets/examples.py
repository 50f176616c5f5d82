"""Route `GET /v1/datasets/{id}/examples`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from phoenix_web.api.declaring import declares
from phoenix_web.api.payloads import Payload, Timestamp
from phoenix_web.errors import Invalid, NotFound
from phoenix_web.global_ids import decode, decode_as, encode
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.datasets import DatasetStore
from phoenix_web.store.datasets.examples import batches, find_splits
from phoenix_web.store.datasets.versions import VersionStore
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services
from phoenix_web.web.streams import stream_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from phoenix_web.store.datasets.examples import Batch

routes = Blueprint("examples", __name__)


class ExampleSource(Payload):
    """The span that an example was created from; this server stores no spans."""

    span_id: str
    span_node_id: str


class DatasetExample(Payload):
    """An example in one version."""

    id: str
    node_id: str
    input: dict[str, Any]
    output: dict[str, Any]
    metadata: dict[str, Any]
    updated_at: Timestamp
    source: ExampleSource | None


class ListDatasetExamplesData(Payload):
    """The examples of a version."""

    dataset_id: str
    version_id: str
    filtered_splits: list[str]
    examples: list[DatasetExample]


class ListDatasetExamplesResponseBody(Payload):
    """The examples of a version."""

    data: ListDatasetExamplesData


class ListDatasetExamplesQuery(Payload):
    """The version, by default the latest; repeat `split` for the union of several splits."""

    version_id: str = ""
    split: str | None = None


@routes.get("/<dataset_id>/examples")
@requires(Permission.DATASET_READ)
@declares(ListDatasetExamplesResponseBody)
def list_dataset_examples(dataset_id: str, query: ListDatasetExamplesQuery) -> Response:
    """List the examples of a dataset.

    The response contains all examples of the version in order of creation.
    """
    dataset = _decode(dataset_id, f"Invalid dataset ID format: {dataset_id}")
    version = None
    if query.version_id:
        text = f"Invalid dataset version ID format: {query.version_id}"
        version = _decode(query.version_id, text)
    dataset_number = _require_type("Dataset", dataset, dataset_id)
    version_number = version and _require_type("DatasetVersion", version, query.version_id)
    database = services().database
    with database.reading() as session:
        version_id = find_version(session, dataset_number, version_number)
        names, split_ids = _find_splits(session, request.args.getlist("split"))
    node_id = encode("DatasetVersion", version_id)
    head = (
        f'{{"data":{{"dataset_id":"{dataset_id}","version_id":"{node_id}",'
        f'"filtered_splits":{json.dumps(names, separators=(",", ":"))},"examples":['
    )
    examples = batches(database, dataset_number, version_id, split_ids)
    return stream_response(_body(head, examples), "application/json", {})


def find_version(session: Session, dataset_id: int, version_id: int | None) -> int:
    """Return the id of the version *version_id*, by default the latest; raise `NotFound`."""
    store = VersionStore(session, dataset_id)
    latest = store.latest()
    if latest is None and DatasetStore(session).find_id(dataset_id) is None:
        raise NotFound(f"No dataset with id {encode('Dataset', dataset_id)} can be found.")
    if version_id is not None:
        if store.find(version_id) is None:
            public_id = encode("DatasetVersion", version_id)
            raise NotFound(f"No dataset version with id {public_id} can be found.")
        return version_id
    if latest is None:
        raise NotFound("Dataset has no versions.")
    return latest


def _decode(text: str, refusal: str) -> tuple[str, int]:
    decoded = decode(text)
    if decoded is None:
        raise Invalid(refusal)
    return decoded


def _require_type(kind: str, decoded: tuple[str, int], text: str) -> int:
    if decoded[0] != kind:
        raise NotFound(f"ID {text} refers to a {decoded[0]}")
    return decoded[1]


def _find_splits(session: Session, identifiers: list[str]) -> tuple[list[str], set[int] | None]:
    """Return the names and the ids of the splits with *identifiers*; the ids are None without any.

    Names of splits given by id come first. A split given by id and by name appears twice.
    """
    if not identifiers:
        return [], None
    given_ids: dict[int, None] = {}
    given_names: dict[str, None] = {}
    for identifier in map(str.strip, identifiers):
        if not identifier:
            raise Invalid("Invalid split identifier")
        number = decode_as("DatasetSplit", identifier)
        if number is None:
            given_names[identifier] = None
        else:
            given_ids[number] = None
    by_id, by_name = find_splits(session, given_ids, given_names)
    if unknown := [str(number) for number in given_ids if number not in by_id]:
        raise NotFound(f"Dataset splits not found for IDs: {', '.join(unknown)}")
    if unknown := [name for name in given_names if name not in by_name]:
        raise NotFound(f"Dataset splits not found: {', '.join(unknown)}")
    names = [by_id[number] for number in sorted(by_id)] + sorted(by_name)
    return names, {*by_id, *by_name.values()}


def _body(head: str, example_batches: Iterator[Batch]) -> Iterator[str]:
    """Yield the parts of the body, with stored JSON copied verbatim."""
    yield head
    separator = ""
    for batch in example_batches:
        timestamps = {number: time.isoformat() for number, time in batch.created_at.items()}
        parts = []
        for example in batch.examples:
            node_id = example.node_id
            external_id = example.external_id
            public_id = f'"{node_id}"' if external_id is None else json.dumps(external_id)
            parts.append(
                f'{{"id":{public_id},"node_id":"{node_id}","input":{example.input_json},'
                f'"output":{example.output_json},"metadata":{example.metadata_json},'
                f'"updated_at":"{timestamps[example.version_id]}","source":null}}'
            )
        if parts:
            yield separator + ",".join(parts)
            separator = ","
    yield "]}}"
