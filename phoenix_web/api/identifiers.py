"""Parsing of GlobalIDs in paths and queries."""

from __future__ import annotations

from phoenix_web.errors import Invalid
from phoenix_web.global_ids import decode_as


def require_id(kind: str, text: str, refusal: str | None = None) -> int:
    """Return the row id of the GlobalID *text*; raise `Invalid` unless it is of *kind*.

    *refusal* replaces the start of the error message, for routes with another text in the contract.
    """
    number = decode_as(kind, text)
    if number is None:
        raise Invalid(f"{refusal or f'Invalid {kind} GlobalID format'}: {text}")
    return number
