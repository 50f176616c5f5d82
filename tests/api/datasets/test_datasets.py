"""`/v1/datasets`: list, one dataset, and JSON uploads that create."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from phoenix_web.api.paging import MAX_PAGE
from phoenix_web.global_ids import encode
from phoenix_web.store.datasets.models import Dataset, DatasetVersion
from tests import factories

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp, MakeKey
    from tests.factories import SignedIn

UPLOAD = "/v1/datasets/upload"


def upload(
    client: FlaskClient,
    caller: SignedIn,
    name: str = "qa",
    query: str = "?sync=true",
    **fields: Any,
) -> TestResponse:
    body = {"name": name, "inputs": [{"q": 1}], **fields}
    return client.post(UPLOAD + query, json=body, headers=caller.headers)


def get(client: FlaskClient, caller: SignedIn, path: str = "") -> TestResponse:
    return client.get(f"/v1/datasets{path}", headers=caller.headers)


class Unreadable(BytesIO):
    """A body that nobody may read."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def test_a_new_dataset_is_told_by_id_by_name_and_in_the_list(
    client: FlaskClient, member: SignedIn
) -> None:
    made = upload(
        client, member, description="first", inputs=[{"q": 1}, {"q": 2}], outputs=[{"a": 1}, {}]
    )

    assert made.status_code == 200
    result = made.get_json()["data"]
    assert list(result) == [
        "dataset_id",
        "version_id",
        "num_created_examples",
        "num_updated_examples",
        "num_deleted_examples",
    ]
    assert list(result.values())[2:] == [2, 0, 0]
    told = get(client, member, f"/{result['dataset_id']}").get_json()["data"]
    assert list(told) == [
        "id",
        "name",
        "description",
        "metadata",
        "created_at",
        "updated_at",
        "example_count",
    ]
    moment = datetime.fromisoformat(told.pop("created_at"))
    assert told.pop("updated_at").endswith("+00:00")
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60
    assert told == {
        "id": result["dataset_id"],
        "name": "qa",
        "description": "first",
        "metadata": {},
        "example_count": 2,
    }
    for path in ("", "?name=qa", "?name=", "?foo=bar", "?limit=5.0", "?limit=%205", "?cursor="):
        page = get(client, member, path).get_json()
        assert [dataset["id"] for dataset in page["data"]] == [result["dataset_id"]]
        assert page["next_cursor"] is None
    assert get(client, member, "?name=QA").get_json() == {"data": [], "next_cursor": None}


def test_a_dataset_that_never_had_an_example_can_be_fetched(
    client: FlaskClient, member: SignedIn
) -> None:
    result = upload(client, member, inputs=[]).get_json()["data"]

    told = get(client, member, f"/{result['dataset_id']}")

    assert told.status_code == 200
    assert told.get_json()["data"]["example_count"] == 0
    assert result["version_id"]


@pytest.mark.parametrize("query", ["", "?sync=false", "?sync=1", "?sync=YES", "?sync=t"])
def test_the_result_is_answered_always(client: FlaskClient, member: SignedIn, query: str) -> None:
    assert upload(client, member, query=query).get_json()["data"]["num_created_examples"] == 1
    assert upload(client, member, query=query).status_code == 409


@pytest.mark.parametrize("value", ["abc", "", "2"])
def test_sync_is_a_truth_value(client: FlaskClient, member: SignedIn, value: str) -> None:
    refused = upload(client, member, query=f"?sync={value}")

    assert refused.status_code == 422
    assert refused.get_json()["detail"][0]["type"] == "bool_parsing"
    assert refused.get_json()["detail"][0]["loc"] == ["query", "sync"]


def test_a_name_that_is_taken_is_a_conflict(client: FlaskClient, member: SignedIn) -> None:
    upload(client, member)

    refused = upload(client, member, inputs=[{"other": 1}])

    assert refused.status_code == 409
    assert refused.text == 'A dataset named "qa" already exists.'
    assert refused.mimetype == "text/plain"
    assert get(client, member).get_json()["data"][0]["example_count"] == 1


