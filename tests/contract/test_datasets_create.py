"""Recorded exchanges of Phoenix 20.26.1 about lists of datasets and uploads that create.

`<GlobalID T #n>` is the n-th id of type T in the recording: it is learnt where it first appears,
and must be the same from then on.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.global_ids import decode

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeKey
    from tests.factories import SignedIn

EXCHANGES: Final = json.loads(
    Path(__file__).with_name("datasets-create.json").read_text(encoding="utf-8")
)
_ID: Final = re.compile(r"<GlobalID (\w+) #\d+>")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00")
_CREATED: Final = {
    "dataset_id": "<GlobalID Dataset #10>",
    "version_id": "<GlobalID DatasetVersion #0>",
    "num_created_examples": 1,
    "num_updated_examples": 0,
    "num_deleted_examples": 0,
}

#: What we answer otherwise, on purpose: status, body (None: not compared), and why.
DEVIATIONS: Final[dict[str, tuple[int, Any, str]]] = {
    "list: limit beyond 64 bit (defect)": (422, None, "a client's mistake is not a failure"),
    "get: integer part not a number (defect)": (
        422,
        "Invalid dataset ID format: RGF0YXNldDphYmM=",
        "a client's mistake is not a failure",
    ),
    "get: dataset that never had an example (defect)": (200, None, "it has 0 examples"),
    "upload json: top level array (defect)": (
        422,
        "The body should be a JSON object",
        "a client's mistake is not a failure",
    ),
    "upload json: NaN (defect)": (
        422,
        "NaN is not allowed: JSON has no such number",
        "a client's mistake is not a failure",
    ),
    "upload json: integer above 64 bit (defect)": (
        422,
        "An integer is out of range: at most 64 bits are allowed",
        "a client's mistake is not a failure",
    ),
    "upload: asynchronous answers null": (
        200,
        {"data": _CREATED},
        "the result is answered always, so that nothing is lost silently",
    ),
    "upload: asynchronous name conflict is silently dropped": (
        409,
        'A dataset named "async-ds" already exists.',
        "the result is answered always, so that nothing is lost silently",
    ),
}


class Replay:
    """Sends the recorded requests, with the ids that this server has given."""

    def __init__(self, client: FlaskClient, keys: dict[str, str]) -> None:
        self._client = client
        self._keys = keys
        self._ids: dict[str, str] = {}

    def send(self, request: dict[str, Any]) -> TestResponse:
        headers = dict(request["headers"])
        if "Authorization" in headers:
            for name, text in self._keys.items():
                headers["Authorization"] = headers["Authorization"].replace(name, text)
        body = request["body"]
        if isinstance(body, dict):
            body = body["raw"] if "raw" in body else json.dumps(body)
        path = _ID.sub(lambda found: self._ids[found[0]], request["path"])
        query = {
            name: _ID.sub(lambda found: self._ids[found[0]], str(value))
            for name, value in request["query"].items()
        }
        return self._client.open(
            path, method=request["method"], query_string=query, headers=headers, data=body
        )

    def matches(self, expected: Any, value: Any) -> bool:
        """Compare, and learn the ids that appear for the first time."""
        if isinstance(expected, dict) and isinstance(value, dict):
            return list(expected) == list(value) and all(
                self.matches(expected[name], value[name]) for name in expected
            )
        if isinstance(expected, list) and isinstance(value, list):
            return len(expected) == len(value) and all(map(self.matches, expected, value))
        if expected == "<iso8601>":
            return _MOMENT.fullmatch(value) is not None
        found = _ID.fullmatch(expected) if isinstance(expected, str) else None
        if found:
            kind, _ = decode(value) or ("", 0)
            return kind == found[1] and self._ids.setdefault(found[0], value) == value
        return bool(expected == value and type(expected) is type(value))


def test_the_recorded_exchanges_are_answered_as_recorded_or_better(
    client: FlaskClient, admin: SignedIn, viewer: SignedIn, make_key: MakeKey
) -> None:
    keys = {"<admin key>": make_key(admin).text, "<viewer key>": make_key(viewer).text}
    replay = Replay(client, keys)
    different = []

    for exchange in EXCHANGES:
        name, recorded = exchange["name"], exchange["response"]
        response = replay.send(exchange["request"])
        status, body, _ = DEVIATIONS.get(name, (recorded["status"], recorded["body"], ""))
        told = response.get_json() if response.is_json else response.text
        if response.status_code != status or not (body is None or replay.matches(body, told)):
            different.append(f"{name}: {response.status_code} {told!r}, not {status} {body!r}")

    assert different == []
    assert set(DEVIATIONS) <= {exchange["name"] for exchange in EXCHANGES}
