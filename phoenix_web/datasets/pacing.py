"""Long work in a thread, done so that the requests of other threads are answered meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")

#: So many examples take about two milliseconds to read, or to hand to the database.
_AT_ONCE: Final = 100
#: Any pause will do: it takes as long as waking up takes, some 0.1 ms.
_PAUSE_SECONDS: Final = 1e-6


def paced(items: Iterable[Item]) -> Iterator[Item]:
    """Yield *items*, and let other threads run every few of them.

    Python makes a thread that waits for the interpreter wait five milliseconds, each of the many
    times that a request needs it; from one that sleeps it gets it at once.
    """
    for number, item in enumerate(items, 1):
        yield item
        if number % _AT_ONCE == 0:
            pause()


def pause() -> None:
    """Let another thread run that waits for it."""
    time.sleep(_PAUSE_SECONDS)
