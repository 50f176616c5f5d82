"""`/v1/dataset_labels` and `/v1/datasets/{identifier}/labels`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from phoenix_web.global_ids import encode

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.factories import SignedIn

LABELS = "/v1/dataset_labels"
ON_DATASET = "/v1/datasets/qa/labels"
UNKNOWN = encode("DatasetLabel", 999999)
PATTERN = "^#([0-9a-f]{6})$"


class Caller:
    """A member with a dataset `qa`."""

    def __init__(self, client: FlaskClient, member: SignedIn) -> None:
        self.client = client
        self.headers = member.headers
        body = {"name": "qa", "inputs": [{"q": 1}]}
        self.send("POST", "/v1/datasets/upload", json=body)

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        return self.client.open(path, method=method, headers=self.headers, **options)

    def create(self, name: str = "gold", color: str = "#00cc88", **fields: Any) -> str:
        made = self.send("POST", LABELS, json={"name": name, "color": color, **fields})
        assert made.status_code == 201, made.text
        label_id: str = made.get_json()["data"]["id"]
        return label_id

    def on_dataset(self) -> list[str]:
        return [label["name"] for label in self.send("GET", ON_DATASET).get_json()["data"]]


@pytest.fixture
def caller(client: FlaskClient, member: SignedIn) -> Caller:
    return Caller(client, member)


def test_a_label_is_told_as_it_was_made(caller: Caller) -> None:
    made = caller.send(
        "POST", LABELS, json={"name": " gold ", "color": "#00cc88", "description": "d"}
    )

    data = made.get_json()["data"]
    assert made.status_code == 201
    assert list(data) == ["id", "name", "description", "color"]
    assert list(data.values())[1:] == [" gold ", "d", "#00cc88"]
    assert caller.send("GET", f"{LABELS}/{data['id']}").get_json() == {"data": data}


def test_labels_are_listed_newest_first(caller: Caller) -> None:
    gold, silver = caller.create("gold"), caller.create("silver")

    page = caller.send("GET", f"{LABELS}?limit=1").get_json()
    rest = caller.send("GET", f"{LABELS}?limit=1&cursor={gold}").get_json()

    assert [label["id"] for label in page["data"]] == [silver]
    assert page["next_cursor"] == gold
    assert [label["id"] for label in rest["data"]] == [gold]
    assert rest["next_cursor"] is None
    assert len(caller.send("GET", f"{LABELS}?cursor=").get_json()["data"]) == 2


@pytest.mark.parametrize("cursor", ["bad", encode("Dataset", 1), encode("DatasetLabel", 2**63)])
def test_a_malformed_cursor_is_refused(caller: Caller, cursor: str) -> None:
    refused = caller.send("GET", f"{LABELS}?cursor={cursor}")

    assert (refused.status_code, refused.text) == (422, f"Invalid cursor: {cursor}")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"name": ""}, {"type": "string_too_short", "ctx": {"min_length": 1}}),
        ({"name": None}, {"type": "string_type"}),
        ({"name": "a\0"}, {"type": "value_error"}),
        ({"color": "#00CC88"}, {"type": "string_pattern_mismatch", "ctx": {"pattern": PATTERN}}),
        ({"color": "#00cc88\n"}, {"type": "string_pattern_mismatch"}),
        ({"color": None}, {"type": "string_type"}),
        ({"description": 5}, {"type": "string_type"}),
        ({"description": "\ud800"}, {"type": "value_error"}),
    ],
)
def test_a_wrong_field_is_named(
    caller: Caller, fields: dict[str, Any], fault: dict[str, Any]
) -> None:
    body = {"name": "x", "color": "#112233", **fields}

    refused = caller.send("POST", LABELS, json=body)

    assert refused.status_code == 422
    told = refused.get_json()["detail"][0]
    assert told["loc"] == ["body", *fields]
    assert fault.items() <= told.items()
    assert caller.send("GET", LABELS).get_json()["data"] == []


def test_a_name_is_given_once(caller: Caller) -> None:
    gold, _silver = caller.create("gold"), caller.create("silver")

    again = caller.send("POST", LABELS, json={"name": "gold", "color": "#000000"})
    renamed = caller.send("PATCH", f"{LABELS}/{gold}", json={"name": "silver"})

    assert (again.status_code, again.text) == (409, "A dataset label named 'gold' already exists")
    assert renamed.status_code == 409
    assert renamed.text == "A dataset label named 'silver' already exists"
    assert caller.create("Gold")


def test_a_patch_changes_what_it_names(caller: Caller) -> None:
    gold = f"{LABELS}/{caller.create('gold', description='d')}"

    renamed = caller.send("PATCH", gold, json={"name": "gold2", "color": None}).get_json()["data"]
    cleared = caller.send("PATCH", gold, json={"description": None}).get_json()["data"]

    assert [renamed["name"], renamed["description"], renamed["color"]] == ["gold2", "d", "#00cc88"]
    assert [cleared["name"], cleared["description"]] == ["gold2", None]
    assert caller.create("gold")
    for body in ({}, {"name": None}, {"name": None, "color": None, "other": 1}):
        refused = caller.send("PATCH", gold, json=body)
        assert (refused.status_code, refused.text) == (422, "No fields to update")
    wrong = caller.send("PATCH", gold, json={"color": "blue"})
    assert wrong.get_json()["detail"][0]["loc"] == ["body", "color"]
    assert wrong.get_json()["detail"][0]["type"] == "string_pattern_mismatch"


@pytest.mark.parametrize("label_id", ["gold", encode("Dataset", 1), encode("DatasetLabel", 2**63)])
def test_a_malformed_id_is_refused_everywhere(caller: Caller, label_id: str) -> None:
    answers = [
        caller.send("GET", f"{LABELS}/{label_id}"),
        caller.send("PATCH", f"{LABELS}/{label_id}", json={"name": "x"}),
        caller.send("DELETE", f"{LABELS}/{label_id}"),
        caller.send("PUT", f"{ON_DATASET}/{label_id}"),
        caller.send("DELETE", f"{ON_DATASET}/{label_id}"),
        caller.send("PUT", ON_DATASET, json={"dataset_label_ids": [label_id]}),
    ]

    text = f"Invalid dataset label ID: {label_id}"
    assert [(answer.status_code, answer.text) for answer in answers] == [(422, text)] * 6


def test_an_unknown_label_is_not_found(caller: Caller) -> None:
    answers = [
        caller.send("GET", f"{LABELS}/{UNKNOWN}"),
        caller.send("PATCH", f"{LABELS}/{UNKNOWN}", json={"name": "x"}),
        caller.send("DELETE", f"{LABELS}/{UNKNOWN}"),
        caller.send("PUT", f"{ON_DATASET}/{UNKNOWN}"),
    ]
    several = caller.send("PUT", ON_DATASET, json={"dataset_label_ids": [UNKNOWN]})

    told = [(answer.status_code, answer.text) for answer in answers]
    assert told == [(404, "Dataset label not found")] * 4
    assert (several.status_code, several.text) == (404, "One or more dataset labels not found")
    assert caller.send("DELETE", f"{ON_DATASET}/{UNKNOWN}").status_code == 204


def test_labels_are_put_on_a_dataset_and_taken_off(caller: Caller) -> None:
    gold, silver = caller.create("gold"), caller.create("silver")

    assert caller.on_dataset() == []
    for label_id in (gold, gold, silver):
        put = caller.send("PUT", f"{ON_DATASET}/{label_id}")
        assert put.status_code == 200
        assert put.get_json()["data"]["id"] == label_id
    assert caller.on_dataset() == ["silver", "gold"]
    for _ in range(2):
        assert caller.send("DELETE", f"{ON_DATASET}/{silver}").status_code == 204
    assert caller.on_dataset() == ["gold"]
    assert caller.send("POST", ON_DATASET, json={}).status_code == 405


def test_the_labels_of_a_dataset_are_set_at_once(caller: Caller) -> None:
    gold, silver, iron = (caller.create(name) for name in ("gold", "silver", "iron"))
    caller.send("PUT", f"{ON_DATASET}/{iron}")

    both = caller.send("PUT", ON_DATASET, json={"dataset_label_ids": [silver, gold, silver]})
    refused = caller.send("PUT", ON_DATASET, json={"dataset_label_ids": [iron, UNKNOWN]})

    assert [label["name"] for label in both.get_json()["data"]] == ["silver", "gold"]
    assert refused.status_code == 404
    assert caller.on_dataset() == ["silver", "gold"]
    assert caller.send("PUT", ON_DATASET, json={}).get_json() == {"data": []}
    assert caller.on_dataset() == []
    null = caller.send("PUT", ON_DATASET, json={"dataset_label_ids": None})
    assert null.get_json()["detail"][0]["type"] == "list_type"
    assert caller.send("PUT", ON_DATASET).get_json()["detail"][0]["loc"] == ["body"]


def test_more_labels_than_a_statement_takes_are_not_found(caller: Caller) -> None:
    wanted = [encode("DatasetLabel", number) for number in range(1, 35_001)]

    refused = caller.send("PUT", ON_DATASET, json={"dataset_label_ids": wanted})

    assert refused.status_code == 404


def test_a_deleted_label_is_off_every_dataset(caller: Caller) -> None:
    gold = caller.create()
    caller.send("PUT", f"{ON_DATASET}/{gold}")

    deleted = caller.send("DELETE", f"{LABELS}/{gold}")

    assert (deleted.status_code, deleted.data) == (204, b"")
    assert caller.on_dataset() == []
    assert caller.send("DELETE", f"{LABELS}/{gold}").status_code == 404
    assert caller.create() != gold


@pytest.mark.parametrize("identifier", ["nosuch", encode("Dataset", 999999)])
def test_an_unknown_dataset_is_not_found_everywhere(caller: Caller, identifier: str) -> None:
    label_id = caller.create()
    path = f"/v1/datasets/{identifier}/labels"

    answers = [
        caller.send("GET", path),
        caller.send("PUT", path, json={}),
        caller.send("PUT", f"{path}/{label_id}"),
        caller.send("DELETE", f"{path}/{label_id}"),
    ]

    kind = "name" if identifier == "nosuch" else "ID"
    text = f"Dataset with {kind} {identifier} not found"
    assert [(answer.status_code, answer.text) for answer in answers] == [(404, text)] * 4


def test_viewers_read_labels_and_write_none(
    caller: Caller, client: FlaskClient, viewer: SignedIn
) -> None:
    label_id = caller.create()

    assert client.get(LABELS, headers=viewer.headers).status_code == 200
    assert client.get(f"{LABELS}/{label_id}", headers=viewer.headers).status_code == 200
    assert client.get(ON_DATASET, headers=viewer.headers).status_code == 200
    for method, path in (
        ("POST", LABELS),
        ("PATCH", f"{LABELS}/bad"),
        ("DELETE", f"{LABELS}/{label_id}"),
        ("PUT", ON_DATASET),
        ("PUT", f"{ON_DATASET}/{label_id}"),
        ("DELETE", f"{ON_DATASET}/{label_id}"),
    ):
        refused = client.open(path, method=method, data=b"{bad", headers=viewer.headers)
        assert refused.status_code == 403
        assert refused.text == "Viewers cannot perform this action."
    assert client.get(LABELS).status_code == 401
