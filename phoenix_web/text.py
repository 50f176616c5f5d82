"""Text that every database can store, and what to search for in it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

#: Characters of a search; SQLite refuses much longer patterns.
_MAX_SEARCH: Final = 256


class StorageFault(StrEnum):
    """Why a text cannot be stored, as the API says it."""

    #: PostgreSQL's text has no U+0000, and what one database refuses the other refuses too.
    NUL = "The character U+0000 is not allowed"
    #: JSON and command lines can carry a lone surrogate, which has no UTF-8 encoding.
    SURROGATE = "Text with half a surrogate pair is not allowed"


def storage_fault(text: str) -> StorageFault | None:
    """Return why no database can store *text*, or None when every one can."""
    if "\x00" in text:
        return StorageFault.NUL
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return StorageFault.SURROGATE
    return None


def search_term(text: str) -> str:
    """Return *text* trimmed and cut to the length of a search, without what no stored text has."""
    stored = text.replace("\x00", "").encode(errors="ignore").decode()
    return stored.strip()[:_MAX_SEARCH]
