"""Routes under `/v1/datasets/{identifier}/labels`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response
from pydantic import Field

from phoenix_web.api.dataset_labels.labels import (
    UNKNOWN,
    DatasetLabel,
    DatasetLabelResponseBody,
    label_number,
    to_payload,
)
from phoenix_web.api.datasets.datasets import find_dataset_id
from phoenix_web.api.declaring import declares
from phoenix_web.api.payloads import Payload, Text, no_content, respond
from phoenix_web.errors import NotFound
from phoenix_web.policy import Permission
from phoenix_web.store.datasets.labels import LabelStore
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from phoenix_web.store.datasets.labels import LabelInfo

routes = Blueprint("assignments", __name__, url_prefix="/datasets")

_ERRORS = [HTTPStatus.UNPROCESSABLE_ENTITY]


class LabelsOfDatasetResponseBody(Payload):
    """The labels of a dataset, newest first."""

    data: list[DatasetLabel]


class SetDatasetLabelsRequestBody(Payload):
    """The complete set of labels for the dataset."""

    dataset_label_ids: list[Text] = Field(default_factory=list)


@routes.get("/<identifier>/labels")
@requires(Permission.DATASET_READ)
@declares(LabelsOfDatasetResponseBody)
def list_labels_of_dataset(identifier: str) -> Response:
    """List the labels of a dataset."""
    with services().database.reading() as session:
        labels = LabelStore(session).for_dataset(find_dataset_id(session, identifier))
    return _to_payloads(labels)


@routes.put("/<identifier>/labels")
@requires(Permission.DATASET_WRITE)
@declares(LabelsOfDatasetResponseBody)
def set_labels_of_dataset(identifier: str, body: SetDatasetLabelsRequestBody) -> Response:
    """Replace the labels of a dataset."""
    requested = {label_number(label_id) for label_id in body.dataset_label_ids}
    with services().database.transaction() as session:
        dataset_id = find_dataset_id(session, identifier, locks=True)
        labels = LabelStore(session)
        if len(labels.lock(requested)) < len(requested):
            raise NotFound("One or more dataset labels not found")
        present = {label.id for label in labels.for_dataset(dataset_id)}
        labels.detach(dataset_id, present - requested)
        labels.attach(dataset_id, requested - present)
        result = labels.for_dataset(dataset_id)
    return _to_payloads(result)


@routes.put("/<identifier>/labels/<label_id>")
@requires(Permission.DATASET_WRITE)
@declares(DatasetLabelResponseBody, errors=_ERRORS)
def apply_label(identifier: str, label_id: str) -> Response:
    """Add a label to a dataset.

    Adding it again succeeds.
    """
    number = label_number(label_id)
    with services().database.transaction() as session:
        dataset_id = find_dataset_id(session, identifier, locks=True)
        labels = LabelStore(session)
        locked = labels.lock({number})
        if not locked:
            raise NotFound(UNKNOWN)
        labels.attach(dataset_id, {number})
    return respond(DatasetLabelResponseBody(data=to_payload(locked[0])))


@routes.delete("/<identifier>/labels/<label_id>")
@requires(Permission.DATASET_WRITE)
@declares(errors=_ERRORS)
def remove_label(identifier: str, label_id: str) -> Response:
    """Remove a label from a dataset.

    Removing a label that is absent or does not exist succeeds.
    """
    number = label_number(label_id)
    with services().database.transaction() as session:
        LabelStore(session).detach(find_dataset_id(session, identifier, locks=True), {number})
    return no_content()


def _to_payloads(labels: list[LabelInfo]) -> Response:
    return respond(LabelsOfDatasetResponseBody(data=[to_payload(label) for label in labels]))