def test_of_six_creations_of_one_name_at_once_one_wins(app: Flask, member: SignedIn) -> None:
    def create(_: int) -> int:
        inputs = [{"n": n} for n in range(200)]
        client = app.test_client(use_cookies=False)
        return upload(client, member, inputs=inputs, splits=["train"] * 200).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(create, range(6)))

    assert statuses == [200, 409, 409, 409, 409, 409]
    listed = get(app.test_client(use_cookies=False), member).get_json()["data"]
    assert [dataset["example_count"] for dataset in listed] == [200]


def test_creations_of_different_names_at_once_all_succeed(app: Flask, member: SignedIn) -> None:
    splits = [f"split {n}" for n in range(20)]

    def create(number: int) -> int:
        client = app.test_client(use_cookies=False)
        turned = splits if number % 2 else splits[::-1]
        return upload(client, member, f"d{number}", inputs=[{}] * 20, splits=turned).status_code

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(create, range(6))) == [200] * 6


def test_ids_that_name_stored_examples_are_refused_in_a_new_dataset(
    client: FlaskClient, member: SignedIn
) -> None:
    one, other = encode("DatasetExample", 999998), encode("DatasetExample", 999999)
    ids = [one, encode("Dataset", 1), other]

    refused = upload(client, member, inputs=[{}, {}, {}], example_ids=ids)

    assert refused.status_code == 422
    assert refused.text == (
        f"No examples found in this dataset with the following IDs: '{one}', '{other}'"
    )
    assert get(client, member).get_json()["data"] == []


def test_a_refused_upload_leaves_nothing(client: FlaskClient, member: SignedIn) -> None:
    refused = upload(client, member, inputs=[{"a": 1}], splits=[5])

    assert refused.status_code == 422
    assert refused.text == "Split value must be a string, list of strings, or None, got int"
    assert get(client, member).get_json()["data"] == []


@pytest.mark.parametrize("action", ["replace", "UPSERT"])
def test_an_action_that_is_not_known_is_refused(
    client: FlaskClient, member: SignedIn, action: str
) -> None:
    refused = upload(client, member, action=action)

    assert (refused.status_code, refused.text) == (
        422,
        f"Invalid dateset action: {action.lower()}",
    )


@pytest.mark.parametrize(
    ("content_type", "status", "message"),
    [
        (None, 400, "Missing content-type header"),
        ("", 400, "Missing content-type header"),
        ("text/plain", 422, "Invalid request Content-Type"),
        ("Application/JSON", 422, "Invalid request Content-Type"),
        (
            "multipart/form-data; boundary=x",
            400,
            "Invalid multipart data.",
        ),
    ],
)
def test_another_content_type_is_refused(
    client: FlaskClient, member: SignedIn, content_type: str | None, status: int, message: str
) -> None:
    refused = client.post(UPLOAD, data="{}", content_type=content_type, headers=member.headers)

    assert (refused.status_code, refused.text) == (status, message)


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/jsonl", "application/json"]
)
def test_what_begins_like_json_is_read_as_json(
    client: FlaskClient, member: SignedIn, content_type: str
) -> None:
    body = b'{"name":"x","inputs":[{"a":1,"a":2}]}'

    made = client.post(UPLOAD, data=body, content_type=content_type, headers=member.headers)

    assert made.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "[1]",
        '{"name":"x","inputs":[{"a":NaN}]}',
        '{"name":"x","inputs":[{"a":1e999}]}',
        '{"name":"x","inputs":[{"a":1180591620717411303424}]}',
        '{"name":"x","inputs":[{"a":"\\ud800"}]}',
        '{"name":"x","inputs":[{"a":"\\u0000"}]}',
        '{"name":"x\\u0000","inputs":[]}',
        '{"name":{},"inputs":[{}],"description":{}}',
        '{"name":"x","inputs":[{}],"description":{}}',
        '{"name":"x","inputs":[{}],"action":"\\ud800"}',
        '{"name":"x","inputs":[' + '{"a":' * 300 + "1" + "}" * 300 + "]}",
        "[" * 100_000,
    ],
)
def test_a_body_that_cannot_be_stored_is_a_clear_refusal(
    client: FlaskClient, member: SignedIn, body: str
) -> None:
    refused = client.post(
        UPLOAD, data=body, content_type="application/json", headers=member.headers
    )

    assert refused.status_code == 422
    assert refused.mimetype == "text/plain"
    assert refused.text
    assert get(client, member).get_json()["data"] == []


