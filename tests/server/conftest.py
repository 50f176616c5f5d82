"""A live server of four workers beside an application on the same database, as another host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.support.live import LiveServer, environment_of, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from phoenix_web.settings import Settings


@pytest.fixture
def environment(app: Flask, settings: Settings) -> dict[str, str]:
    """Return the variables of a server on the test's database, which `app` has prepared."""
    del app
    return environment_of(settings)


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[LiveServer]:
    """Serve with four workers; when the test ends, nothing secret may be in what they printed."""
    with running_server(environment) as server:
        yield server
    printed = server.output.read_text()
    known = (
        factories.SECRET,
        factories.ADMIN_SECRET,
        factories.DEFAULT_ADMIN_PASSWORD,
        factories.PASSWORD,
        "phx_",
        "eyJ",
    )
    assert [secret for secret in known if secret in printed] == []
