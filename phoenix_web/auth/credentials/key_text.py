"""The text of a key: `phx_u_`, `phx_s_` or `phx_r_`, 43 random characters, 6 of checksum.

43 base62 characters carry 256 random bits. The checksum is the CRC32 of all before it: scanners
recognise a leaked key by it, and a typo is refused without a look-up.
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
#: A hint shows the prefix and this many of the random characters: 232 secret bits remain.
_HINT_LENGTH: Final = _PREFIX_LENGTH + 4


def generate(prefix: str) -> str:
    """Return a new text of the kind that *prefix* names."""
    body = prefix + _base62(secrets.randbits(256), _SECRET_LENGTH)
    return body + _checksum(body)


def is_well_formed(text: str, *prefixes: str) -> bool:
    """Tell whether *text* is of a kind in *prefixes* and its checksum is right."""
    return (
        len(text) == _LENGTH
        and text.startswith(prefixes)
        and text.isascii()
        and _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]
    )


def digest(text: str) -> bytes:
    """Return the 32 bytes by which *text* is stored and found: SHA-256.

    The text holds 256 random bits, so nobody can guess it back from a fast hash.
    """
    return hashlib.sha256(text.encode()).digest()


def hint(text: str) -> str:
    """Return the beginning of *text* that lists may show."""
    return text[:_HINT_LENGTH]


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, remainder = divmod(number, 62)
        characters.append(_BASE62[remainder])
    return "".join(reversed(characters))
