"""How long to wait, as people say it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from phoenix_web.errors import TooManyRequests

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
#: What the API says where a page says when.
_LATER: Final = " Please try again later."


def message_for(error: TooManyRequests) -> str:
    """Return what a page says instead of the `Retry-After` header of *error*."""
    what = error.message.removesuffix(_LATER).rstrip(".").capitalize()
    return f"{what}. You can try again in {_in_words(error.retry_after)}."


def _in_words(seconds: int) -> str:
    if seconds <= _MINUTE:
        return "a second" if seconds == 1 else f"{seconds} seconds"
    if seconds <= 2 * _HOUR:
        return f"{math.ceil(seconds / _MINUTE)} minutes"
    return f"{math.ceil(seconds / _HOUR)} hours"
