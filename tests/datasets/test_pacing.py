from __future__ import annotations

import time
from typing import TYPE_CHECKING

from phoenix_web.datasets.pacing import paced

if TYPE_CHECKING:
    import pytest


def test_all_items_come_in_their_order() -> None:
    assert list(paced(range(1001))) == list(range(1001))
    assert list(paced([])) == []


def test_it_pauses_every_few_items(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)

    list(paced(range(1000)))

    assert len(pauses) == 10
    assert all(0 < seconds < 0.001 for seconds in pauses)
