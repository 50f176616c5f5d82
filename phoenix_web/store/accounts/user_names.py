"""Normalization of usernames and e-mail addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import normalize

from phoenix_web.errors import EmailTaken, UsernameTaken
from phoenix_web.store.statements import violated_constraint

if TYPE_CHECKING:
    from sqlalchemy.exc import IntegrityError


def normal_email(email: str) -> str:
    """Return *email* as it is stored and compared: trimmed, in lower case and NFC."""
    return normalize("NFC", email.strip().lower())


def username_key(username: str) -> str:
    """Return the case-folded NFKC form, which usernames that look alike share."""
    return normalize("NFKC", username.strip()).casefold()


def uniqueness_error(error: IntegrityError) -> UsernameTaken | EmailTaken:
    """Return the error for the violated unique constraint in *error*."""
    return UsernameTaken() if "username" in violated_constraint(error) else EmailTaken()
