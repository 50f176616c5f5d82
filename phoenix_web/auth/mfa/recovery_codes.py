"""Recovery codes: each stands in once for the authenticator app.

A code has 24 letters and digits, in four groups, of an alphabet in which no two look alike; so it
carries 120 random bits, and a fast hash is enough to keep it (OWASP ASVS 5.0, 6.5.2).
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

#: How many somebody gets at once.
COUNT: Final = 10
#: Crockford's base32, in lower case.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUPS: Final = 4
_GROUP_LENGTH: Final = 6
#: What people read into it, or add to it.
_MEANT: Final = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})


def make() -> list[str]:
    """Return new codes, as they are shown."""
    return [_code() for _ in range(COUNT)]


def digest(user_id: int, code: str) -> bytes:
    """Return the 32 bytes by which the user's *code* is stored and found, however it is typed."""
    meant = code.lower().translate(_MEANT)
    return hashlib.sha256(f"recovery code {user_id} {meant}".encode()).digest()


def _code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP_LENGTH))
    starts = range(0, len(letters), _GROUP_LENGTH)
    return "-".join(letters[start : start + _GROUP_LENGTH] for start in starts)
