"""What was revoked, has expired or lost its rights fails on the very next request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import time_machine

from phoenix_web.policy import Role
from tests.factories import SECRET, add_user, set_role, sign_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp, MakeKey, MakeUser
    from tests.factories import SignedIn


def _status(client: FlaskClient, headers: dict[str, str]) -> int:
    return client.get("/v1/user", headers=headers).status_code


def test_a_revoked_key_is_refused_in_every_process(
    make_app: MakeApp, app: Flask, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    here, there = app.test_client(use_cookies=False), make_app().test_client(use_cookies=False)
    key, system_key = make_key(member), make_key()
    assert [_status(there, k.headers) for k in (key, system_key)] == [200, 200]

    here.delete(f"/v1/user/api_keys/{key.global_id}", headers=member.headers)
    here.delete(f"/v1/system/api_keys/{system_key.global_id}", headers=admin.headers)

    assert [_status(there, k.headers) for k in (key, system_key)] == [401, 401]
    assert [_status(here, k.headers) for k in (key, system_key)] == [401, 401]


def test_a_key_expires_on_time(client: FlaskClient, member: SignedIn, make_key: MakeKey) -> None:
    now = datetime.now(UTC)
    key = make_key(member, expires_at=now + timedelta(seconds=60))

    with time_machine.travel(now + timedelta(seconds=58), tick=False):
        assert _status(client, key.headers) == 200
    with time_machine.travel(now + timedelta(seconds=60), tick=False):
        assert _status(client, key.headers) == 401


def test_an_expired_key_is_not_listed(
    client: FlaskClient, admin: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(admin, expires_at=datetime.now(UTC) + timedelta(seconds=60))
    paths = ("/v1/user/api_keys", "/v1/users/api_keys")

    def listed() -> list[bool]:
        answers = [client.get(path, headers=admin.headers) for path in paths]
        return [key.global_id in answer.text for answer in answers]

    assert listed() == [True, True]
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61)):
        assert listed() == [False, False]


def test_a_demotion_ends_access_tokens_and_narrows_keys_at_once(
    app: Flask, client: FlaskClient, make_user: MakeUser, make_key: MakeKey
) -> None:
    boss = make_user(Role.ADMIN)
    key = make_key(boss)
    assert client.get("/v1/users", headers=key.headers).status_code == 200

    set_role(app, boss, Role.VIEWER)

    assert _status(client, boss.headers) == 401
    assert _status(client, boss.cookie) == 401
    assert client.get("/v1/users", headers=key.headers).status_code == 403
    assert client.get("/v1/user", headers=key.headers).get_json()["data"]["role"] == "VIEWER"


def test_a_promotion_widens_keys_but_no_token_that_says_less(
    app: Flask, client: FlaskClient, make_key: MakeKey, member: SignedIn
) -> None:
    key = make_key(member)

    set_role(app, member, Role.ADMIN)

    assert _status(client, member.headers) == 401
    assert client.get("/v1/users", headers=key.headers).status_code == 200
    assert client.get("/v1/users", headers=sign_in(app, member).headers).status_code == 200


def test_deleting_a_user_ends_all_their_credentials(
    client: FlaskClient, app: Flask, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    other, key = sign_in(app, member), make_key(member)

    answer = client.delete(f"/v1/users/{member.global_id}", headers=admin.headers)

    assert answer.status_code == 204
    for headers in (member.headers, member.cookie, other.headers, key.headers):
        assert _status(client, headers) == 401
    assert client.post("/auth/refresh", headers=other.refresh_cookie).status_code == 401
    assert key.global_id not in client.get("/v1/users/api_keys", headers=admin.headers).text


def test_no_id_is_given_twice(
    client: FlaskClient, app: Flask, admin: SignedIn, make_user: MakeUser, make_key: MakeKey
) -> None:
    first = make_user()
    first_key = make_key(first)
    client.delete(f"/v1/users/{first.global_id}", headers=admin.headers)

    second = add_user(app, email=first.email, username=first.username)
    second_key = make_key(second)

    assert second.user_id > first.user_id
    assert second_key.key_id > first_key.key_id
    for headers in (first.headers, first.cookie, first_key.headers):
        assert _status(client, headers) == 401


def test_another_secret_ends_sessions_and_keeps_keys(
    make_app: MakeApp, member: SignedIn, make_key: MakeKey
) -> None:
    key, system_key = make_key(member), make_key()

    client = make_app(secret=SECRET[::-1]).test_client(use_cookies=False)

    assert _status(client, member.headers) == 401
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 401
    assert [_status(client, k.headers) for k in (key, system_key)] == [200, 200]


def test_the_same_secret_keeps_sessions_over_a_restart(make_app: MakeApp, member: SignedIn) -> None:
    client = make_app().test_client(use_cookies=False)

    assert _status(client, member.headers) == 200
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 204
