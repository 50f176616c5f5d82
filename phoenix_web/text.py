"""Text: what databases can store, search terms, and the comparison of usernames."""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from unicodedata import normalize

#: Maximum characters of a search term; SQLite rejects much longer patterns.
_MAX_SEARCH: Final = 256


class StorageFault(StrEnum):
    """The API's text for a reason why a text cannot be stored."""

    #: PostgreSQL cannot store U+0000, and both databases accept the same texts.
    NUL = "The character U+0000 is not allowed"
    #: JSON and command lines can carry a lone surrogate, which has no UTF-8 encoding.
    SURROGATE = "Text with half a surrogate pair is not allowed"


def storage_fault(text: str) -> StorageFault | None:
    """Return why *text* cannot be stored, or None if every database can store it."""
    if "\x00" in text:
        return StorageFault.NUL
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return StorageFault.SURROGATE
    return None


def search_term(text: str) -> str:
    """Return *text* as a search term: trimmed, shortened, without unstorable characters."""
    stored = text.replace("\x00", "").encode(errors="ignore").decode()
    return stored.strip()[:_MAX_SEARCH]


def username_key(username: str) -> str:
    """Return the case-folded NFKC form, which usernames that look alike share."""
    return normalize("NFKC", username.strip()).casefold()
