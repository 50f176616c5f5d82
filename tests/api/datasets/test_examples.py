"""`/v1/datasets/{id}/examples`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from phoenix_web.global_ids import encode
from phoenix_web.store.datasets import examples as store
from tests.support.calls import upload_dataset

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.factories import SignedIn

UNKNOWN = encode("Dataset", 999999)
VERSION = encode("DatasetVersion", 999999)


def examples(client: FlaskClient, caller: SignedIn, dataset_id: str, **query: Any) -> TestResponse:
    path = f"/v1/datasets/{dataset_id}/examples"
    return client.get(path, query_string=query, headers=caller.headers)


def data(client: FlaskClient, caller: SignedIn, dataset_id: str, **query: Any) -> dict[str, Any]:
    told = examples(client, caller, dataset_id, **query)
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.get_json()["data"]
    return found


def test_examples_are_told_with_every_value_as_it_was_sent(
    client: FlaskClient, member: SignedIn
) -> None:
    made = upload_dataset(
        client,
        member,
        inputs=[{"b": 20.0, "a": 2**64 - 1}, {"q": 'é "x"'}],
        outputs=[{"o": [1e3, None]}, {}],
        example_ids=['an "id"', None],
        span_ids=["span", None],
    )

    told = examples(client, member, made["dataset_id"])

    assert told.mimetype == "application/json"
    found = told.get_json()["data"]
    assert list(found) == ["dataset_id", "version_id", "filtered_splits", "examples"]
    assert (found["dataset_id"], found["version_id"]) == (made["dataset_id"], made["version_id"])
    one, other = found["examples"]
    assert list(one) == [
        "id",
        "node_id",
        "input",
        "output",
        "metadata",
        "updated_at",
        "source",
    ]
    assert one["id"] == 'an "id"'
    assert other["id"] == other["node_id"]
    assert one["updated_at"].endswith("+00:00")
    assert one["source"] is None
    assert '"input":{"b":20.0,"a":18446744073709551615},"output":{"o":[1000.0,null]}' in told.text


def test_an_empty_id_is_an_id(client: FlaskClient, member: SignedIn) -> None:
    made = upload_dataset(client, member, example_ids=[""])

    [example] = data(client, member, made["dataset_id"])["examples"]

    assert example["id"] == ""
    assert example["node_id"]


def test_each_version_keeps_its_examples(client: FlaskClient, member: SignedIn) -> None:
    first = upload_dataset(client, member, inputs=[{"n": 1}, {"n": 2}], example_ids=["a", "b"])
    second = upload_dataset(client, member, action="update", inputs=[{"n": 3}], example_ids=["b"])
    third = upload_dataset(client, member, inputs=[{"n": 4}, {"n": 5}], example_ids=["a", None])
    dataset_id = first["dataset_id"]

    def told(version_id: str) -> list[tuple[str, int]]:
        found = data(client, member, dataset_id, version_id=version_id)
        assert found["version_id"] == (version_id or third["version_id"])
        return [(example["id"], example["input"]["n"]) for example in found["examples"]]

    assert told(first["version_id"]) == [("a", 1), ("b", 2)]
    assert told(second["version_id"]) == [("b", 3)]
    # The revived example has its old place.
    assert [number for _, number in told(third["version_id"])] == [4, 3, 5]
    assert told("") == told(third["version_id"])
    moments = [example["updated_at"] for example in data(client, member, dataset_id)["examples"]]
    assert moments[1] < moments[0] == moments[2]


def test_splits_filter_by_name_and_by_id(client: FlaskClient, member: SignedIn) -> None:
    splits = ["tr", "te", ["tr", "te"], None]
    made = upload_dataset(client, member, inputs=[{"n": n} for n in range(4)], splits=splits)
    dataset_id = made["dataset_id"]
    listed = client.get(f"/v1/datasets/{dataset_id}/splits", headers=member.headers).get_json()
    ids = {split["name"]: split["id"] for split in listed["data"]}
    upload_dataset(client, member, name="other", splits=["elsewhere"])

    def told(*split: str) -> tuple[list[str], list[int]]:
        found = data(client, member, dataset_id, split=split)
        return found["filtered_splits"], [one["input"]["n"] for one in found["examples"]]

    assert told("tr") == (["tr"], [0, 2])
    assert told(" tr ", "te", "tr") == (["te", "tr"], [0, 1, 2])
    assert told("te", ids["tr"]) == (["tr", "te"], [0, 1, 2])
    assert told("tr", ids["tr"]) == (["tr", "tr"], [0, 2])
    assert told("elsewhere") == (["elsewhere"], [])


@pytest.mark.parametrize(
    ("split", "status", "text"),
    [
        (["nosuch", "nah"], 404, "Dataset splits not found: nosuch, nah"),
        ([encode("DatasetSplit", 99999)], 404, "Dataset splits not found for IDs: 99999"),
        (["nosuch", encode("DatasetSplit", 9)], 404, "Dataset splits not found for IDs: 9"),
        ([encode("Dataset", 1)], 404, f"Dataset splits not found: {encode('Dataset', 1)}"),
        ([" "], 422, "Invalid split identifier"),
        ([""], 422, "Invalid split identifier"),
    ],
)
def test_a_split_that_is_none_is_refused(
    client: FlaskClient, member: SignedIn, split: list[str], status: int, text: str
) -> None:
    made = upload_dataset(client, member)

    refused = examples(client, member, made["dataset_id"], split=split)

    assert (refused.status_code, refused.text) == (status, text)


@pytest.mark.parametrize(
    ("dataset_id", "version_id", "status", "text"),
    [
        ("zzz", "bad", 422, "Invalid dataset ID format: zzz"),
        (VERSION, "bad", 422, "Invalid dataset version ID format: bad"),
        (VERSION, VERSION, 404, f"ID {VERSION} refers to a DatasetVersion"),
        (UNKNOWN, UNKNOWN, 404, f"ID {UNKNOWN} refers to a Dataset"),
        (UNKNOWN, VERSION, 404, f"No dataset with id {UNKNOWN} can be found."),
        ("", VERSION, 404, f"No dataset version with id {VERSION} can be found."),
    ],
)
def test_what_names_no_version_is_refused_in_the_order_of_the_contract(  # noqa: PLR0913, PLR0917 - the columns of the table
    client: FlaskClient,
    member: SignedIn,
    dataset_id: str,
    version_id: str,
    status: int,
    text: str,
) -> None:
    known = upload_dataset(client, member)["dataset_id"]

    refused = examples(client, member, dataset_id or known, version_id=version_id)

    assert (refused.status_code, refused.text) == (status, text)


def test_a_version_of_another_dataset_is_not_found(client: FlaskClient, member: SignedIn) -> None:
    first = upload_dataset(client, member)
    other = upload_dataset(client, member, name="other")["version_id"]

    refused = examples(client, member, first["dataset_id"], version_id=other)

    assert refused.status_code == 404
    assert refused.text == f"No dataset version with id {other} can be found."


def test_an_empty_dataset_has_a_version_and_no_examples(
    client: FlaskClient, member: SignedIn
) -> None:
    made = upload_dataset(client, member, inputs=[])

    found = data(client, member, made["dataset_id"])

    assert (found["version_id"], found["examples"]) == (made["version_id"], [])


@pytest.mark.parametrize("length", [1, 3000])
def test_many_examples_come_once_each_and_in_order(
    client: FlaskClient, member: SignedIn, length: int
) -> None:
    inputs = [{"n": n, "text": "x" * length} for n in range(2500)]
    made = upload_dataset(client, member, inputs=inputs)

    found = data(client, member, made["dataset_id"])["examples"]

    assert [example["input"] for example in found] == inputs


def test_a_long_answer_that_fails_on_the_way_does_not_end_well(
    client: FlaskClient, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = upload_dataset(client, member, inputs=[{"n": n, "text": "x" * 200} for n in range(2500)])
    path = f"/v1/datasets/{made['dataset_id']}"
    after = store.ExampleStore.after

    def fail_later(self: store.ExampleStore, example_id: int, *values: Any) -> store.Batch:
        if example_id > 2000:
            raise RuntimeError("the database went away")
        return after(self, example_id, *values)

    monkeypatch.setattr(store.ExampleStore, "after", fail_later)

    for form in ("/examples", "/jsonl"):
        answer = client.get(path + form, headers=member.headers, buffered=False)
        with pytest.raises(RuntimeError, match="went away"):
            list(answer.response)
    # The file is made before it is sent.
    assert client.get(path + "/csv", headers=member.headers).status_code == 500


def test_a_dataset_that_is_deleted_on_the_way_does_not_end_well(
    client: FlaskClient, member: SignedIn
) -> None:
    made = upload_dataset(client, member, inputs=[{"n": n, "text": "x" * 200} for n in range(4000)])
    path = f"/v1/datasets/{made['dataset_id']}"

    answer = client.get(path + "/jsonl", headers=member.headers, buffered=False)
    parts = iter(answer.response)
    next(parts)
    assert client.delete(path, headers=member.headers).status_code == 204

    with pytest.raises(Exception, match="has been deleted"):
        list(parts)


def test_a_viewer_reads_examples(client: FlaskClient, member: SignedIn, viewer: SignedIn) -> None:
    made = upload_dataset(client, member)

    assert examples(client, viewer, made["dataset_id"]).status_code == 200
    assert client.get(f"/v1/datasets/{made['dataset_id']}/examples").status_code == 401
