"""Fixtures of all tests: databases, an application, users and keys; and no skipping in CI."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from werkzeug.routing import Rule

from phoenix_web import create_app
from phoenix_web.policy import Role
from phoenix_web.server.bootstrap import prepare
from tests import factories
from tests.support.mail_server import running_mail_server
from tests.support.servers import Postgres, running_postgres

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from datetime import datetime
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from phoenix_web.settings import Settings
    from tests.factories import MadeKey, SignedIn
    from tests.support.mail_server import MailServer

ReportT = TypeVar("ReportT", pytest.TestReport, pytest.CollectReport)

# Generated examples may take any time: a slow machine is not a defect.
hypothesis_settings.register_profile(
    "patient",
    hypothesis_settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("patient")


@pytest.fixture(autouse=True, scope="session")
def _compile_every_route_once() -> Iterator[None]:
    """Let all applications share what Werkzeug compiles for a route: it costs each of them 65 ms.

    What it compiles depends on nothing but the text of the route and its defaults.
    """
    compile_builder = Rule._compile_builder  # noqa: SLF001 - there is no public way
    compiled: dict[Any, Any] = {}

    def look_up(rule: Rule, append_unknown: bool) -> Any:  # noqa: FBT001 - Werkzeug's signature
        key = (rule.subdomain, rule.rule, str(rule.defaults), append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", look_up)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Start one server per test process: it takes about a second, and sharing needs a lock."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite database with all tables and the first accounts, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    file = folder / "phoenix.db"
    prepare(factories.make_settings(f"sqlite:///{file}", folder))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # one file holds it all
    return file


@pytest.fixture(scope="session")
def prepared_database(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of such a database on `postgres`; a template has no open connections."""
    name = "prepared"
    postgres.execute(f"CREATE DATABASE {name}")
    prepare(factories.make_settings(postgres.url(name), tmp_path_factory.mktemp(name)))
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a new database; the test runs once on each kind.

    It is a copy of a prepared one, because eight migrations take longer than most tests. Tests
    marked `empty_database` get an empty one.
    """
    is_empty = request.node.get_closest_marker("empty_database") is not None
    if request.param == "sqlite":
        file = tmp_path / "phoenix.db"
        if not is_empty:
            shutil.copy(request.getfixturevalue("prepared_file"), file)
        yield f"sqlite:///{file}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    template = None if is_empty else request.getfixturevalue("prepared_database")
    with server.new_database(template) as url:
        yield url


class MakeApp(Protocol):
    """Makes an application on the test's database, with its own settings."""

    def __call__(self, **changes: Any) -> Flask:
        """Return an application for the test's settings with *changes*."""
        ...


class MakeUser(Protocol):
    """Adds users to the database of `app`."""

    def __call__(self, role: Role | str = Role.MEMBER, **fields: Any) -> SignedIn:
        """Return a new user of *role*, signed in; *fields* are those of `UserStore.add`."""
        ...


class MakeKey(Protocol):
    """Issues keys in the database of `app`."""

    def __call__(
        self,
        owner: SignedIn | None = None,
        name: str = "a key",
        description: str | None = None,
        expires_at: datetime | None = None,
    ) -> MadeKey:
        """Return a new key of *owner*, or a system key without one."""
        ...


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings of the environment in which the tests run."""
    for name in [name for name in os.environ if name.startswith("PHOENIX_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Return settings on a fresh database of each kind, with cheap hashes and the known secrets."""
    return factories.make_settings(database_url, tmp_path)


@pytest.fixture
def make_app(settings: Settings) -> Iterator[MakeApp]:
    """Call it for one more application on the test's database, with changed settings.

    `make_app(enable_auth=False)` and the like; all connections are closed when the test ends.
    """
    apps: list[Flask] = []

    def make(**changes: Any) -> Flask:
        values = {name: getattr(settings, name) for name in settings.model_fields_set}
        changed = type(settings)(**{**values, **changes})
        prepare(changed)
        app = create_app(changed)
        app.testing = True
        apps.append(app)
        return app

    yield make
    for app in apps:
        factories.services_of(app).database.dispose()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """Return the application, its database prepared: system user 1, `admin@localhost` 2."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a test client that keeps no cookies."""
    return app.test_client(use_cookies=False)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Return a running mail server."""
    with running_mail_server() as server:
        yield server


@pytest.fixture
def make_user(app: Flask) -> MakeUser:
    """Call it for one more user: `make_user("VIEWER")` returns a `SignedIn`."""

    def make(role: Role | str = Role.MEMBER, **fields: Any) -> SignedIn:
        return factories.add_user(app, role, **fields)

    return make


@pytest.fixture
def make_key(app: Flask) -> MakeKey:
    """Call it for one more key: `make_key(member)` or, for a system key, `make_key()`.

    It returns a `MadeKey`: `text`, `headers`, `key_id`, `global_id`, `name`.
    """

    def make(
        owner: SignedIn | None = None,
        name: str = "a key",
        description: str | None = None,
        expires_at: datetime | None = None,
    ) -> MadeKey:
        return factories.add_key(app, owner, name, description, expires_at)

    return make


@pytest.fixture
def admin(make_user: MakeUser) -> SignedIn:
    """Return a signed-in administrator: ids, name, password, tokens and ready headers."""
    return make_user(Role.ADMIN, email="alice@example.com", username="alice")


@pytest.fixture
def member(make_user: MakeUser) -> SignedIn:
    """Return a signed-in member, with the values that `admin` has."""
    return make_user(Role.MEMBER, email="bob@example.com", username="bob")


@pytest.fixture
def viewer(make_user: MakeUser) -> SignedIn:
    """Return a signed-in viewer, with the values that `admin` has."""
    return make_user(Role.VIEWER, email="carol@example.com", username="carol")


def _refuse_skip(report: ReportT) -> ReportT:
    """Where everything can be installed, a skipped test is a hole in the checks."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, although CI=true: {report.longreprtext or report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _refuse_skip((yield))
