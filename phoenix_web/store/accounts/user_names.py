"""How names and addresses of users are stored and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    from sqlalchemy.exc import IntegrityError


def normal_email(email: str) -> str:
    """Return *email* as it is stored and compared: trimmed, lower case."""
    # One address, however its accents were typed.
    return normalize("NFC", email.strip().lower())


def username_key(username: str) -> str:
    """Return what two usernames share when a reader would take one for the other."""
    return normalize("NFKC", username.strip()).casefold()


def taken(error: IntegrityError) -> str:
    """Return which unique field *error* is about; the constraint decides, not a look before."""
    diagnosis = getattr(error.orig, "diag", None)
    # PostgreSQL names the constraint; SQLite's message names nothing but the column.
    constraint = diagnosis.constraint_name if diagnosis else str(error.orig)
    return "Username" if "username" in constraint else "Email"
