"""`POST /v1/datasets/upload` with a file in a form, as browsers and the Python client send it."""

from __future__ import annotations

import gzip
import json
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from phoenix.client import Client

from tests.factories import add_key
from tests.support import live
from tests.support.forms import CONTENT_TYPE, File, encode, parts_of

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from phoenix_web.settings import Settings
    from tests.conftest import MakeApp
    from tests.factories import SignedIn

TWICE = (
    "Cannot specify both 'split_keys[]' and 'split_key'. "
    "Use 'split_key' for a single column with JSON-encoded split lists."
)
UPLOAD = "/v1/datasets/upload"
CSV = b'q,a,m\nwhat,1,2.50\n"x, y",true,\n null , ,NaN\n'
COLUMNS: dict[str, Any] = {"inputs": ["q"], "outputs": ["a"], "metadata": ["m"]}


def send(client: FlaskClient, caller: SignedIn, body: bytes, **options: Any) -> TestResponse:
    return client.post(
        UPLOAD + "?sync=true",
        data=body,
        headers=caller.headers,
        **{"content_type": CONTENT_TYPE, **options},
    )


def upload(client: FlaskClient, caller: SignedIn, file: File | None, **fields: Any) -> TestResponse:
    return send(client, caller, encode(*parts_of(file, **fields)))


def lines(client: FlaskClient, caller: SignedIn, dataset_id: str) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/datasets/{dataset_id}/jsonl", headers=caller.headers)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def contents(client: FlaskClient, caller: SignedIn, dataset_id: str) -> list[Any]:
    told = lines(client, caller, dataset_id)
    return [[line["input"], line["output"], line["metadata"]] for line in told]


@pytest.mark.parametrize(
    "file",
    [
        File(CSV),
        File(CSV, "Text/CSV"),
        File(gzip.compress(CSV), content_encoding="gzip"),
        File(gzip.compress(CSV[:20]) + gzip.compress(CSV[20:]) + b"\0\0", content_encoding="GZIP"),
        File(zlib.compress(CSV), content_encoding="deflate"),
    ],
)
def test_a_csv_file_becomes_a_dataset(client: FlaskClient, member: SignedIn, file: File) -> None:
    made = upload(client, member, file, **COLUMNS)

    assert made.status_code == 200, made.text
    data = made.get_json()["data"]
    counts = [data[f"num_{what}_examples"] for what in ("created", "updated", "deleted")]
    assert counts == [3, 0, 0]
    assert contents(client, member, data["dataset_id"]) == [
        [{"q": "what"}, {"a": "1"}, {"m": "2.50"}],
        [{"q": "x, y"}, {"a": "true"}, {}],
        [{"q": " null "}, {}, {"m": "NaN"}],
    ]
    path = f"/v1/datasets/{data['dataset_id']}"
    told = client.get(path, headers=member.headers).get_json()["data"]
    assert told["description"] == "data.csv", "the name of the file stands in for a description"


def test_a_jsonl_file_becomes_a_dataset(client: FlaskClient, member: SignedIn) -> None:
    data = b'{"q":1,"a":{"x":null},"s":["t1","t2"],"id":"j1"}\n{"q":"two","zz":2}\n{}'
    file = File(data, "application/jsonl", name="x.jsonl")

    made = upload(
        client,
        member,
        file,
        description="told",
        inputs=["q"],
        outputs=["a"],
        split="s",
        example_id="id",
    )

    assert made.status_code == 200, made.text
    told = lines(client, member, made.get_json()["data"]["dataset_id"])
    assert [line["input"] for line in told] == [{"q": 1}, {"q": "two"}, {}]
    assert told[0]["output"] == {"a": {"x": None}}
    assert [line["splits"] for line in told] == [["t1", "t2"], [], []]
    assert told[0]["id"] == "j1"


def test_an_upload_by_form_says_all_about_splits(client: FlaskClient, member: SignedIn) -> None:
    first = File(b"q,s,id\n1,train,i1\n2,test,i2\n")
    upload(client, member, first, inputs=["q"], split="s", example_id="id")

    again = upload(
        client,
        member,
        File(b"q,id\n1,i1\n"),
        action="Append",
        inputs=["q"],
        example_id="id",
    ).get_json()["data"]

    assert again["num_updated_examples"] == 1
    told = lines(client, member, again["dataset_id"])
    assert [line["splits"] for line in told] == [[], ["test"]]


