"""Renewing sessions, and signing out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import time_machine

from tests.factories import DEFAULT_ADMIN_PASSWORD, set_role, sign_in
from tests.support.calls import cookies_of, log_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp, MakeKey, MakeUser
    from tests.factories import SignedIn

ACCESS: Final = "phoenix-access-token"
REFRESH: Final = "phoenix-refresh-token"
AS_JSON: Final = {"Accept": "application/json"}


def _status(client: FlaskClient, headers: dict[str, str]) -> int:
    return client.get("/v1/user", headers=headers).status_code


def _refresh(client: FlaskClient, token: str, **more: Any) -> TestResponse:
    return client.post("/auth/refresh", headers={"Cookie": f"{REFRESH}={token}"}, **more)


# Renewing.


def test_a_refresh_gives_new_tokens_and_ends_the_old_access_token(
    client: FlaskClient, member: SignedIn
) -> None:
    first = client.post("/auth/refresh", headers=member.both_cookies)
    second = _refresh(client, cookies_of(first)[REFRESH])

    assert (first.status_code, second.status_code) == (204, 204)
    tokens = [member.access_token, cookies_of(first)[ACCESS], cookies_of(second)[ACCESS]]
    told = [_status(client, {"Cookie": f"{ACCESS}={token}"}) for token in tokens]
    assert told == [401, 401, 200]


def test_a_program_refreshes_by_a_json_body(client: FlaskClient, member: SignedIn) -> None:
    body = {"refresh_token": member.refresh_token}

    answer = client.post("/auth/refresh", json=body, headers=AS_JSON)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    told = answer.get_json()
    assert _status(client, {"Authorization": f"Bearer {told['access_token']}"}) == 200
    assert told["refresh_token"] != member.refresh_token


def test_a_token_that_came_by_cookie_is_never_told_to_a_script(
    client: FlaskClient, member: SignedIn
) -> None:
    answer = client.post("/auth/refresh", headers={**member.both_cookies, **AS_JSON})

    assert (answer.status_code, answer.text) == (204, "")
    assert set(cookies_of(answer)) == {ACCESS, REFRESH}


def test_a_body_that_is_there_decides_alone(client: FlaskClient, member: SignedIn) -> None:
    for body, status in (({"refresh_token": "junk"}, 401), ({}, 422), ({"refresh_token": 5}, 422)):
        answer = client.post("/auth/refresh", json=body, headers=member.refresh_cookie)
        assert answer.status_code == status
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 204


def test_of_twelve_simultaneous_refreshes_one_wins(
    app: Flask, make_app: MakeApp, member: SignedIn
) -> None:
    apps = [app, make_app()]

    def refresh(number: int) -> int:
        client = apps[number % 2].test_client(use_cookies=False)
        return _refresh(client, member.refresh_token).status_code

    with ThreadPoolExecutor(12) as threads:
        told = list(threads.map(refresh, range(12)))

    assert sorted(told) == [204] + [401] * 11


def test_whoever_lost_a_race_stays_signed_in(client: FlaskClient, member: SignedIn) -> None:
    """Two tabs of one browser: what the second one is told must not undo the first one's work."""
    won = _refresh(client, member.refresh_token)
    lost = _refresh(client, member.refresh_token)

    assert (lost.status_code, lost.text) == (401, "Invalid refresh token")
    assert "Set-Cookie" not in lost.headers
    assert _status(client, {"Cookie": f"{ACCESS}={cookies_of(won)[ACCESS]}"}) == 200
    assert _refresh(client, cookies_of(won)[REFRESH]).status_code == 204


def test_a_replay_ends_the_whole_session(client: FlaskClient, member: SignedIn) -> None:
    won = cookies_of(_refresh(client, member.refresh_token))

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=3.1)):
        replay = _refresh(client, member.refresh_token)

        assert (replay.status_code, replay.text) == (401, "Invalid refresh token")
        assert _status(client, {"Cookie": f"{ACCESS}={won[ACCESS]}"}) == 401
        assert _refresh(client, won[REFRESH]).status_code == 401


def test_a_replay_of_any_earlier_token_ends_the_session(
    client: FlaskClient, member: SignedIn
) -> None:
    second = cookies_of(_refresh(client, member.refresh_token))[REFRESH]
    third = cookies_of(_refresh(client, second))

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1)):
        _refresh(client, member.refresh_token)

        assert _status(client, {"Cookie": f"{ACCESS}={third[ACCESS]}"}) == 401


def test_a_replay_leaves_other_sessions_and_keys_alone(
    client: FlaskClient, app: Flask, member: SignedIn, make_key: MakeKey
) -> None:
    other, key = sign_in(app, member), make_key(member)
    _refresh(client, member.refresh_token)

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1)):
        _refresh(client, member.refresh_token)

        assert [_status(client, who.headers) for who in (other, key)] == [200, 200]


def test_without_a_time_of_reuse_every_second_use_is_a_replay(
    make_app: MakeApp, member: SignedIn
) -> None:
    client = make_app(refresh_reuse_seconds=0).test_client(use_cookies=False)
    won = cookies_of(_refresh(client, member.refresh_token))

    assert _refresh(client, member.refresh_token).status_code == 401
    assert _status(client, {"Cookie": f"{ACCESS}={won[ACCESS]}"}) == 401


