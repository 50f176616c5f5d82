"""When the database cannot, the answer says so and the server stays up."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from phoenix_web import create_app
from phoenix_web.auth.credentials import key_text
from phoenix_web.store import database
from tests.factories import make_settings, services_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

    from tests.conftest import MakeApp
    from tests.factories import SignedIn


@pytest.fixture
def unreachable(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FlaskClient]:
    """Return a client of a server whose database is gone."""
    app = create_app(make_settings(request.param.format(folder=tmp_path), tmp_path))
    yield app.test_client(use_cookies=False)
    services_of(app).database.dispose()


@pytest.mark.parametrize(
    "unreachable",
    ["postgresql+psycopg://nobody@127.0.0.1:9/nothing", "sqlite:///{folder}"],
    indirect=True,
)
def test_without_a_database_answers_are_503(unreachable: FlaskClient) -> None:
    key = key_text.generate(key_text.USER_KEY)
    for answer in (
        unreachable.get("/readyz"),
        unreachable.get("/v1/user", headers={"Authorization": f"Bearer {key}"}),
        unreachable.post("/auth/login", json={"email": "a@example.com", "password": "x"}),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert "nobody" not in answer.text
    assert unreachable.get("/healthz").status_code == 200
    assert unreachable.get("/v1/user").status_code == 401


@pytest.fixture
def locked(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    """Return a client of a server whose SQLite database another program holds for writing."""
    monkeypatch.setattr(database, "LOCK_TIMEOUT_SECONDS", 0.2)
    client = make_app().test_client(use_cookies=False)
    other = sqlite3.connect(tmp_path / "phoenix.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield client
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_under_a_write_lock_reads_go_on_and_writes_are_503(
    member: SignedIn, locked: FlaskClient
) -> None:
    create = {"data": {"name": "x"}}

    write = locked.post("/v1/user/api_keys", json=create, headers=member.headers)

    assert write.status_code == 503
    assert int(write.headers["Retry-After"]) >= 1
    assert "sqlite" not in write.text.lower()
    for path in ("/v1/user", "/v1/user/api_keys", "/readyz"):
        assert locked.get(path, headers=member.headers).status_code == 200
    assert locked.post("/auth/refresh", headers=member.refresh_cookie).status_code == 503
    assert (
        locked.post("/auth/refresh", headers={"Cookie": "phoenix-refresh-token=x"}).status_code
        == 401
    )


@pytest.mark.parametrize(
    ("support_email", "help_text"),
    [(None, ""), ("help@example.com", " Need help? Contact us at help@example.com")],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_a_full_disk_the_answer_is_507_and_names_the_support_address(
    make_app: MakeApp, member: SignedIn, support_email: str | None, help_text: str
) -> None:
    app = make_app(support_email=support_email)
    event.listen(
        services_of(app).database.engine,
        "connect",
        lambda connection, _: connection.execute("PRAGMA max_page_count = 1"),
    )
    services_of(app).database.engine.dispose()
    client = app.test_client(use_cookies=False)
    create = {"data": {"name": "x", "description": "x" * 1000}}

    # The pages that the database has still take a few.
    for _ in range(12):
        answer = client.post("/v1/user/api_keys", json=create, headers=member.headers)

    assert answer.status_code == 507
    assert answer.text == (
        "Database operations are disabled due to insufficient storage. "
        f"Please delete old data or increase storage.{help_text}"
    )


def test_a_defect_tells_nothing(
    client: FlaskClient, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("a password: hunter2")

    monkeypatch.setattr("phoenix_web.store.accounts.keys.KeyStore.list_for", break_down)

    answer = client.get("/v1/user/api_keys", headers=member.headers)

    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
