"""Datasets for the tests of pages, made through the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.factories import SignedIn

GREETINGS: dict[str, Any] = {
    "inputs": [{"text": "hello"}, {"text": "bye"}],
    "outputs": [{"text": "hi"}, {"text": "see you"}],
}


def upload(
    client: FlaskClient, user: SignedIn, name: str, action: str = "create", **fields: Any
) -> tuple[str, str]:
    """Upload examples, by default two greetings; return the ids of the dataset and the version."""
    body = {"action": action, "name": name, **(fields or GREETINGS)}
    answer = client.post("/v1/datasets/upload?sync=true", json=body, headers=user.headers)
    assert answer.status_code == 200, answer.text
    told = answer.get_json()["data"]
    return told["dataset_id"], told["version_id"]


def label(client: FlaskClient, user: SignedIn, dataset_id: str, name: str, color: str) -> None:
    """Put a new label on a dataset."""
    made = client.post(
        "/v1/dataset_labels", json={"name": name, "color": color}, headers=user.headers
    )
    assert made.status_code == 201, made.text
    path = f"/v1/datasets/{dataset_id}/labels/{made.get_json()['data']['id']}"
    assert client.put(path, headers=user.headers).status_code == 200
