"""What the tests of the pages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import MakeKey
    from tests.factories import MadeKey, SignedIn


@pytest.fixture
def member_key(make_key: MakeKey, member: SignedIn) -> MadeKey:
    """Return a key of `member`, named so that a page which does not escape shows it."""
    return make_key(member, "<script>alert(1)</script>", "<img src=x onerror=alert(2)>")