def test_a_body_longer_than_the_limit_is_refused_with_the_limit(
    make_app: MakeApp, member: SignedIn
) -> None:
    client = make_app(max_upload_bytes=4096, max_body_bytes=1024).test_client(use_cookies=False)

    fits = upload(client, member, "fits", inputs=[{"a": "x" * 3000}])
    refused = upload(client, member, "long", inputs=[{"a": "x" * 5000}])

    assert fits.status_code == 200
    assert (refused.status_code, refused.text) == (
        413,
        "The request body is larger than 4096 bytes",
    )


def test_a_viewer_reads_and_does_not_upload(
    client: FlaskClient, viewer: SignedIn, member: SignedIn
) -> None:
    result = upload(client, member).get_json()["data"]

    refused = client.post(UPLOAD, input_stream=Unreadable(), headers=viewer.headers)

    assert (refused.status_code, refused.text) == (403, "Viewers cannot perform this action.")
    assert get(client, viewer).status_code == 200
    assert get(client, viewer, f"/{result['dataset_id']}").status_code == 200


def test_nobody_is_refused_before_the_body_is_read(client: FlaskClient) -> None:
    refused = client.post(
        UPLOAD, input_stream=Unreadable(), content_type="application/json", content_length=5
    )

    assert refused.status_code == 401
    assert client.get("/v1/datasets").status_code == 401
    assert client.get("/v1/datasets?limit=0").status_code == 401
    assert client.get("/v1/datasets/zzz").status_code == 401


