"""Limits on the size and the nesting depth of uploads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits on the size of one upload."""

    #: Applies to the body and to the decompressed file.
    max_bytes: int
    max_rows: int
    #: Applies to a row of CSV and to a line of JSON lines.
    max_row_bytes: int
    max_depth: int


def is_deeper(value: Any, limit: int) -> bool:
    """Return whether *value* has more than *limit* levels of objects and lists.

    The function does not recurse, so deep values cannot exhaust the stack.
    """
    values = [value]
    for _ in range(limit + 1):
        containers = [inner for inner in values if isinstance(inner, dict | list)]
        if not containers:
            return False
        values = [
            inner
            for outer in containers
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return True
