"""JSON as it may be stored: numbers of at most 64 bits, none that JSON has not, and no NUL."""

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
#: So many digits may be an integer beyond 64 bits.
_LONG_INTEGER: Final = b"0" * 19
_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
#: A backslash that is not escaped itself, and the code of the NUL character.
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class NoSuchNumber(Invalid):
    """`NaN` or `Infinity`, which Python reads although JSON (RFC 8259) has them not."""


def parse(raw: bytes) -> Any:
    """Return the value of the JSON text *raw*.

    Raises `JSONDecodeError` or `UnicodeDecodeError` when it is none, `Invalid` when it cannot be
    stored, `RecursionError` when it is nested very deeply.
    """
    if raw.startswith(codecs.BOM_UTF8):
        fault = "Unexpected UTF-8 BOM (decode using utf-8-sig)"
        raise json.JSONDecodeError(fault, raw.decode(), 0)
    # Looking at every integer makes parsing slow, and few texts have long ones; a regular
    # expression over the text takes as long as parsing it.
    has_long_integer = _LONG_INTEGER in raw.translate(_DIGITS_TO_ZERO)
    value = (_decode_long if has_long_integer else _decode)(raw.decode())
    refuse_nul(raw)
    return value


def refuse_nul(raw: bytes) -> None:
    """Raise `Invalid` when a string in the JSON text *raw* holds U+0000."""
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
