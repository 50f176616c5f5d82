"""`POST /v1/datasets/upload`: what `append` and `update` answer, and what is refused."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from phoenix_web.global_ids import encode

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.factories import SignedIn

UPLOAD = "/v1/datasets/upload?sync=true"


def upload(
    client: FlaskClient, caller: SignedIn, action: str = "append", **fields: Any
) -> TestResponse:
    body = {"name": "qa", "action": action, "inputs": [{"n": 1}], **fields}
    return client.post(UPLOAD, json=body, headers=caller.headers)


def counts(told: TestResponse) -> list[int]:
    assert told.status_code == 200, told.text
    return list(told.get_json()["data"].values())[2:]


def version(told: TestResponse) -> str:
    found: str = told.get_json()["data"]["version_id"]
    return found


def lines(client: FlaskClient, caller: SignedIn, told: TestResponse) -> list[dict[str, Any]]:
    """Return the examples of the latest version of the dataset of an upload."""
    path = f"/v1/datasets/{told.get_json()['data']['dataset_id']}/jsonl"
    return [json.loads(line) for line in client.get(path, headers=caller.headers).text.splitlines()]


@pytest.mark.parametrize("action", ["append", "update", "UPDATE"])
def test_a_dataset_that_is_missing_is_made(
    client: FlaskClient, member: SignedIn, action: str
) -> None:
    made = upload(client, member, action, description="kept")
    again = upload(client, member, action, description="ignored")

    assert counts(made) == [1, 0, 0]
    assert counts(again) == [0, 0, 0]
    assert version(again) == version(made)
    [dataset] = client.get("/v1/datasets", headers=member.headers).get_json()["data"]
    assert dataset["description"] == "kept"
    assert dataset["created_at"] == dataset["updated_at"]


def test_append_adds_and_corrects_and_update_also_deletes(
    client: FlaskClient, member: SignedIn
) -> None:
    made = upload(
        client, member, inputs=[{"n": n} for n in (1, 1, 2)], example_ids=["a", None, "b"]
    )
    node_id = lines(client, member, made)[1]["node_id"]

    same = upload(client, member, inputs=[{"n": 1}, {"n": 1}])
    more = upload(client, member, inputs=[{"n": 1}] * 3)
    by_id = upload(client, member, inputs=[{"n": 20}, {"n": 10}], example_ids=["b", node_id])
    exact = upload(client, member, "update", inputs=[{"n": 20}, {"n": 5}])

    assert [counts(told) for told in (same, more, by_id, exact)] == [
        [0, 0, 0],
        [1, 0, 0],
        [0, 2, 0],
        [1, 0, 3],
    ]
    assert version(same) == version(made)
    left = [(line["id"], line["input"]["n"]) for line in lines(client, member, exact)]
    assert left[0] == ("b", 20)
    assert left[1][1] == 5


def test_a_deleted_example_comes_back_under_its_node_id_without_splits(
    client: FlaskClient, member: SignedIn
) -> None:
    ids = ["a", "b"]
    made = upload(client, member, inputs=[{}, {}], example_ids=ids, splits=["train", "train"])
    [first, _] = lines(client, member, made)
    upload(client, member, "update", inputs=[{}], example_ids=["b"])

    by_node_id = upload(client, member, example_ids=[first["node_id"]])
    revived = upload(client, member, example_ids=["a"])

    assert by_node_id.status_code == 422
    assert by_node_id.text == (
        f"No examples found in this dataset with the following IDs: '{first['node_id']}'"
    )
    assert counts(revived) == [1, 0, 0]
    assert lines(client, member, revived)[0] == {**first, "input": {"n": 1}, "splits": []}


def test_one_example_addressed_twice_with_two_contents_is_a_clear_refusal(
    client: FlaskClient, member: SignedIn
) -> None:
    made = upload(client, member, example_ids=["a"])
    node_id = lines(client, member, made)[0]["node_id"]

    refused = upload(client, member, inputs=[{"n": 2}, {"n": 3}], example_ids=["a", node_id])

    assert refused.status_code == 422
    assert refused.text == f"Two ids of one example in request: 'a' and '{node_id}'"


def test_the_node_id_of_another_datasets_example_names_nothing(
    client: FlaskClient, member: SignedIn
) -> None:
    other = lines(client, member, upload(client, member, name="other"))[0]["node_id"]
    upload(client, member)
    unknown = encode("DatasetExample", 10**9)

    refused = upload(client, member, inputs=[{}, {}], example_ids=[other, unknown])

    assert refused.status_code == 422
    assert refused.text.endswith(f"following IDs: '{other}', '{unknown}'")


def test_splits_alone_are_an_update_without_a_version(
    client: FlaskClient, member: SignedIn
) -> None:
    ids = ["a", "b", "c"]
    inputs = [{"n": n} for n in range(3)]
    made = upload(client, member, inputs=inputs, example_ids=ids)

    same: dict[str, Any] = {"inputs": inputs, "example_ids": ids}
    given = upload(client, member, "update", splits=["s", None, "s"], **same)
    kept = upload(client, member, "update", **same)
    one = upload(client, member, inputs=inputs[:1], example_ids=ids[:1], splits=[["t"]])
    cleared = upload(client, member, "update", splits=[None] * 3, **same)

    assert [counts(told)[1] for told in (given, kept, one, cleared)] == [2, 0, 1, 2]
    assert {version(told) for told in (given, kept, one, cleared)} == {version(made)}
    assert [line["splits"] for line in lines(client, member, cleared)] == [[], [], []]


def test_appends_at_once_all_arrive(app: Flask, member: SignedIn) -> None:
    def append(number: int) -> TestResponse:
        inputs = [{"n": number * 100 + n} for n in range(50)]
        client = app.test_client(use_cookies=False)
        return upload(client, member, inputs=inputs, splits=[f"s{number % 2}"] * 50)

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(append, range(6)))

    assert [counts(one) for one in told] == [[50, 0, 0]] * 6
    assert len({version(one) for one in told}) == 6
    assert len(lines(app.test_client(use_cookies=False), member, told[0])) == 300
