"""How deep JSON may be nested."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix_web.datasets.limits import is_deeper


@pytest.mark.parametrize(
    ("value", "depth"),
    [(1, 0), ("[[]]", 0), ({}, 1), ([1, 2], 1), ({"a": []}, 2), ([[1], {"b": {"c": None}}], 3)],
)
def test_objects_and_lists_are_levels(value: Any, depth: int) -> None:
    assert not is_deeper(value, depth)
    assert depth == 0 or is_deeper(value, depth - 1)


def test_any_depth_is_counted() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]

    assert is_deeper(value, 200)
    while value:
        value = value.pop()
