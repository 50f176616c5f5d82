"""Parser for storable JSON: integers of at most 64 bits, and no NaN, infinity or U+0000."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, Final, NoReturn

from phoenix_web.errors import Invalid
from phoenix_web.text import StorageFault

_MIN_INTEGER: Final = -(2**63)
_MAX_INTEGER: Final = 2**64 - 1
_MAX_DIGITS: Final = len(str(_MIN_INTEGER))
#: An integer beyond 64 bits has at least this many digits.
_LONG_INTEGER: Final = b"0" * 19
_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
#: The escape sequence of U+0000, with a backslash that is not escaped itself.
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class NoSuchNumber(Invalid):
    """Raised for `NaN` and `Infinity`, which Python accepts but RFC 8259 does not allow."""


def parse(raw: bytes) -> Any:
    """Parse the JSON text *raw*.

    Raises `JSONDecodeError` or `UnicodeDecodeError` for malformed text, `Invalid` for values that
    cannot be stored, and `RecursionError` for very deep nesting.
    """
    if raw.startswith(codecs.BOM_UTF8):
        fault = "Unexpected UTF-8 BOM (decode using utf-8-sig)"
        raise json.JSONDecodeError(fault, raw.decode(), 0)
    # Checking every integer is slow and few texts contain long ones. This search is cheap; a
    # regular expression would take as long as parsing.
    has_long_integer = _LONG_INTEGER in raw.translate(_DIGITS_TO_ZERO)
    value = (_decode_long if has_long_integer else _decode)(raw.decode())
    refuse_nul(raw)
    return value


def refuse_nul(raw: bytes) -> None:
    """Raise `Invalid` when a string in the JSON text *raw* contains U+0000."""
    if rb"\u0000" in raw and _NUL.search(raw):
        raise Invalid(StorageFault.NUL)


def _parse_integer(digits: str) -> int:
    if len(digits) <= _MAX_DIGITS:
        number = int(digits)
        if _MIN_INTEGER <= number <= _MAX_INTEGER:
            return number
    raise Invalid("An integer is out of range: at most 64 bits are allowed")


def _refuse_constant(name: str) -> NoReturn:
    raise NoSuchNumber(f"{name} is not allowed: JSON has no such number")


_decode: Final = json.JSONDecoder(parse_constant=_refuse_constant).decode
_decode_long: Final = json.JSONDecoder(
    parse_int=_parse_integer, parse_constant=_refuse_constant
).decode
