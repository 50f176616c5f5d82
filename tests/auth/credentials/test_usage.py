"""The first use of a key: noted beside the requests, once over all processes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from phoenix_web.audit.events import Actor
from phoenix_web.auth.credentials.usage import KeyUsage
from phoenix_web.store.database import Database
from tests.factories import services_of
from tests.support.audit_log import Watch, by, what
from tests.support.processes import wait_until

if TYPE_CHECKING:
    import pytest
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp, MakeKey
    from tests.factories import SignedIn


def test_the_first_use_of_a_key_is_recorded_and_no_other(
    app: Flask, client: FlaskClient, make_key: MakeKey, member: SignedIn
) -> None:
    keys = [make_key(member, "ci"), make_key(name="backup")]
    watch = Watch(app)

    for key in keys:
        # What the key may not do is a use, too: whoever holds it has tried.
        client.get("/v1/users", headers={**key.headers, "User-Agent": "a program/1.0"})
    services_of(app).usage.flush()
    of_person, of_system = watch.new()

    assert what(of_person) == ("key.first_used", "success", "UserApiKey", "ci")
    assert by(of_person) == ("bob", "user key", keys[0].key_id)
    assert (of_person.address, of_person.agent) == ("127.0.0.1", "a program/1.0")
    used_at = datetime.fromisoformat(json.loads(of_person.detail)["used_at"])
    assert abs(used_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert what(of_system) == ("key.first_used", "success", "SystemApiKey", "backup")
    assert by(of_system) == ("system", "system key", keys[1].key_id)
    client.get("/v1/user", headers=keys[0].headers)
    services_of(app).usage.flush()
    assert watch.new() == []


def test_of_many_processes_that_see_a_first_use_one_records_it(
    app: Flask, make_app: MakeApp, make_key: MakeKey, member: SignedIn
) -> None:
    keys = [make_key(member, f"key {number}") for number in range(6)]
    apps = [app, *(make_app() for _ in range(3))]
    watch = Watch(app)
    for one in apps:
        client = one.test_client(use_cookies=False)
        assert {client.get("/v1/user", headers=key.headers).status_code for key in keys} == {200}

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda one: services_of(one).usage.flush(), apps))

    assert sorted(line.subject_label for line in watch.new()) == [key.name for key in keys]
    watch.prove()


def test_a_thread_writes_it_down_without_being_told(
    app: Flask, client: FlaskClient, make_key: MakeKey
) -> None:
    key = make_key()
    watch = Watch(app)

    client.get("/v1/user", headers=key.headers)

    actions: list[str] = []

    def is_recorded() -> bool:
        actions.extend(line.action for line in watch.new())
        return bool(actions)

    wait_until(is_recorded)
    assert actions == ["key.first_used"]


def test_a_key_that_is_gone_does_not_keep_the_others_from_being_noted(
    app: Flask, client: FlaskClient, make_key: MakeKey, admin: SignedIn, member: SignedIn
) -> None:
    gone, kept = make_key(member, "gone"), make_key(admin, "kept")
    for key in (gone, kept):
        client.get("/v1/user", headers=key.headers)
    client.delete(f"/v1/users/{member.global_id}", headers=admin.headers)
    watch = Watch(app)

    services_of(app).usage.flush()

    assert [line.subject_label for line in watch.new()] == ["kept"]


def test_a_database_out_of_reach_lets_the_uses_wait(caplog: pytest.LogCaptureFixture) -> None:
    usage = KeyUsage(Database("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    usage.record_first_use(1, Actor())

    usage.flush()
    usage.flush()

    assert caplog.text.count("first uses of 1 keys postponed") == 2
    usage._database.dispose()  # noqa: SLF001 - which ends the thread
