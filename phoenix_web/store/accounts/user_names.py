"""How names and addresses of users are stored and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

from phoenix_web.errors import EmailTaken, UsernameTaken
from phoenix_web.store.statements import violated_constraint

if TYPE_CHECKING:
    from sqlalchemy.exc import IntegrityError


def normal_email(email: str) -> str:
    """Return *email* as it is stored and compared: trimmed, lower case."""
    # One address, however its accents were typed.
    return normalize("NFC", email.strip().lower())


def username_key(username: str) -> str:
    """Return what two usernames share when a reader would take one for the other."""
    return normalize("NFKC", username.strip()).casefold()


def uniqueness_error(error: IntegrityError) -> UsernameTaken | EmailTaken:
    """Return what to raise for *error*; the constraint decides, not a look before."""
    return UsernameTaken() if "username" in violated_constraint(error) else EmailTaken()
