"""Query parameters of list pages: the search text, a choice, and GlobalIDs."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeVar

from flask import request

from phoenix_web.errors import NotFound
from phoenix_web.global_ids import decode_as
from phoenix_web.text import search_term

_MISSING: Final = "There is no page at this address."

Choice = TypeVar("Choice", bound=StrEnum)


def search_text(name: str) -> str:
    """Return the search text in the query's *name*, or an empty text."""
    return search_term(request.args.get(name, ""))


def choice(name: str, choices: type[Choice]) -> Choice | None:
    """Return the member of *choices* in the query's *name*, or None for any other text."""
    text = request.args.get(name, "")
    return choices(text) if text in set(choices) else None


def optional_id(name: str, kind: str, missing: str = _MISSING) -> int | None:
    """Return the row id in the GlobalID of *kind* in the query's *name*, or None without one.

    Raises `NotFound` with *missing* for any other text.
    """
    text = request.args.get(name, "")
    return require_id(kind, text, missing) if text else None


def require_id(kind: str, text: str, missing: str = _MISSING) -> int:
    """Return the row id in the GlobalID *text* of *kind*; raise `NotFound` for any other text."""
    number = decode_as(kind, text)
    if number is None:
        raise NotFound(missing)
    return number
