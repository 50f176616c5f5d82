"""Preview of a staged file, and its upload with the readers of the API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

from phoenix_web.datasets import file_upload
from phoenix_web.datasets.form import FormFile, MultipartForm
from phoenix_web.datasets.formats import csv as csv_upload
from phoenix_web.datasets.formats import jsonl
from phoenix_web.errors import Invalid
from phoenix_web.ui.datasets.upload.staging import CSV

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_web.datasets.examples import Upload
    from phoenix_web.datasets.limits import UploadLimits
    from phoenix_web.ui.datasets.upload.staging import StagedFile

#: Rows in the preview.
_MAX_ROWS: Final = 3
#: Lines and bytes that are searched for the keys of JSON lines.
_MAX_LINES: Final = 100
_MAX_BYTES: Final = 1024 * 1024
#: Characters of a value in the preview.
_MAX_CHARACTERS: Final = 200
#: Keys whose objects are whole buckets, as in our downloads.
_WHOLE_PARTS: Final = ("input", "output", "metadata")


@dataclass(frozen=True, slots=True)
class Preview:
    """The column names and the first rows of a file."""

    #: Columns of CSV or keys of JSON lines.
    names: list[str]
    #: The values of the first rows in column order; None for absent values.
    rows: list[list[str | None]]
    #: Columns whose objects are merged into the bucket of their role.
    spread: list[str]


def preview(staged: StagedFile, limits: UploadLimits) -> Preview:
    """Return a preview of *staged*; raise `Invalid` for a malformed file."""
    with staged.path.open("rb") as stream:
        if staged.format == CSV:
            return _csv_preview(stream, limits)
        return _jsonl_preview(stream, limits)


def read(
    staged: StagedFile,
    texts: dict[str, list[str]],
    roles: dict[str, list[str]],
    limits: UploadLimits,
) -> Upload:
    """Read *staged* as an upload; the caller must close its examples.

    *texts* and *roles* are form fields of the API. Raises `Invalid` with the row and the column of
    a fault, and `PayloadTooLarge`.
    """
    kind = file_upload.CSV if staged.format == CSV else file_upload.JSONL
    with staged.path.open("rb") as stream:
        # No file name, because the API uses it as the default description.
        form = MultipartForm({**texts, **roles}, FormFile("", kind, "", stream))
        return file_upload.read(form, limits)


def _csv_preview(stream: IO[bytes], limits: UploadLimits) -> Preview:
    table = csv_upload.CsvRows(stream, limits.max_row_bytes)
    rows = [row for _, row in islice(table, _MAX_ROWS)]
    return Preview(table.headers, [_preview_row(row, table.headers) for row in rows], [])


def _jsonl_preview(stream: IO[bytes], limits: UploadLimits) -> Preview:
    rows = list(_first_lines(stream, limits))
    if not rows:
        raise Invalid("The file is empty.")
    names = list(dict.fromkeys(name for row in rows for name in row))
    spread = [name for name in _WHOLE_PARTS if all(isinstance(row.get(name), dict) for row in rows)]
    return Preview(names, [_preview_row(row, names) for row in rows[:_MAX_ROWS]], spread)


def _first_lines(stream: IO[bytes], limits: UploadLimits) -> Iterator[dict[str, Any]]:
    for number, row in jsonl.read_rows(stream, limits.max_row_bytes):
        yield row
        if number >= _MAX_LINES or stream.tell() > _MAX_BYTES:
            return


def _preview_row(row: dict[str, Any], names: list[str]) -> list[str | None]:
    return [_to_text(row[name])[:_MAX_CHARACTERS] if name in row else None for name in names]


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
