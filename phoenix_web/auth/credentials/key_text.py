"""The text of keys and refresh tokens: a prefix, 43 random characters and a checksum of 6.

43 base62 characters carry 256 random bits. The checksum is the CRC32 of the text before it: secret
scanners recognise a leaked key, and a mistyped key is rejected without a database query.
"""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib
from typing import Final

USER_KEY: Final = "phx_u_"
SYSTEM_KEY: Final = "phx_s_"
REFRESH_TOKEN: Final = "phx_r_"  # noqa: S105 - a public prefix, not a secret

_PREFIX_LENGTH: Final = 6
_SECRET_LENGTH: Final = 43
_CHECKSUM_LENGTH: Final = 6
_LENGTH: Final = _PREFIX_LENGTH + _SECRET_LENGTH + _CHECKSUM_LENGTH
_BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
#: The prefix and 4 random characters; the 39 that stay secret carry 232 bits.
_HINT_LENGTH: Final = _PREFIX_LENGTH + 4


def generate(prefix: str) -> str:
    """Return a new random text that starts with *prefix*."""
    body = prefix + _base62(secrets.randbits(256), _SECRET_LENGTH)
    return body + _checksum(body)


def is_well_formed(text: str, *prefixes: str) -> bool:
    """Return whether *text* has one of *prefixes*, the right length and the right checksum."""
    return (
        len(text) == _LENGTH
        and text.startswith(prefixes)
        and text.isascii()
        and _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]
    )


def digest(text: str) -> bytes:
    """Return the SHA-256 digest that *text* is stored and looked up by, in 32 bytes.

    A fast hash is enough: 256 random bits cannot be guessed.
    """
    return hashlib.sha256(text.encode()).digest()


def hint(text: str) -> str:
    """Return the first characters of *text*, which lists show."""
    return text[:_HINT_LENGTH]


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, remainder = divmod(number, 62)
        characters.append(_BASE62[remainder])
    return "".join(reversed(characters))
