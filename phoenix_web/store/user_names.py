"""How names and addresses of users are stored and compared."""

from __future__ import annotations

from unicodedata import normalize


def normal_email(email: str) -> str:
    """Return *email* as it is stored and compared: trimmed, lower case."""
    # One address, however its accents were typed.
    return normalize("NFC", email.strip().lower())


def username_key(username: str) -> str:
    """Return what two usernames share when a reader would take one for the other."""
    return normalize("NFKC", username.strip()).casefold()
