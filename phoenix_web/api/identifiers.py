"""GlobalIDs in the paths and queries of API routes."""

from __future__ import annotations

from phoenix_web.errors import Invalid
from phoenix_web.global_ids import decode_as


def require_id(kind: str, text: str, refusal: str | None = None) -> int:
    """Return the row id in the GlobalID *text* of *kind*.

    Raises `Invalid` for any other text. Its message begins with *refusal*, for routes whose
    contract has a sentence of its own.
    """
    number = decode_as(kind, text)
    if number is None:
        raise Invalid(f"{refusal or f'Invalid {kind} GlobalID format'}: {text}")
    return number
