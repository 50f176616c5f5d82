"""Pauses in long-running loops, so that other threads can respond to their requests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")

#: Items between two pauses: reading or storing as many examples takes about two milliseconds.
_ITEMS: Final = 100
#: The length does not matter: waking up takes about 0.1 ms in any case.
_PAUSE_SECONDS: Final = 1e-6


def paced(items: Iterable[Item]) -> Iterator[Item]:
    """Yield *items*, pausing regularly.

    A busy thread keeps the global interpreter lock for five milliseconds each time that another
    thread requests it, and a request needs the lock many times. A sleeping thread releases it.
    """
    for number, item in enumerate(items, 1):
        yield item
        if number % _ITEMS == 0:
            pause()


def pause() -> None:
    """Release the global interpreter lock to waiting threads."""
    time.sleep(_PAUSE_SECONDS)
