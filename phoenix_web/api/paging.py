"""Cursors of the lists that the API answers page by page."""

from __future__ import annotations

from phoenix_web.errors import Invalid
from phoenix_web.global_ids import MAX_ID, number_of


def cursor_in(text: str, kind: str, highest: int = MAX_ID) -> int | None:
    """Return the number of the first row that the cursor *text* asks for, or None without one.

    Raises `Invalid` when it is no GlobalID of *kind*, or its number is above *highest*.
    """
    if not text:
        return None
    number = number_of(kind, text)
    if number is None or number > highest:
        raise Invalid(f"Invalid cursor format: {text}")
    return number