def test_of_repeated_parts_the_last_counts(client: FlaskClient, member: SignedIn) -> None:
    body = encode(
        ("name", "first"),
        ("name", "second"),
        ("input_keys[]", "q"),
        ("other", File(b"x" * 3_000_000)),
        ("file", File(b"q\n1\n")),
        ("file", File(b"q\n2\n", name="b.csv")),
    )

    made = send(client, member, body)

    assert made.status_code == 200, made.text
    assert contents(client, member, made.get_json()["data"]["dataset_id"]) == [[{"q": "2"}, {}, {}]]
    listed = client.get("/v1/datasets", headers=member.headers).get_json()["data"]
    assert [dataset["name"] for dataset in listed] == ["second"]


@pytest.mark.parametrize(
    ("file", "fields", "message"),
    [
        (File(CSV), {"name": ""}, "Dataset name must not be empty"),
        (File(CSV), {"name": "a\0b"}, "The character U+0000 is not allowed"),
        (File(CSV), {"action": "nope"}, "Invalid dateset action: nope"),
        (None, {}, "Missing file in form data."),
        (None, {"file_as_text": "q\n1\n"}, "Malformed file in form data."),
        (File(CSV, name=""), {}, "Malformed file in form data."),
        (
            File(CSV),
            {"split": "q", "splits": ["a"]},
            TWICE,
        ),
        (File(CSV, ""), {}, "Invalid file content type: "),
        (
            File(CSV, "Text/CSV; charset=utf-8"),
            {},
            "Invalid file content type: text/csv; charset=utf-8",
        ),
        (File(CSV, "application/json"), {}, "Invalid file content type: application/json"),
        (File(CSV, content_encoding="br"), {}, "Invalid file content encoding: br"),
        (File(CSV, content_encoding="Identity"), {}, "Invalid file content encoding: Identity"),
        (File(CSV, content_encoding="gzip"), {}, "File is not valid gzip"),
        (File(b"", content_encoding="gzip"), {}, "File is not valid gzip"),
        (File(CSV, content_encoding="deflate"), {}, "File is not valid deflate"),
        (File(gzip.compress(CSV)[:-9], content_encoding="gzip"), {}, "File is not valid gzip"),
        (File(gzip.compress(CSV) + b"x", content_encoding="gzip"), {}, "File is not valid gzip"),
        (
            File(zlib.compress(CSV) + b"x", content_encoding="deflate"),
            {},
            "File is not valid deflate",
        ),
        (File(b"q\n1\n2,\xff\n"), {}, "Row 3: column 2: not UTF-8"),
        (
            File(CSV),
            {"inputs": ["zz"]},
            "input keys not found in column headers: 'zz'",
        ),
    ],
)
def test_a_wrong_form_is_refused_and_nothing_is_stored(
    client: FlaskClient,
    member: SignedIn,
    file: File | None,
    fields: dict[str, Any],
    message: str,
) -> None:
    refused = upload(client, member, file, **fields)

    assert (refused.status_code, refused.text) == (422, message)
    assert refused.mimetype == "text/plain"
    listed = client.get("/v1/datasets", headers=member.headers).get_json()["data"]
    assert listed == []


@pytest.mark.parametrize(
    ("body", "options", "message"),
    [
        (b"a=1", {"content_type": "multipart/form-data"}, "Missing boundary in multipart."),
        (b"garbage", {}, "Invalid multipart data."),
        (encode(("name", "x"), ("file", File(CSV)))[:-30], {}, "Invalid multipart data."),
        (b"--the-boundary\r\nX: y\r\n\r\nz\r\n--the-boundary--\r\n", {}, "Invalid multipart data."),
        (b"--the-boundary\r\n" + b"X" * 2_000_000, {}, "Invalid multipart data."),
        (
            encode(*[("input_keys[]", "q")] * 1001),
            {},
            "Too many fields. Maximum number of fields is 1000.",
        ),
        (
            encode(*[("file", File(b""))] * 1001),
            {},
            "Too many files. Maximum number of files is 1000.",
        ),
        (encode(("name", "x" * 1048577)), {}, "Part exceeded maximum size of 1024KB."),
        (encode(*[("name", "x" * 1048576)] * 17), {}, "Fields exceeded maximum size of 16384KB."),
    ],
)
def test_a_malformed_body_is_refused(
    client: FlaskClient, member: SignedIn, body: bytes, options: dict[str, Any], message: str
) -> None:
    refused = send(client, member, body, **options)

    assert (refused.status_code, refused.text) == (400, message)


