"""The recorded exchanges of Phoenix 20.26.1 about datasets, replayed in order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.global_ids import encode
from phoenix_web.store.datasets.models import Dataset, text_key
from tests.contract.datasets_walk import Walk
from tests.contract.replay import Deviation, assert_replayed, assert_table_is_valid, load
from tests.factories import services_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeKey
    from tests.factories import SignedIn

EXCHANGES: Final = load("phoenix-20.26.1-datasets.json")

TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
JSON: Final = {"content-type": "application/json"}
#: The challenge of an answer that asks for a credential.
CHALLENGE: Final = {**TEXT, "www-authenticate": 'Bearer realm="Arize Phoenix"'}

FAILED: Final = "A request that is wrong is 4xx, and says how."
ALWAYS: Final = "The result is answered always, so that nothing is lost silently."
UNKNOWN: Final = "An unknown dataset is 404 on every route."
NO_VERSION: Final = "An empty file would look like an empty version."
NAMES: Final = "A text tells names, not Python's sets."
ROW: Final = "A text tells the row."
VALUES: Final = "Integers and booleans are spelt as JSON spells them."
STORED: Final = "What is valid is stored."


def _uploaded(dataset: str, version: str, created: int) -> dict[str, Any]:
    return {
        "data": {
            "dataset_id": f"<GlobalID Dataset{dataset}>",
            "version_id": f"<GlobalID DatasetVersion{version}>",
            "num_created_examples": created,
            "num_updated_examples": 0,
            "num_deleted_examples": 0,
        }
    }


def _names(bucket: str, name: str) -> Deviation:
    return Deviation(NAMES, body=f"{bucket} keys not found in column headers: '{name}'")


UNREAD: Final = Deviation(
    "Nobody's body is read before they are known.", 401, "Invalid token", CHALLENGE
)
MISSING: Final = Deviation("What is not there is 404.", 404, "Not Found", TEXT)
NO_SUCH_VERSION: Final = Deviation(
    NO_VERSION,
    404,
    "No dataset version with id RGF0YXNldFZlcnNpb246OTk5OTk5 can be found.",
    {**TEXT, "content-disposition": None},
)
CSV: Final = Deviation(
    VALUES,
    body="id,node_id,input.q,input.n.x,input.n.y.z,output.o,splits,"
    "input.t,input.f,input.nul,input.messages,input.tools,output.messages\n"
    'a,<GlobalID DatasetExample #33>,"a,b",1,"[1, ""é""]",1,"[""s,1""]",,,,,,\n'
    '<GlobalID DatasetExample #34>,<GlobalID DatasetExample #34>,"line\nbreak",,,,'
    '"[""b"", ""é""]",true,1.5,,,,\n'
    "c,<GlobalID DatasetExample #35>,last,,,,[],,,,"
    '"[{""role"": ""user"", ""content"": ""hi""}]","[{""type"": ""function""}]",'
    '"[{""role"": ""assistant"", ""content"": ""yo""}]"\n',
)

DEVIATIONS: Final[dict[str, Deviation]] = {
    # Who is asked, and what is there.
    "auth: malformed JSON body is reported before the missing token on body-model routes": UNREAD,
    "routing: unknown GET path falls through to the web app": MISSING,
    "routing: trailing slash is not the list route": MISSING,
    "routing: wrong method": Deviation(
        "`Allow` tells which methods there are.", headers={"allow": "GET, HEAD, OPTIONS"}
    ),
    "versions: unknown dataset is an empty page, not 404": Deviation(
        UNKNOWN, 404, "Dataset does not exist", TEXT
    ),
    "delete: versions afterwards": Deviation(UNKNOWN, 404, "Dataset does not exist", TEXT),
    "csv: unknown dataset": Deviation(UNKNOWN, 404),
    "jsonl: unknown dataset": Deviation(UNKNOWN, 404),
    "openai_ft: unknown dataset": Deviation(UNKNOWN, 404),
    "delete: csv afterwards": Deviation(UNKNOWN, 404),
    "csv: unknown version is an empty file": NO_SUCH_VERSION,
    "jsonl: unknown version is an empty file": NO_SUCH_VERSION,
    # Failures of Phoenix.
    "list: limit beyond 64 bit (defect)": Deviation(
        FAILED,
        422,
        {
            "detail": [
                {
                    "type": "less_than_equal",
                    "loc": ["query", "limit"],
                    "msg": f"Input should be less than or equal to {2**63 - 1}",
                    "input": "10000000000000000000",
                    "ctx": {"le": 2**63 - 1},
                }
            ]
        },
        JSON,
    ),
    "get: integer part not a number (defect)": Deviation(
        FAILED, 422, "Invalid dataset ID format: RGF0YXNldDphYmM="
    ),
    "get: dataset that never had an example (defect)": Deviation(
        "It is there, and has 0 examples.",
        200,
        {
            "data": {
                "id": "<GlobalID Dataset #7>",
                "name": "empty-ds",
                "description": "",
                "metadata": {},
                "created_at": "<iso8601>",
                "updated_at": "<iso8601>",
                "example_count": 0,
            }
        },
        JSON,
    ),
    "upload json: top level array (defect)": Deviation(
        FAILED, 422, "The body should be a JSON object"
    ),
    "upload json: NaN (defect)": Deviation(
        FAILED, 422, "NaN is not allowed: JSON has no such number"
    ),
    "upload json: integer above 64 bit (defect)": Deviation(
        FAILED, 422, "An integer is out of range: at most 64 bits are allowed"
    ),
    "semantics 9: same example addressed twice with two contents (defect)": Deviation(
        FAILED, 422, "Two ids of one example in request: 'e2' and '<GlobalID DatasetExample #5>'"
    ),
    "multipart: encoding says gzip but is not (defect)": Deviation(
        FAILED, 422, "File is not valid gzip"
    ),
    "multipart: file field missing (defect)": Deviation(FAILED, 422, "Missing file in form data."),
    "multipart: duplicate example ids in csv (defect)": Deviation(
        FAILED, 422, "Row 3: Duplicate example_id in file: 'x'"
    ),
    "multipart: jsonl scalar line (defect)": Deviation(
        FAILED, 422, "Line 1: a line should be a JSON object"
    ),
    # Uploads.
    "upload: asynchronous answers null": Deviation(ALWAYS, body=_uploaded(" #10", "", 1)),
    "upload: asynchronous name conflict is silently dropped": Deviation(
        ALWAYS, 409, 'A dataset named "async-ds" already exists.', TEXT
    ),
    "defect: stale version 3, a no-op in the same second names an older version": Deviation(
        "It names the true latest version.", body=_uploaded(" #14", " #21", 0)
    ),
    "multipart: jsonl string holding U+2028 is split (defect)": Deviation(
        STORED, 200, _uploaded("", "", 1), JSON
    ),
    "multipart: pyarrow with a null (defect)": Deviation(STORED, 200, _uploaded("", "", 2), JSON),
    "spans: source is filled only for the known span": Deviation(
        "There are no traces here, so every span is unknown.",
        body={
            "data": {
                "dataset_id": "<GlobalID Dataset #37>",
                "version_id": "<GlobalID DatasetVersion #43>",
                "filtered_splits": [],
                "examples": [
                    {
                        "id": f"<GlobalID DatasetExample #{number}>",
                        "node_id": f"<GlobalID DatasetExample #{number}>",
                        "input": {"a": value},
                        "output": {},
                        "metadata": {},
                        "updated_at": "<iso8601>",
                        "source": None,
                    }
                    for value, number in ((1, 39), (2, 40))
                ],
            }
        },
    ),
    # Texts.
    "splits: create, body sent as text": Deviation(
        "Only application/json is read.", 415, "Unsupported content type: text/plain", TEXT
    ),
    "multipart: input key not in header": _names("input", "zz"),
    "multipart: output key not in header": _names("output", "zz"),
    "multipart: metadata key not in header": _names("metadata", "zz"),
    "multipart: split key not in header": _names("split", "zz"),
    "multipart: pyarrow missing key": _names("input", "zz"),
    "multipart: utf-8 byte order mark hides the first column": _names("input", "q"),
    "multipart: not utf-8": Deviation(ROW, body="Row 2: column 'q': not UTF-8"),
    "multipart: flatten a non-object": Deviation(
        ROW, body="Row 2: Cannot flatten 'input': expected object values"
    ),
    "multipart: flatten collision inside a bucket": Deviation(
        ROW, body="Row 2: Cannot flatten 'b': keys {'q'} already emitted"
    ),
    "multipart: flatten collides with a plain key": Deviation(
        ROW, body="Row 2: Keys {'q'} conflict with flattened children"
    ),
    "multipart: jsonl blank line": Deviation(ROW, body="Line 2: Expecting value: character 1"),
    # Downloads.
    "multipart: flatten result": Deviation(
        "Keys stay in the order of the file; Phoenix takes them from a set.",
        body='{"id": "<GlobalID DatasetExample #26>", "node_id": "<GlobalID DatasetExample #26>", '
        '"input": {"q": 1, "z": [1]}, "output": {"output": "o1"}, "metadata": {}, "splits": []}\n'
        '{"id": "<GlobalID DatasetExample #27>", "node_id": "<GlobalID DatasetExample #27>", '
        '"input": {"q": 2}, "output": {"output": "o2"}, "metadata": {}, "splits": []}\n',
    ),
    "csv: download": CSV,
    "csv: at a version": CSV,
    "csv: integers become floats when a row lacks the column": Deviation(
        VALUES,
        body="id,node_id,input.i,input.b\n"
        "<GlobalID DatasetExample #36>,<GlobalID DatasetExample #36>,1,true\n"
        "<GlobalID DatasetExample #37>,<GlobalID DatasetExample #37>,,false\n"
        "<GlobalID DatasetExample #38>,<GlobalID DatasetExample #38>,3,\n",
    ),
}


def _add_dataset_without_version(app: Flask, walk: Walk) -> None:
    """Do what Phoenix's web pages can and its API cannot."""
    now = datetime.now(UTC)
    dataset = Dataset(
        name="bare",
        name_key=text_key("bare"),
        description=None,
        metadata_json="{}",
        example_count=0,
        created_at=now,
        updated_at=now,
    )
    with services_of(app).database.transaction() as session:
        session.add(dataset)
        session.flush()
        walk.ids.learn("<GlobalID Dataset #20>", encode("Dataset", dataset.id))


def test_we_answer_as_phoenix_does_but_for_the_table(
    app: Flask, client: FlaskClient, admin: SignedIn, viewer: SignedIn, make_key: MakeKey
) -> None:
    keys = {
        "<admin key>": make_key(admin).text,
        "<viewer key>": make_key(viewer).text,
        "<expired key>": make_key(admin, expires_at=datetime(2020, 1, 1, tzinfo=UTC)).text,
    }
    walk = Walk(client, keys)

    def send(exchange: Mapping[str, Any]) -> TestResponse:
        if exchange["name"] == "examples: dataset without any version":
            _add_dataset_without_version(app, walk)
        return walk.send(exchange)

    assert_replayed(EXCHANGES, DEVIATIONS, send, walk.ids)


def test_the_table_names_exchanges_only() -> None:
    assert_table_is_valid(EXCHANGES, DEVIATIONS)
