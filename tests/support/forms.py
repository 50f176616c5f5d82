"""Multipart forms as clients send them, and what an upload of one becomes."""

from __future__ import annotations

import io
import json
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from phoenix_web.datasets import file_upload
from phoenix_web.datasets.limits import UploadLimits
from phoenix_web.web import multipart

if TYPE_CHECKING:
    from phoenix_web.datasets.form import MultipartForm

BOUNDARY: Final = "the-boundary"
CONTENT_TYPE: Final = f"multipart/form-data; boundary={BOUNDARY}"
LIMITS: Final = UploadLimits(max_bytes=10**7, max_rows=10**6, max_row_bytes=10**6, max_depth=200)


@dataclass(frozen=True)
class File:
    """A file part."""

    data: bytes
    content_type: str = "text/csv"
    content_encoding: str = ""
    name: str = "data.csv"


class Read(NamedTuple):
    """An example that was read: its buckets as values."""

    input: dict[str, Any]
    output: dict[str, Any] = {}  # noqa: RUF012 - never changed
    metadata: dict[str, Any] = {}  # noqa: RUF012 - never changed
    external_id: str | None = None
    span_id: str | None = None
    splits: tuple[str, ...] = ()


def encode(*parts: tuple[str, str | bytes | File]) -> bytes:
    """Return the body of a form with *parts* in this order."""
    body = b""
    for name, value in parts:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, File):
            head += f'; filename="{value.name}"'
            if value.content_encoding:
                head += f"\r\nContent-Encoding: {value.content_encoding}"
            if value.content_type:
                head += f"\r\nContent-Type: {value.content_type}"
            data = value.data
        else:
            data = value if isinstance(value, bytes) else value.encode()
        body += head.encode() + b"\r\n\r\n" + data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def parts_of(file: File | None, **fields: str | list[str]) -> list[tuple[str, str | File]]:
    """Return the parts of a form: `inputs` and the like are lists of columns."""
    names = {
        "inputs": "input_keys[]",
        "outputs": "output_keys[]",
        "metadata": "metadata_keys[]",
        "splits": "split_keys[]",
        "flatten": "flatten_keys[]",
        "split": "split_key",
        "span_id": "span_id_key",
        "example_id": "example_id_key",
        "file_as_text": "file",
    }
    parts: list[tuple[str, str | File]] = []
    for field, value in {"name": "a name", **fields}.items():
        values = value if isinstance(value, list) else [value]
        parts += [(names.get(field, field), inner) for inner in values]
    return [*parts, *([("file", file)] if file is not None else [])]


def form_of(file: File | None, **fields: str | list[str]) -> MultipartForm:
    """Return the form that a client sends with *file* and *fields*."""
    return multipart.read(io.BytesIO(encode(*parts_of(file, **fields))), CONTENT_TYPE)


def examples_of(file: File, limits: UploadLimits = LIMITS, **fields: str | list[str]) -> list[Read]:
    """Return the examples that an upload of *file* brings."""
    with closing(form_of(file, **fields)) as form:
        upload = file_upload.read(form, limits)
    with closing(upload.examples):
        return [
            Read(
                json.loads(example.input_json),
                json.loads(example.output_json),
                json.loads(example.metadata_json),
                example.external_id,
                example.span_id,
                example.splits,
            )
            for example in upload.examples
        ]
