"""`/v1/datasets/{identifier}/splits`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from phoenix_web.global_ids import encode

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeKey
    from tests.factories import SignedIn

SPLITS = "/v1/datasets/spl/splits"
UNKNOWN_DATASET = encode("Dataset", 999999)
UNKNOWN_SPLIT = encode("DatasetSplit", 999999)
BIG = 2**63


class Caller:
    """A member with a dataset `spl` of three examples: x0 in tr, x1 in tr and te, one in te."""

    def __init__(self, client: FlaskClient, member: SignedIn) -> None:
        self.client = client
        self.headers = member.headers
        made = self.upload(
            "spl",
            inputs=[{"n": 0}, {"n": 1}, {"n": 2}],
            example_ids=["x0", "x1", None],
            splits=["tr", ["tr", "te"], "te"],
        )
        self.dataset_id: str = made["dataset_id"]

    def upload(self, name: str, **fields: Any) -> dict[str, Any]:
        made = self.client.post(
            "/v1/datasets/upload", json={"name": name, **fields}, headers=self.headers
        )
        assert made.status_code == 200, made.text
        data: dict[str, Any] = made.get_json()["data"]
        return data

    def list(self, query: str = "", path: str = SPLITS) -> TestResponse:
        return self.client.get(path + query, headers=self.headers)

    def names(self, query: str = "", path: str = SPLITS) -> dict[str, int]:
        page = self.list(query, path).get_json()["data"]
        return {split["name"]: split["example_count"] for split in page}

    def create(self, path: str = SPLITS, /, **fields: Any) -> TestResponse:
        return self.client.post(path, json=fields, headers=self.headers)

    def created(self, **fields: Any) -> dict[str, Any]:
        made = self.create(**fields)
        assert made.status_code == 201, made.text
        data: dict[str, Any] = made.get_json()["data"]
        return data

    def patch(self, split_id: str, /, *, path: str = SPLITS, **fields: Any) -> TestResponse:
        return self.client.patch(f"{path}/{split_id}", json=fields, headers=self.headers)

    def delete(self, split_id: str, path: str = SPLITS) -> TestResponse:
        return self.client.delete(f"{path}/{split_id}", headers=self.headers)


@pytest.fixture
def caller(client: FlaskClient, member: SignedIn) -> Caller:
    return Caller(client, member)


def test_the_splits_of_a_dataset_are_listed_with_their_live_members(caller: Caller) -> None:
    page = caller.list().get_json()

    assert page["next_cursor"] is None
    assert [list(split) for split in page["data"]] == [
        [
            "id",
            "name",
            "description",
            "color",
            "metadata",
            "example_count",
            "created_at",
            "updated_at",
        ]
    ] * 2
    assert {split["color"] for split in page["data"]} == {"#808080"}
    assert caller.names() == {"te": 2, "tr": 2}
    assert caller.names(path=f"/v1/datasets/{caller.dataset_id}/splits") == {"te": 2, "tr": 2}
    quoted = caller.dataset_id.replace("=", "%3D")
    assert caller.names(path=f"/v1/datasets/{quoted}/splits") == {"te": 2, "tr": 2}


def test_pages_of_splits_follow_each_other(caller: Caller) -> None:
    for name in ("a", "b", "c"):
        caller.created(name=name, example_ids=["x0"])

    page = caller.list("?limit=2").get_json()
    rest = caller.list(f"?limit=5&cursor={page['next_cursor']}").get_json()

    assert [split["name"] for split in page["data"]] == ["c", "b"]
    assert rest["data"][0]["id"] == page["next_cursor"]
    assert len(rest["data"]) == 3
    assert rest["next_cursor"] is None


def test_a_new_split_is_trimmed_and_listed_once_it_has_members(caller: Caller) -> None:
    alpha = caller.created(name=" alpha ", description="")

    created = {key: alpha[key] for key in ("name", "description", "color", "metadata")}
    assert created == {"name": "alpha", "description": None, "color": "#33c5e8", "metadata": {}}
    assert alpha["example_count"] == 0
    assert "alpha" not in caller.names()
    assert caller.patch(alpha["id"], add_example_ids=["x0"]).status_code == 200
    assert caller.names()["alpha"] == 1


def test_members_are_named_by_either_id(caller: Caller) -> None:
    node_id = encode("DatasetExample", 3)  # of the third example in a new database

    beta = caller.created(
        name="beta",
        description="d",
        color="red",
        metadata={"k": [1, None, {"x": 2**70}]},
        example_ids=[node_id, "x1", node_id],
    )

    assert beta["example_count"] == 2
    assert beta["metadata"] == {"k": [1, None, {"x": 2**70}]}
    assert beta["color"] == "red"


def test_a_split_with_more_members_than_a_statement_takes_is_made(caller: Caller) -> None:
    ids = [f"e{number}" for number in range(35_000)]
    caller.upload("many", inputs=[{}] * len(ids), example_ids=ids)

    made = caller.create("/v1/datasets/many/splits", name="all", example_ids=ids)

    assert made.get_json()["data"]["example_count"] == 35_000


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"name": "tr"}, 409, "A dataset split named 'tr' already exists"),
        ({"name": "  "}, 422, "Dataset split name cannot be empty"),
        ({"name": "c", "color": " "}, 422, "Dataset split color cannot be empty"),
        (
            {"name": "c", "example_ids": ["nope", "x0", "RGF0YXNldEV4YW1wbGU6OTk5OTk5"]},
            404,
            "Dataset examples not found in this dataset: nope, RGF0YXNldEV4YW1wbGU6OTk5OTk5",
        ),
    ],
)
def test_a_wrong_split_is_refused_in_one_sentence(
    caller: Caller, fields: dict[str, Any], status: int, text: str
) -> None:
    refused = caller.create(**fields)

    assert (refused.status_code, refused.text) == (status, text)
    assert refused.mimetype == "text/plain"
    # Nothing was added, so that the name is still free.
    assert caller.names() == {"te": 2, "tr": 2}
    assert caller.create(name="c").status_code == 201


@pytest.mark.parametrize(
    ("fields", "kind", "place"),
    [
        ({}, "missing", ["body", "name"]),
        ({"name": None}, "string_type", ["body", "name"]),
        ({"name": "a\0b"}, "value_error", ["body", "name"]),
        ({"name": "c", "color": "\0"}, "value_error", ["body", "color"]),
        ({"name": "c", "metadata": None}, "dict_type", ["body", "metadata"]),
        ({"name": "c", "metadata": []}, "dict_type", ["body", "metadata"]),
        ({"name": "c", "metadata": {"a": ["\0"]}}, "value_error", ["body", "metadata"]),
        ({"name": "c", "metadata": {"\ud800": 1}}, "value_error", ["body", "metadata"]),
        ({"name": "c", "example_ids": None}, "list_type", ["body", "example_ids"]),
        ({"name": "c", "example_ids": [5]}, "string_type", ["body", "example_ids", 0]),
        ({"name": "c", "example_ids": ["\ud800"]}, "value_error", ["body", "example_ids", 0]),
    ],
)
def test_a_wrong_field_is_named(
    caller: Caller, fields: dict[str, Any], kind: str, place: list[str | int]
) -> None:
    refused = caller.create(**fields)

    assert refused.status_code == 422
    fault = refused.get_json()["detail"][0]
    assert (fault["type"], fault["loc"]) == (kind, place)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "missing"),
        (b"[1]", "model_attributes_type"),
        (b"{bad", "json_invalid"),
        (b'{"name": "c", "metadata": {"n": NaN}}', "json_invalid"),
        (b'{"name": "c", "metadata": {"n": 1e400}}', "json_invalid"),
    ],
)
def test_a_body_that_is_no_object_is_refused(caller: Caller, body: bytes, kind: str) -> None:
    refused = caller.client.post(
        SPLITS, data=body, headers=caller.headers, content_type="application/json"
    )

    assert refused.status_code == 422
    assert refused.get_json()["detail"][0]["type"] == kind


@pytest.mark.parametrize(
    ("identifier", "text"),
    [
        ("nosuch", "Dataset with name nosuch not found"),
        (UNKNOWN_DATASET, f"Dataset with ID {UNKNOWN_DATASET} not found"),
        (UNKNOWN_SPLIT, f"Dataset with name {UNKNOWN_SPLIT} not found"),
        (encode("Dataset", BIG), f"Dataset with name {encode('Dataset', BIG)} not found"),
        ("%00", "Dataset with name \0 not found"),
    ],
)
def test_an_unknown_dataset_is_not_found_everywhere(
    caller: Caller, identifier: str, text: str
) -> None:
    path = f"/v1/datasets/{identifier}/splits"
    split_id = caller.created(name="alpha")["id"]

    answers = [
        caller.list(path=path),
        caller.create(path, name="q"),
        caller.patch(split_id, path=path),
        caller.delete(split_id, path=path),
    ]

    assert [(answer.status_code, answer.text) for answer in answers] == [(404, text)] * 4


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("?limit=1001", "less_than_equal"),
        ("?limit=0", "greater_than"),
        ("?limit=", "int_parsing"),
        ("?limit=1.5", "int_parsing"),
    ],
)
def test_a_page_has_bounds(caller: Caller, query: str, kind: str) -> None:
    refused = caller.list(query)

    assert refused.status_code == 422
    assert refused.get_json()["detail"][0]["type"] == kind


@pytest.mark.parametrize(
    "cursor",
    [
        "bad",
        UNKNOWN_DATASET,
        encode("DatasetSplit", 2**31),
        encode("DatasetSplit", BIG),
        encode("DatasetSplit", -1),
    ],
)
def test_a_malformed_cursor_is_refused(caller: Caller, cursor: str) -> None:
    refused = caller.list(f"?cursor={cursor}")

    assert (refused.status_code, refused.text) == (422, f"Invalid cursor format: {cursor}")
    assert caller.list(f"?cursor={UNKNOWN_SPLIT}").status_code == 200


def test_a_patch_changes_what_it_names(caller: Caller) -> None:
    beta = caller.created(name="beta", description="d", color="red", metadata={"k": 1})

    same = caller.patch(beta["id"], name="beta", metadata=None).get_json()["data"]
    changed = caller.patch(
        beta["id"], name=" beta2 ", description="", color="#ff0000", metadata={"k": True}
    ).get_json()["data"]

    assert same == beta
    told = {key: changed[key] for key in ("id", "name", "description", "color", "metadata")}
    assert told == {
        "id": beta["id"],
        "name": "beta2",
        "description": None,
        "color": "#ff0000",
        "metadata": {"k": True},
    }
    assert changed["metadata"]["k"] is True
    assert changed["updated_at"] > beta["updated_at"]
    assert caller.create(name="beta").status_code == 201
    assert caller.create(name="beta2").status_code == 409


def test_membership_does_not_count_as_a_change_of_the_split(caller: Caller) -> None:
    beta = caller.created(name="beta", example_ids=["x0"])

    more = caller.patch(beta["id"], add_example_ids=["x0", "x1"]).get_json()["data"]
    both = caller.patch(
        beta["id"], add_example_ids=["x0"], remove_example_ids=["x0", "x0"]
    ).get_json()["data"]
    again = caller.patch(beta["id"], remove_example_ids=["x0"]).get_json()["data"]

    assert [beta["example_count"], more["example_count"]] == [1, 2]
    assert [both["example_count"], again["example_count"]] == [1, 1]
    assert {split["updated_at"] for split in (beta, more, both, again)} == {beta["updated_at"]}


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"name": "tr"}, 409, "A dataset split with this name already exists"),
        ({"name": None}, 422, "Dataset split name cannot be empty"),
        ({"name": " "}, 422, "Dataset split name cannot be empty"),
        ({"color": None}, 422, "Dataset split color cannot be empty"),
        ({"color": ""}, 422, "Dataset split color cannot be empty"),
        (
            {"color": "blue", "add_example_ids": ["x0"], "remove_example_ids": ["bad"]},
            404,
            "Dataset examples not found in this dataset: bad",
        ),
    ],
)
def test_a_wrong_patch_changes_nothing(
    caller: Caller, fields: dict[str, Any], status: int, text: str
) -> None:
    beta = caller.created(name="beta", color="red")

    refused = caller.patch(beta["id"], **fields)

    assert (refused.status_code, refused.text) == (status, text)
    assert caller.patch(beta["id"]).get_json()["data"] == beta


@pytest.mark.parametrize("split_id", ["bad", "tr", UNKNOWN_DATASET, encode("DatasetSplit", BIG)])
def test_a_malformed_split_id_is_refused(caller: Caller, split_id: str) -> None:
    for refused in (caller.patch(split_id), caller.delete(split_id)):
        assert (refused.status_code, refused.text) == (
            422,
            f"Invalid dataset split ID: {split_id}",
        )


def test_a_deleted_split_is_gone_for_all_datasets(caller: Caller) -> None:
    caller.upload("other", inputs=[{"o": 1}], splits=["tr"])
    split_id = next(s["id"] for s in caller.list().get_json()["data"] if s["name"] == "tr")

    through_other = caller.patch(split_id, path="/v1/datasets/other/splits", description="x")
    deleted = caller.delete(split_id)

    assert through_other.get_json()["data"]["example_count"] == 1
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert caller.names() == {"te": 2}
    assert caller.names(path="/v1/datasets/other/splits") == {}
    text = f"Dataset split with ID {split_id} not found"
    for refused in (caller.delete(split_id), caller.patch(split_id)):
        assert (refused.status_code, refused.text) == (404, text)


def test_viewers_read_splits_and_write_none(
    caller: Caller, client: FlaskClient, viewer: SignedIn, make_key: MakeKey
) -> None:
    headers = make_key(viewer).headers

    assert client.get(SPLITS, headers=headers).status_code == 200
    for answer in (
        client.post(SPLITS, json={"name": " "}, headers=headers),
        client.patch(f"{SPLITS}/bad", data=b"{bad", headers=headers),
        client.delete(f"{SPLITS}/bad", headers=headers),
    ):
        assert answer.status_code == 403
        assert answer.text == "Viewers cannot perform this action."
    assert client.post(SPLITS, data=json.dumps({"name": "a"})).status_code == 401
    assert caller.names() == {"te": 2, "tr": 2}


def test_a_split_may_be_as_large_as_an_upload(caller: Caller) -> None:
    text = "y" * (1024 * 1024)  # more than any other body may have

    made = caller.created(name="large", description=text)

    assert caller.patch(made["id"], description=f"{text}z").status_code == 200
