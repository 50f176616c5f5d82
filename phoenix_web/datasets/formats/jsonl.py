"""Reader for JSON lines: one object on each line, terminated by a line feed."""

from __future__ import annotations

import json
from itertools import count
from typing import IO, TYPE_CHECKING, Any

from phoenix_web.datasets.formats import strict_json
from phoenix_web.datasets.formats.rows import flattened_shape, plain_shape, refuse
from phoenix_web.errors import Invalid, PayloadTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_web.datasets.form import Columns
    from phoenix_web.datasets.formats.rows import Shape


def read_rows(stream: IO[bytes], max_row_bytes: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line number and its object; raise `Invalid` with the number of a faulty line."""
    for number in count(1):
        raw = stream.readline(max_row_bytes + 1)
        if not raw:
            return
        if len(raw) > max_row_bytes:
            raise PayloadTooLarge(f"Line {number} is longer than {max_row_bytes} bytes")
        yield number, _parse_line(raw, number)


def shape_of(columns: Columns) -> Shape:
    """Return the mapping from a line to the buckets."""
    return flattened_shape(columns) if columns.flattened else plain_shape(columns)


def _parse_line(raw: bytes, number: int) -> dict[str, Any]:
    place = f"Line {number}"
    try:
        value = strict_json.parse(raw.rstrip(b"\r\n"))
    except json.JSONDecodeError as error:
        raise Invalid(f"{place}: {error.msg}: character {error.pos + 1}") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{place}: {error}") from error
    except RecursionError:
        raise Invalid(f"{place}: nested too deeply") from None
    except Invalid as error:
        refuse(place, error)
    if not isinstance(value, dict):
        raise Invalid(f"{place}: a line should be a JSON object")
    return value