def test_a_field_that_is_not_utf_8_is_named(client: FlaskClient, member: SignedIn) -> None:
    refused = send(client, member, encode(("name", b"\xff")))

    assert refused.status_code == 422
    assert refused.text.startswith("Field 'name' is not UTF-8: ")


def test_the_limits_are_told(make_app: MakeApp, member: SignedIn) -> None:
    app = make_app(max_upload_bytes=100_000, max_upload_rows=5, max_row_bytes=2_000)
    client = app.test_client(use_cookies=False)
    bomb = File(gzip.compress(b"q\n" + b"1\n" * 100_000), content_encoding="gzip")
    # It unpacks to more, and no row of it is needed to see that.
    blank = File(gzip.compress(b"q\n" + b"\n" * 100_000), content_encoding="gzip")

    answers = [
        upload(client, member, File(b"q\n" + b"1\n" * 60_000)),
        upload(client, member, blank),
        upload(client, member, bomb),
        upload(client, member, File(b"q\n" + b"1" * 2001)),
        client.post(UPLOAD, json={"name": "x", "inputs": [{}] * 6}, headers=member.headers),
    ]

    assert [(answer.status_code, answer.text) for answer in answers] == [
        (413, "The request body is larger than 100000 bytes"),
        (413, "The unpacked file is larger than 100000 bytes"),
        (413, "The file has more than 5 rows"),
        (413, "Row 2 is longer than 2000 bytes"),
        (413, "The upload has more than 5 examples"),
    ]
    assert client.get("/v1/datasets", headers=member.headers).get_json()["data"] == []
    assert upload(client, member, File(b"q\n" + b"1\n" * 5)).status_code == 200


def test_a_body_that_does_not_tell_its_length_is_limited_too(
    make_app: MakeApp, member: SignedIn
) -> None:
    client = make_app(max_upload_bytes=100_000).test_client(use_cookies=False)
    body = encode(*parts_of(File(b"q\n" + b"1\n" * 100_000)))

    refused = client.post(
        UPLOAD,
        input_stream=BytesIO(body),
        content_type=CONTENT_TYPE,
        headers=member.headers,
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert refused.status_code == 413
    assert refused.text == "The request body is larger than 100000 bytes"


def test_nobodys_file_is_read_before_they_are_known_and_allowed(
    client: FlaskClient, viewer: SignedIn
) -> None:
    body = b"garbage"

    assert send(client, viewer, body).status_code == 403
    assert client.post(UPLOAD, data=body, content_type=CONTENT_TYPE).status_code == 401


def test_the_python_client_uploads_files_and_lists(
    app: Flask, settings: Settings, member: SignedIn, tmp_path: Path
) -> None:
    key = add_key(app, member)
    table = tmp_path / "table.csv"
    table.write_text("question,answer,part,key\nwhat?,42,train,k1\nwho?,,test,k2\n")
    environment = {**live.environment_of(settings), "PHOENIX_WORKING_DIR": str(tmp_path / "live")}

    with live.running_server(environment, workers=1) as server:
        datasets = Client(base_url=server.url, api_key=key.text).datasets
        made = datasets.create_dataset(
            name="table",
            csv_file_path=table,
            input_keys=["question"],
            output_keys=["answer"],
            split_key="part",
            example_id_key="key",
        )
        added = datasets.add_examples_to_dataset(
            dataset="table", inputs=[{"question": "why?"}], outputs=[{"answer": "so"}]
        )
        found = datasets.get_dataset(dataset="table", splits=["train"])
        replaced = datasets.create_dataset(name="table", inputs=[{"question": "what?"}])

    assert [(e["id"], e["input"], e["output"]) for e in made.examples] == [
        ("k1", {"question": "what?"}, {"answer": "42"}),
        ("k2", {"question": "who?"}, {}),
    ]
    assert len(added.examples) == 3
    assert added.version_id != made.version_id
    assert [example["id"] for example in found.examples] == ["k1"]
    assert [example["input"] for example in replaced.examples] == [{"question": "what?"}]
    assert replaced.id == made.id
