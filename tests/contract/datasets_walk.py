"""The walk through the recorded exchanges about datasets: what was recorded, sent as it was."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.replay import Ids
from tests.support.forms import CONTENT_TYPE, File, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

_LONG: Final = re.compile(r"<(\d+) characters>")
_ARROW: Final = "Arrow IPC stream: "
_COLUMN: Final = re.compile(r"(\w+)=(\[.*?\])")


class Walk:
    """Sends the recorded requests, with the ids that this server has given."""

    def __init__(self, client: FlaskClient, keys: Mapping[str, str]) -> None:
        """Start on an empty database; *keys* are texts by placeholder."""
        self._client = client
        self._keys = keys
        self.ids = Ids()

    def send(self, exchange: Mapping[str, Any]) -> TestResponse:
        """Return our answer to the recorded request of *exchange*.

        What Phoenix refused to store and we do not is deleted again, so that the rest of the
        recording finds what it found.
        """
        request, recorded = exchange["request"], exchange["response"]["status"]
        response = self._send(request)
        is_stored = (
            request["path"] == "/v1/datasets/upload" and response.status_code == HTTPStatus.OK
        )
        if is_stored and recorded != HTTPStatus.OK:
            dataset_id = response.get_json()["data"]["dataset_id"]
            headers = {"Authorization": f"Bearer {self._keys['<admin key>']}"}
            self._client.delete(f"/v1/datasets/{dataset_id}", headers=headers)
        return response

    def _send(self, request: Mapping[str, Any]) -> TestResponse:
        headers = {
            name: self._filled(value).replace(
                "multipart/form-data; boundary=<boundary>", CONTENT_TYPE
            )
            for name, value in request["headers"].items()
        }
        return self._client.open(
            self._filled(request["path"]),
            method=request["method"],
            query_string=json.loads(self._filled(json.dumps(request["query"]))),
            headers=headers,
            data=self._body(request["body"]),
        )

    def _filled(self, text: str) -> str:
        for placeholder, key in self._keys.items():
            text = text.replace(placeholder, key)
        return self.ids.fill(text)

    def _body(self, body: Any) -> str | bytes | None:
        if isinstance(body, dict) and "raw" in body:
            return str(body["raw"])
        if isinstance(body, dict) and "multipart" in body:
            return encode(
                *(
                    (part["name"], _file(part) if "content" in part else _text(part["value"]))
                    for part in body["multipart"]
                    for _ in range(part.get("repeated", 1))
                )
            )
        return None if body is None else self._filled(json.dumps(body))


def _text(text: str) -> str:
    return _LONG.sub(lambda found: "x" * int(found[1]), text)


def _file(part: Mapping[str, str]) -> File:
    return File(
        _content(part["content"]),
        part["content_type"],
        part.get("content_encoding", ""),
        part["filename"],
    )


def _content(told: str) -> bytes:
    """Return the bytes of a file; the recording describes those that are no text."""
    if told.startswith(_ARROW):
        return _arrow({name: json.loads(values) for name, values in _COLUMN.findall(told)})
    for prefix, compress in (("gzip of: ", gzip.compress), ("zlib of: ", zlib.compress)):
        if told.startswith(prefix):
            return compress(told.removeprefix(prefix).encode())
    # In the recording this character stands for a byte that is not UTF-8.
    return told.encode().replace("\N{REPLACEMENT CHARACTER}".encode(), b"\xff")


def _arrow(columns: dict[str, list[Any]]) -> bytes:
    arrow: Any = pytest.importorskip("pyarrow")
    table = arrow.table(columns)
    written = io.BytesIO()
    with arrow.ipc.new_stream(written, table.schema) as writer:
        writer.write_table(table)
    return written.getvalue()
