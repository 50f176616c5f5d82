"""One server for all clients, on each database, with a key of a member; names are a test's own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from phoenix_web import create_app
from phoenix_web.server.bootstrap import prepare
from tests import factories
from tests.support.live import environment_of, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from tests.support.servers import Postgres


@dataclass(frozen=True)
class Phoenix:
    """A running server, and the application on its database for what no client can do."""

    url: str
    key: str
    viewer_key: str
    app: Flask


@pytest.fixture(
    scope="session",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def phoenix(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Phoenix]:
    """Serve with two workers; the same server serves all tests of this process."""
    folder = tmp_path_factory.mktemp("instance")
    if request.param == "sqlite":
        yield from _serve(f"sqlite:///{folder / 'phoenix.db'}", folder)
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.new_database() as url:
        yield from _serve(url, folder)


def _serve(database_url: str, folder: Path) -> Iterator[Phoenix]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PHOENIX_")]:
            patch.delenv(name)
        settings = factories.make_settings(database_url, folder)
    prepare(settings)
    app = create_app(settings)
    key = factories.add_key(app, factories.add_user(app, "MEMBER")).text
    viewer_key = factories.add_key(app, factories.add_user(app, "VIEWER")).text
    with running_server(environment_of(settings), workers=2) as server:
        yield Phoenix(server.url, key, viewer_key, app)
    factories.services_of(app).database.dispose()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return a name that no other test gives to a dataset; it is worth encoding."""
    return f"Fragen & Antworten? {request.node.name} é"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's proxy stands between a client and the server."""
    for variable in [variable for variable in os.environ if variable.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