def test_an_upload_is_attributed_to_its_user_and_outlives_them(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(member)
    client.post(UPLOAD, json={"name": "x", "inputs": [{}]}, headers=key.headers)
    database = factories.services_of(app).database

    def owners() -> list[int | None]:
        with database.reading() as session:
            return [
                session.execute(select(column)).scalar_one()
                for column in (Dataset.user_id, DatasetVersion.user_id)
            ]

    assert owners() == [member.user_id] * 2
    client.delete(f"/v1/users/{member.global_id}", headers=admin.headers)
    assert owners() == [None, None]
    assert len(get(client, admin).get_json()["data"]) == 1


def test_without_authentication_an_upload_is_nobodys(make_app: MakeApp) -> None:
    client = make_app(enable_auth=False).test_client(use_cookies=False)

    made = client.post(UPLOAD, json={"name": "x", "inputs": [{}]})

    assert made.status_code == 200
    assert client.get("/v1/datasets").get_json()["data"][0]["name"] == "x"


def test_pages_lead_from_the_newest_to_the_oldest(client: FlaskClient, member: SignedIn) -> None:
    names = [f"d{n}" for n in range(12)]
    for name in names:
        upload(client, member, name)

    seen: list[str] = []
    path = "?limit=5"
    while path:
        page = get(client, member, path).get_json()
        seen += [dataset["name"] for dataset in page["data"]]
        path = f"?limit=5&cursor={page['next_cursor']}" if page["next_cursor"] else ""

    assert seen == names[::-1]
    assert len(get(client, member).get_json()["data"]) == 10
    unknown = get(client, member, f"?limit=1&cursor={encode('Dataset', 999999)}").get_json()
    assert unknown["data"][0]["name"] == "d11"


def test_a_page_is_bounded_and_its_cursor_leads_to_the_rest(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    now = datetime.now(UTC)
    with factories.services_of(app).database.transaction() as session:
        session.add_all(
            Dataset(
                name=str(n),
                name_key=n.to_bytes(16),
                metadata_json="{}",
                example_count=0,
                created_at=now,
                updated_at=now,
            )
            for n in range(MAX_PAGE + 1)
        )

    first = get(client, member, f"?limit={2**63 - 1}").get_json()
    last = get(client, member, f"?limit={MAX_PAGE}&cursor={first['next_cursor']}").get_json()

    assert len(first["data"]) == MAX_PAGE
    assert len(last["data"]) == 1
    assert last["next_cursor"] is None


@pytest.mark.parametrize(
    ("limit", "kind"),
    [
        ("0", "greater_than"),
        ("-1", "greater_than"),
        ("abc", "int_parsing"),
        ("1.5", "int_parsing"),
        ("", "int_parsing"),
        ("9223372036854775808", "less_than_equal"),
        ("9" * 4000, "less_than_equal"),
        ("9" * 9999, "int_parsing_size"),
    ],
)
def test_a_limit_that_is_none_is_refused(
    client: FlaskClient, member: SignedIn, limit: str, kind: str
) -> None:
    refused = get(client, member, f"?limit={limit}")

    assert refused.status_code == 422
    assert refused.get_json()["detail"][0]["type"] == kind
    assert refused.get_json()["detail"][0]["loc"] == ["query", "limit"]


@pytest.mark.parametrize(
    "cursor",
    ["zzz", encode("DatasetVersion", 1), encode("Dataset", -1), encode("Dataset", 2**31), "%00"],
)
def test_a_cursor_that_is_none_is_refused(
    client: FlaskClient, member: SignedIn, cursor: str
) -> None:
    refused = get(client, member, f"?cursor={cursor}")

    assert refused.status_code == 422
    assert refused.text == f"Invalid cursor format: {cursor}".replace("%00", "\x00")


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("zzz", 422, "Invalid dataset ID format: zzz"),
        ("qa", 422, "Invalid dataset ID format: qa"),
        ("upload", 422, "Invalid dataset ID format: upload"),
        ("RGF0YXNldDphYmM=", 422, "Invalid dataset ID format: RGF0YXNldDphYmM="),
        (encode("Dataset", 2**63), 422, f"Invalid dataset ID format: {encode('Dataset', 2**63)}"),
        (
            encode("DatasetVersion", 1),
            404,
            f"ID {encode('DatasetVersion', 1)} refers to a fDatasetVersion",
        ),
        (
            encode("Dataset", 999999),
            404,
            f"Dataset with ID {encode('Dataset', 999999)} not found",
        ),
    ],
)
def test_an_id_of_no_dataset_is_refused(
    client: FlaskClient, member: SignedIn, text: str, status: int, message: str
) -> None:
    told = get(client, member, f"/{text}")

    assert (told.status_code, told.text) == (status, message)


def test_an_id_may_be_percent_encoded(client: FlaskClient, member: SignedIn) -> None:
    dataset_id = upload(client, member).get_json()["data"]["dataset_id"]

    assert get(client, member, "/" + dataset_id.replace("=", "%3D")).status_code == 200


def test_a_name_with_a_nul_names_nothing(client: FlaskClient, member: SignedIn) -> None:
    assert get(client, member, "?name=a%00").get_json()["data"] == []


def test_the_routes_describe_themselves(client: FlaskClient) -> None:
    paths = json.loads(client.get("/openapi.json").data)["paths"]

    assert set(paths["/v1/datasets"]) == {"get"}
    assert set(paths["/v1/datasets/{dataset_id}"]) == {"delete", "get"}
    described = paths["/v1/datasets/upload"]["post"]
    assert described["requestBody"]["required"] is True
    assert {"200", "400", "401", "403", "409", "413", "415", "422"} <= set(described["responses"])
