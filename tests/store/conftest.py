"""A database whose tables exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from phoenix_web.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return the test's database, of the newest form, without an audit log."""
    database = Database(database_url)
    database.upgrade()
    yield database
    database.dispose()