def test_an_expired_refresh_token_says_so(client: FlaskClient, member: SignedIn) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, seconds=1)):
        answer = _refresh(client, member.refresh_token)

    assert (answer.status_code, answer.text) == (401, "Expired refresh token")


def test_a_refresh_takes_over_the_role_of_this_moment(
    client: FlaskClient, app: Flask, member: SignedIn
) -> None:
    set_role(app, member, "ADMIN")

    new = cookies_of(_refresh(client, member.refresh_token))

    assert client.get("/v1/users", headers={"Cookie": f"{ACCESS}={new[ACCESS]}"}).status_code == 200


def test_the_header_means_nothing_to_a_refresh(
    client: FlaskClient, member: SignedIn, admin: SignedIn
) -> None:
    assert client.post("/auth/refresh", headers=admin.headers).text == "Missing refresh token"
    headers = {"Authorization": "Bearer junk", **member.refresh_cookie}
    assert client.post("/auth/refresh", headers=headers).status_code == 204


# Signing out.


def test_signing_out_ends_all_sessions_of_that_person_and_no_key(
    client: FlaskClient, app: Flask, member: SignedIn, admin: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(member)
    for method in ("GET", "POST"):
        for sent in ("cookie", "refresh_cookie", "headers"):
            one, two = sign_in(app, member), sign_in(app, member)
            answer = client.open("/auth/logout", method=method, headers=getattr(one, sent))

            assert (answer.status_code, answer.headers["Location"]) == (302, "/login")
            assert [_status(client, who.headers) for who in (one, two)] == [401, 401]
            assert _refresh(client, two.refresh_token).status_code == 401
    assert [_status(client, who.headers) for who in (key, admin)] == [200, 200]


def test_whoever_is_late_can_still_sign_out(client: FlaskClient, member: SignedIn) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        client.post("/auth/logout", headers=member.cookie)

        assert _refresh(client, member.refresh_token).status_code == 401


def test_an_ended_access_token_signs_nobody_out(
    client: FlaskClient, app: Flask, member: SignedIn
) -> None:
    other = sign_in(app, member)
    client.post("/auth/refresh", headers=member.refresh_cookie)

    client.post("/auth/logout", headers=member.cookie)

    assert _status(client, other.headers) == 200


def test_a_key_or_the_admin_secret_signs_nobody_out(
    client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(member)
    for headers in (key.headers, {**key.headers, **member.both_cookies}, {"Authorization": "x"}):
        client.get("/auth/logout", headers=headers)
        client.post("/auth/logout", headers={**headers, "Origin": "http://localhost"})

    assert _status(client, member.headers) == 200


def test_cookies_are_taken_back_as_they_were_given(make_app: MakeApp) -> None:
    client = make_app(cookies_path="/phx", use_secure_cookies=True).test_client()
    given = log_in(client, "admin@localhost", DEFAULT_ADMIN_PASSWORD)
    taken = client.get("/auth/logout")

    def attributes(response: TestResponse) -> list[set[str]]:
        lines = response.headers.getlist("Set-Cookie")
        return [
            {part for part in line.split("; ")[1:] if not part.startswith(("Max-Age", "Expires"))}
            for line in lines
        ]

    expected = {"HttpOnly", "Path=/phx", "SameSite=Strict", "Secure"}
    # The third cookie makes the browser known, and stays: signing out makes it no stranger.
    assert (attributes(given), attributes(taken)) == ([expected] * 3, [expected] * 2)
    assert all("Max-Age=0" in line for line in taken.headers.getlist("Set-Cookie"))


def test_cookies_are_for_this_host_only_and_secure_when_the_root_url_is(
    make_app: MakeApp,
) -> None:
    for changes, is_secure in (
        ({}, False),
        ({"root_url": "http://phoenix.example"}, False),
        ({"root_url": "https://phoenix.example"}, True),
        ({"root_url": "https://phoenix.example", "use_secure_cookies": False}, False),
        ({"use_secure_cookies": True}, True),
    ):
        client = make_app(**changes).test_client()
        answer = log_in(client, "admin@localhost", DEFAULT_ADMIN_PASSWORD)
        for line in answer.headers.getlist("Set-Cookie"):
            assert ("; Secure" in line) is is_secure
            assert "Domain" not in line


def test_a_session_ends_when_its_user_is_deleted_while_it_refreshes(
    app: Flask, client: FlaskClient, admin: SignedIn, make_user: MakeUser
) -> None:
    user = make_user()

    def refresh(_: int) -> int:
        own = app.test_client(use_cookies=False)
        return _refresh(own, user.refresh_token).status_code

    with ThreadPoolExecutor(4) as threads:
        refreshed = threads.map(refresh, range(4))
        deleted = client.delete(f"/v1/users/{user.global_id}", headers=admin.headers)
        told = list(refreshed)

    assert deleted.status_code == 204
    assert set(told) <= {204, 401}
    assert _status(client, user.headers) == 401
