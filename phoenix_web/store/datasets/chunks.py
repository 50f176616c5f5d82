"""Long lists of values in statements that take only so many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Value = TypeVar("Value")

#: Values in one statement; SQLite takes 32,766 parameters.
_AT_ONCE: Final = 10_000


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Return *values* in lists that fit into one statement each."""
    whole = list(values)
    return (whole[start : start + _AT_ONCE] for start in range(0, len(whole), _AT_ONCE))
