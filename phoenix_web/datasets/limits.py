"""How much one upload may bring, and how deep its JSON may be nested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How much one upload may bring."""

    #: Also of the unpacked file, and of the JSON that its rows become.
    max_bytes: int
    max_rows: int
    #: Of a row of CSV or a line of JSON lines.
    max_row_bytes: int
    max_depth: int


def is_deeper(value: Any, limit: int) -> bool:
    """Return whether *value* has more than *limit* levels of objects and lists.

    The function does not recurse, so that no depth exhausts the stack.
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
