"""Reader for uploads of a CSV, JSON lines or Arrow file in a multipart form."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.datasets.examples import Upload, content_length, parse_action
from phoenix_web.datasets.form import FILE, read_columns
from phoenix_web.datasets.formats import arrow, jsonl
from phoenix_web.datasets.formats import csv as csv_upload
from phoenix_web.datasets.formats.rows import refuse, shorten, to_example
from phoenix_web.datasets.formats.unpacking import decompress
from phoenix_web.datasets.pacing import paced
from phoenix_web.datasets.spool import new_spool
from phoenix_web.errors import Invalid, PayloadTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from phoenix_web.datasets.form import Columns, FormFile, MultipartForm
    from phoenix_web.datasets.formats.rows import Shape
    from phoenix_web.datasets.limits import UploadLimits
    from phoenix_web.datasets.spool import Spool

CSV: Final = "text/csv"
JSONL: Final = "application/jsonl"
ARROW: Final = "application/x-pandas-pyarrow"
#: Maximum size of the JSON relative to the file; each row of it repeats the column names.
_MAX_GROWTH: Final = 4


@dataclass(frozen=True, slots=True)
class _Table:
    """An opened file: its numbered rows and the mapping from a row to an example."""

    #: The name for a row in error messages: `Row` or `Line`.
    noun: str
    rows: Iterable[tuple[int, dict[str, Any]]]
    columns: Columns
    shape: Shape


def read(form: MultipartForm, limits: UploadLimits) -> Upload:
    """Read the upload in *form*; the caller must close its examples.

    Raises `Invalid` with the contract's text, which names the row and the column if known,
    `PayloadTooLarge` with the limit, and `UnsupportedMediaType` for Arrow without pyarrow.
    """
    name = form.text("name")
    if not name:
        raise Invalid("Dataset name must not be empty")
    action = parse_action(form.text("action"))
    columns = read_columns(form)
    if form.file is None:
        fault = "Malformed" if FILE in form.texts else "Missing"
        raise Invalid(f"{fault} file in form data.")
    description = form.text("description") or form.file.name
    table = _table(form.file, columns, limits)
    with new_spool() as examples:
        _fill(examples, table, limits)
    # A file without split columns puts its examples in no split.
    return Upload(name, description, action, examples, are_splits_given=True)


def _table(file: FormFile, columns: Columns, limits: UploadLimits) -> _Table:
    kind = file.content_type.lower()
    if kind == ARROW:
        arrow_columns, rows = arrow.read_rows(file.stream, columns)
        return _Table("Row", rows, arrow_columns, arrow.shape_of(arrow_columns))
    if kind not in {CSV, JSONL}:
        raise Invalid(f"Invalid file content type: {kind}")
    stream = decompress(file.stream, file.content_encoding, limits.max_bytes)
    if kind == JSONL:
        lines = jsonl.read_rows(stream, limits.max_row_bytes)
        return _Table("Line", lines, columns, jsonl.shape_of(columns))
    csv_rows = csv_upload.CsvRows(stream, limits.max_row_bytes)
    columns = columns.among(csv_rows.headers)
    return _Table("Row", csv_rows, columns, csv_upload.shape_of(columns, limits.max_depth))


def _fill(examples: Spool, table: _Table, limits: UploadLimits) -> None:
    """Append an example for each row of *table*; raise `Invalid` for a duplicate id."""
    # Digests, because ids can be long.
    known_ids: set[bytes] = set()
    characters = 0
    for number, row in paced(table.rows):
        if len(examples) >= limits.max_rows:
            raise PayloadTooLarge(f"The file has more than {limits.max_rows} rows")
        try:
            example = to_example(row, table.columns, table.shape, limits.max_depth)
            if example.external_id is not None:
                _add_unique(known_ids, example.external_id)
        except Invalid as error:
            refuse(f"{table.noun} {number}", error)
        # A small file can expand: an Arrow dictionary repeats one value in many rows.
        characters += content_length(example)
        if characters > _MAX_GROWTH * limits.max_bytes:
            raise PayloadTooLarge(
                f"The examples are larger than {_MAX_GROWTH * limits.max_bytes} bytes"
            )
        examples.append(example)


def _add_unique(known_ids: set[bytes], external_id: str) -> None:
    key = sha256(external_id.encode()).digest()[:16]
    if key in known_ids:
        raise Invalid(f"Duplicate example_id in file: '{shorten(external_id)}'")
    known_ids.add(key)
