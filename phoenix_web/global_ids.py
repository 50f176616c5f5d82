"""GlobalIDs, the ids of the API: base64 of `Type:number`."""

from __future__ import annotations

import base64
import binascii
from typing import Final

#: The largest id in a column of SQLite and PostgreSQL.
MAX_ID: Final = 2**63 - 1


def encode(kind: str, number: int) -> str:
    """Return the GlobalID of row *number* of *kind*, such as `VXNlcjoy` for `User` and 2."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def decode(text: str) -> tuple[str, int] | None:
    """Return *(kind, number)*, or None unless *text* is exactly as `encode` returns it."""
    try:
        kind, separator, digits = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= len(str(MAX_ID))
    if not separator or not is_number:
        return None
    number = int(digits)
    return (kind, number) if number <= MAX_ID and encode(kind, number) == text else None


def decode_as(kind: str, text: str) -> int | None:
    """Return the number in *text* if it is a GlobalID of *kind*, else None."""
    decoded = decode(text)
    return decoded[1] if decoded is not None and decoded[0] == kind else None


def parse_row_id(text: str | None) -> int | None:
    """Return the row id from its decimal form *text*, or None."""
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_ID)):
        return None
    number = int(text)
    return number if number <= MAX_ID else None
