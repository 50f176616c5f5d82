"""Listing and ending sessions by the API, and how old they get."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import time_machine

from phoenix_web.global_ids import MAX_ID, encode
from phoenix_web.web.guard import ACCESS_COOKIE, REFRESH_COOKIE
from tests.factories import sign_in
from tests.support.calls import log_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp, MakeKey
    from tests.factories import SignedIn

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"
JSON = {"Accept": "application/json"}
AS_FIREFOX = {**JSON, "User-Agent": FIREFOX}


def _status(client: FlaskClient, headers: dict[str, str]) -> int:
    return client.get("/v1/user", headers=headers).status_code


def _sessions(client: FlaskClient, headers: dict[str, str], path: str = "user") -> list[Any]:
    answer = client.get(f"/v1/{path}/sessions", headers=headers)
    assert answer.status_code == 200, answer.text
    listed: list[Any] = answer.get_json()["data"]
    return listed


def _bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


# Lists.


def test_a_session_tells_from_where_and_by_what_it_was_opened(
    client: FlaskClient, member: SignedIn
) -> None:
    tokens = log_in(client, member.email, address="2001:db8::7", headers=AS_FIREFOX).get_json()

    own, other = _sessions(client, _bearer(tokens))

    assert list(own) == [
        "id",
        "created_at",
        "last_seen_at",
        "expires_at",
        "device",
        "user_agent",
        "address",
        "is_current",
    ]
    assert (own["device"], own["address"]) == ("Firefox on Linux", "2001:db8::7")
    assert (own["user_agent"], own["is_current"]) == (FIREFOX, True)
    assert own["created_at"] == own["last_seen_at"]
    assert own["created_at"].endswith("+00:00")
    assert (other["device"], other["is_current"]) == ("Unknown device", False)
    assert "address" not in other


def test_a_renewal_tells_where_the_session_is_now(client: FlaskClient, member: SignedIn) -> None:
    tokens = log_in(client, member.email, headers=AS_FIREFOX).get_json()
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        answer = client.post(
            "/auth/refresh",
            json={"refresh_token": tokens["refresh_token"]},
            headers={"Accept": "application/json", "User-Agent": CHROME},
            environ_base={"REMOTE_ADDR": "192.0.2.9"},
        )
        now = _sessions(client, _bearer(answer.get_json()))[0]

    assert (now["device"], now["address"]) == ("Chrome on Windows", "192.0.2.9")
    seen, opened = (datetime.fromisoformat(now[name]) for name in ("last_seen_at", "created_at"))
    assert seen - opened > timedelta(minutes=59)


def test_a_request_writes_nothing_about_its_session(client: FlaskClient, member: SignedIn) -> None:
    headers = _bearer(log_in(client, member.email, headers=AS_FIREFOX).get_json())
    before = _sessions(client, headers)

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5)):
        client.get("/v1/user", headers={**headers, "User-Agent": CHROME})
        assert _sessions(client, headers) == before


def test_whatever_is_sent_as_a_user_agent_is_kept_short_and_shown_as_text(
    client: FlaskClient, member: SignedIn
) -> None:
    for user_agent, kept in (
        ("x" * 5000, "x" * 512),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("tab\there", "tabhere"),
        ("", None),
    ):
        tokens = log_in(client, member.email, headers={**JSON, "User-Agent": user_agent}).get_json()
        assert _sessions(client, _bearer(tokens))[0].get("user_agent") == kept


def test_sessions_are_listed_page_by_page_newest_first(
    client: FlaskClient, app: Flask, member: SignedIn
) -> None:
    for _ in range(4):
        sign_in(app, member)
    everything = [one["id"] for one in _sessions(client, member.headers)]
    seen, query = [], "limit=2"
    while query:
        page = client.get(f"/v1/user/sessions?{query}", headers=member.headers).get_json()
        seen += [one["id"] for one in page["data"]]
        query = page["next_cursor"] and f"limit=2&cursor={page['next_cursor']}"

    assert seen == everything
    assert len(seen) == 5
    for query in ("limit=0", "limit=1001", "cursor=zzz", f"cursor={encode('User', 2)}"):
        answer = client.get(f"/v1/user/sessions?{query}", headers=member.headers)
        assert answer.status_code == 422


# Ending one's own.


def test_one_session_is_ended_and_the_others_go_on(
    client: FlaskClient, app: Flask, member: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(member)
    elsewhere = sign_in(app, member)
    newest = _sessions(client, member.headers)[0]["id"]

    answer = client.delete(f"/v1/user/sessions/{newest}", headers=member.headers)

    assert (answer.status_code, answer.data) == (204, b"")
    assert [_status(client, who.headers) for who in (elsewhere, member, key)] == [401, 200, 200]
    assert client.post("/auth/refresh", headers=elsewhere.refresh_cookie).status_code == 401
    again = client.delete(f"/v1/user/sessions/{newest}", headers=member.headers)
    assert (again.status_code, again.text) == (404, "Session not found")


def test_who_ends_the_session_they_came_by_is_signed_out(
    client: FlaskClient, app: Flask, member: SignedIn
) -> None:
    elsewhere = sign_in(app, member)
    headers = {**member.cookie, "Sec-Fetch-Site": "same-origin"}
    own = next(one["id"] for one in _sessions(client, headers) if one["is_current"])

    answer = client.delete(f"/v1/user/sessions/{own}", headers=headers)

    assert [_status(client, who.headers) for who in (member, elsewhere)] == [401, 200]
    cleared = [line.partition("=")[0] for line in answer.headers.getlist("Set-Cookie")]
    assert cleared == [ACCESS_COOKIE, REFRESH_COOKIE]


def test_somebody_elses_session_is_not_there(
    client: FlaskClient, member: SignedIn, admin: SignedIn, viewer: SignedIn
) -> None:
    (foreign,) = _sessions(client, member.headers)
    for session_id, status, text in (
        (foreign["id"], 404, "Session not found"),
        (encode("UserSession", MAX_ID), 404, "Session not found"),
        (encode("UserSession", MAX_ID + 1), 422, "Invalid UserSession GlobalID format"),
        (encode("UserApiKey", 1), 422, "Invalid UserSession GlobalID format"),
        ("5", 422, "Invalid UserSession GlobalID format"),
        ("%00", 422, "Invalid UserSession GlobalID format"),
    ):
        for who in (viewer, admin):
            answer = client.delete(f"/v1/user/sessions/{session_id}", headers=who.headers)
            assert (answer.status_code, answer.text.partition(":")[0]) == (status, text)
    assert _status(client, member.headers) == 200


def test_a_foreign_page_ends_no_session(client: FlaskClient, member: SignedIn) -> None:
    (own,) = _sessions(client, member.headers)
    headers = {**member.cookie, "Sec-Fetch-Site": "cross-site"}

    answer = client.delete(f"/v1/user/sessions/{own['id']}", headers=headers)

    assert answer.status_code == 403
    assert _status(client, member.headers) == 200


# Administrators.


def test_administrators_see_and_end_the_sessions_of_a_user(
    client: FlaskClient, app: Flask, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    key, elsewhere, third = make_key(member), sign_in(app, member), sign_in(app, member)
    path = f"users/{member.global_id}"
    listed = [one["id"] for one in _sessions(client, admin.headers, path)]
    assert listed == [one["id"] for one in _sessions(client, member.headers)]

    one = client.delete(f"/v1/{path}/sessions/{listed[0]}", headers=admin.headers)
    told = [_status(client, who.headers) for who in (third, elsewhere, member)]
    everything = client.delete(f"/v1/{path}/sessions", headers=admin.headers)

    assert (one.status_code, told) == (204, [401, 200, 200])
    assert everything.status_code == 204
    who = (third, elsewhere, member, key, admin)
    assert [_status(client, one.headers) for one in who] == [401, 401, 401, 200, 200]


def test_a_session_is_found_under_its_own_user_alone(
    client: FlaskClient, admin: SignedIn, member: SignedIn, viewer: SignedIn
) -> None:
    (foreign,) = _sessions(client, member.headers)

    answer = client.delete(
        f"/v1/users/{viewer.global_id}/sessions/{foreign['id']}", headers=admin.headers
    )

    assert (answer.status_code, answer.text) == (404, "Session not found")
    assert _status(client, member.headers) == 200


# How old a session gets.


def test_no_token_outlives_the_age_of_its_session(make_app: MakeApp, member: SignedIn) -> None:
    app = make_app(session_max_age_minutes=60, refresh_token_expiry_minutes=45)
    client, start = app.test_client(use_cookies=False), datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        first = log_in(client, member.email, headers=AS_FIREFOX).get_json()
        clock.shift(timedelta(minutes=40))
        second = client.post(
            "/auth/refresh",
            json={"refresh_token": first["refresh_token"]},
            headers={"Accept": "application/json"},
        ).get_json()
        clock.shift(timedelta(minutes=15))
        answer = client.post(
            "/auth/refresh", headers={"Cookie": f"{REFRESH_COOKIE}={second['refresh_token']}"}
        )
        third = {
            line.split("=", 1)[0]: line.split("=", 1)[1].split(";")[0]
            for line in answer.headers.getlist("Set-Cookie")
        }
        ages = [line.split("Max-Age=")[1] for line in answer.headers.getlist("Set-Cookie")]
        clock.shift(timedelta(minutes=4, seconds=59))
        assert _status(client, {"Cookie": f"{ACCESS_COOKIE}={third[ACCESS_COOKIE]}"}) == 200
        clock.shift(timedelta(seconds=1))
        late = {"Cookie": f"{REFRESH_COOKIE}={third[REFRESH_COOKIE]}"}
        refused = client.post("/auth/refresh", headers=late)

        assert [age.partition(";")[0] for age in ages] == ["300", "300"]
        assert _status(client, {"Cookie": f"{ACCESS_COOKIE}={third[ACCESS_COOKIE]}"}) == 401
        assert (refused.status_code, refused.text) == (401, "Expired refresh token")
        assert client.get("/datasets", headers=late).status_code == 303


def test_a_shorter_age_counts_for_sessions_that_are_open(
    make_app: MakeApp, client: FlaskClient, member: SignedIn
) -> None:
    tokens = log_in(client, member.email, headers=AS_FIREFOX).get_json()
    later = make_app(session_max_age_minutes=60).test_client(use_cookies=False)

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61)):
        answer = later.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})

    assert (answer.status_code, answer.text) == (401, "Expired refresh token")
