"""Every act by API leaves one event: who, by which credential, from where, how it ended."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
import time_machine
from sqlalchemy import text

from tests.factories import (
    ADMIN_SECRET,
    DEFAULT_ADMIN_PASSWORD,
    PASSWORD,
    SECRET,
    add_key,
    issue_link,
    services_of,
    sign_in,
)
from tests.support.audit_log import Watch, by, what
from tests.support.calls import log_in
from tests.ui.visitor import visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp, MakeKey, MakeUser
    from tests.factories import SignedIn

AGENT: Final = "a program/1.0"
HEADERS: Final = {"User-Agent": AGENT}
SECRET_HEADER: Final = {"Authorization": f"Bearer {ADMIN_SECRET}"}


@pytest.fixture
def watch(app: Flask, member: SignedIn) -> Watch:
    """Return the log, with the cast in place."""
    del member
    return Watch(app)


def test_a_sign_in_names_who_and_from_where(
    app: Flask, client: FlaskClient, member: SignedIn, watch: Watch
) -> None:
    assert log_in(client, member.email, headers=HEADERS).status_code == 204
    by_api = watch.one()
    assert visitor(app).sign_in(member.email, PASSWORD).status_code == 303
    by_page = watch.one()

    for line in (by_api, by_page):
        assert what(line) == ("session.opened", "success", "UserSession", "bob")
        assert by(line) == ("bob", "password", None)
        assert (line.actor_id, line.address) == (member.user_id, "127.0.0.1")
        assert abs(line.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert by_api.agent == AGENT
    assert by_api.subject_id != by_page.subject_id
    assert visitor(app).sign_in(member.email, "a wrong password").status_code == 401
    assert what(watch.one()) == ("login.failed", "refused", "User", "bob")


def test_a_failed_sign_in_names_the_account_and_no_text_that_was_typed(
    client: FlaskClient, member: SignedIn, watch: Watch
) -> None:
    """People type passwords into the field of the address."""
    assert log_in(client, member.email, "a wrong password", headers=HEADERS).status_code == 401
    known = watch.one()
    assert log_in(client, "my own password", headers=HEADERS).status_code == 401
    unknown = watch.one()

    assert what(known) == ("login.failed", "refused", "User", "bob")
    assert known.subject_id == member.user_id
    assert what(unknown) == ("login.failed", "refused", "User", "unknown address")
    assert unknown.subject_id is None
    for line in (known, unknown):
        assert by(line) == (None, None, None)
        assert (line.address, line.agent) == ("127.0.0.1", AGENT)
        assert line.reason
        assert line.reason.startswith("wrong password")


def test_a_sign_in_during_a_lock_is_refused_as_such(
    client: FlaskClient, member: SignedIn, watch: Watch
) -> None:
    for _ in range(5):
        log_in(client, member.email, "a wrong password", headers=HEADERS)
    assert len(watch.new()) == 5

    assert log_in(client, member.email, headers=HEADERS).status_code == 429

    line = watch.one()
    assert what(line) == ("login.failed", "refused", "User", "bob")
    assert line.reason == "too many failed sign-ins"


def test_a_sign_in_that_is_not_one_and_ordinary_requests_leave_nothing(
    client: FlaskClient, member: SignedIn, watch: Watch
) -> None:
    assert log_in(client, "", "", headers=HEADERS).status_code == 401
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 204
    for path in ("/v1/user", "/v1/datasets", "/v1/user/api_keys", "/datasets", "/nope"):
        client.get(path, headers=sign_in(watch.app, member).both_cookies)
    client.get("/v1/users", headers=member.headers)

    assert watch.new() == []


def test_a_replayed_refresh_token_leaves_one_event_with_its_session(
    app: Flask, client: FlaskClient, member: SignedIn, watch: Watch
) -> None:
    for path in ("/auth/refresh", "/settings/keys"):
        someone = sign_in(app, member)
        headers = {**someone.refresh_cookie, "Sec-Fetch-Site": "same-origin"}
        assert client.post("/auth/refresh", headers=headers).status_code == 204
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=10)):
            client.open(path, method="POST" if "auth" in path else "GET", headers=headers)
            line = watch.one()

        assert what(line) == ("session.replayed", "refused", "UserSession", "bob")
        assert by(line) == ("bob", "refresh token", line.subject_id)
        assert line.reason == "replay of a used refresh token"


def test_signing_out_is_recorded_once_however_it_is_done(
    app: Flask, client: FlaskClient, member: SignedIn, watch: Watch
) -> None:
    one = visitor(app, sign_in(app, member))
    one.post("/logout")
    line = watch.one()
    assert what(line) == ("session.ended", "success", "UserSession", "bob")
    assert by(line) == ("bob", "session", line.subject_id)
    one.post("/logout")
    assert watch.new() == []

    visitor(app, sign_in(app, member)).post("/logout", {"everywhere": "yes"})
    line = watch.one()
    assert what(line) == ("session.all_ended", "success", "User", "bob")
    assert json.loads(line.detail) == {"sessions": 2}

    client.get("/auth/logout", headers=sign_in(app, member).refresh_cookie)
    line = watch.one()
    assert what(line) == ("session.all_ended", "success", "User", "bob")
    assert (line.actor_id, line.credential_kind) == (member.user_id, "session")


def test_a_change_of_the_own_password_is_recorded_and_so_is_its_refusal(
    app: Flask, member: SignedIn, watch: Watch
) -> None:
    browser = visitor(app, member)
    form = {"new_password": "another good one", "new_password_again": "another good one"}

    browser.post("/settings/profile", {**form, "current_password": "wrong"})
    refused = watch.one()
    browser.post("/settings/profile", {**form, "current_password": PASSWORD})
    changed = watch.one()

    assert what(refused) == ("user.password_changed", "refused", "User", "bob")
    assert what(changed) == ("user.password_changed", "success", "User", "bob")
    assert by(refused) == by(changed)
    assert by(changed)[:2] == ("bob", "session")
    assert json.loads(changed.detail)["sessions_ended"] == 1


def test_a_password_link_is_recorded_when_it_is_made_and_when_it_is_used(
    app: Flask, client: FlaskClient, member: SignedIn, watch: Watch
) -> None:
    for page in (False, True):
        token = issue_link(app, member)
        issued = watch.one()
        if page:
            form = {"token": token, "new_password": PASSWORD, "new_password_again": PASSWORD}
            assert visitor(app).post("/reset-password-with-token", form).status_code == 303
        else:
            body = {"token": token, "password": PASSWORD}
            assert client.post("/auth/password-reset", json=body).status_code == 204
        redeemed = watch.one()

        assert what(issued) == ("password_link.issued", "success", "User", "bob")
        assert what(redeemed) == ("password_link.redeemed", "success", "User", "bob")
        assert by(redeemed) == ("bob", "password link", None)
        assert json.loads(redeemed.detail)["purpose"] == "reset"
    assert client.post("/auth/password-reset", json=body).status_code == 401
    assert watch.new() == []


def test_keys_are_recorded_with_their_owner_and_who_has_made_or_ended_them(
    app: Flask, client: FlaskClient, make_user: MakeUser, member: SignedIn
) -> None:
    admin = make_user("ADMIN", username="alice")
    key = add_key(app, member, "first")
    watch = Watch(app)
    user_keys, system_keys = "/v1/user/api_keys", "/v1/system/api_keys"

    def make(path: str, headers: dict[str, str], name: str) -> str:
        body = {"data": {"name": name}}
        answer = client.post(path, json=body, headers=headers).get_json()
        return str(answer["data"]["id"])

    own = make(user_keys, member.headers, "own")
    line = watch.one()
    assert what(line) == ("key.issued", "success", "UserApiKey", "own")
    assert by(line)[:2] == ("bob", "session")
    detail = json.loads(line.detail)
    assert (detail["owner"], detail["owner_id"]) == ("bob", member.user_id)

    system = make(system_keys, admin.headers, "of the system")
    assert what(watch.one()) == ("key.issued", "success", "SystemApiKey", "of the system")
    make(system_keys, SECRET_HEADER, "another")
    assert by(watch.one()) == ("system", "admin secret", None)

    browser = visitor(app, member)
    browser.create_key(name="by page")
    line = watch.one()
    assert what(line) == ("key.issued", "success", "UserApiKey", "by page")
    browser.post(f"/settings/keys/{line.subject_id}/revoke")
    assert what(watch.one()) == ("key.revoked", "success", "UserApiKey", "by page")

    client.delete(f"{user_keys}/{own}", headers=key.headers)
    line = watch.one()
    assert what(line) == ("key.revoked", "success", "UserApiKey", "own")
    assert by(line) == ("bob", "user key", key.key_id)
    client.delete(f"{user_keys}/{own}", headers=key.headers)
    client.delete(f"{user_keys}/{key.global_id}", headers=make_user().headers)
    assert watch.new() == []
    client.delete(f"{user_keys}/{key.global_id}", headers=admin.headers)
    assert by(watch.one())[0] == "alice"
    client.delete(f"{system_keys}/{system}", headers=admin.headers)
    assert what(watch.one()) == ("key.revoked", "success", "SystemApiKey", "of the system")
    watch.prove()


def test_users_are_recorded_as_they_come_and_go(
    client: FlaskClient, admin: SignedIn, watch: Watch
) -> None:
    user = {"email": "Dora@example.com", "username": "dora", "role": "MEMBER"}
    body = {"user": {**user, "auth_method": "LOCAL", "password": PASSWORD}}

    watch.new()
    answer = client.post("/v1/users", json=body, headers=admin.headers)
    created = watch.one()
    assert client.post("/v1/users", json=body, headers=admin.headers).status_code == 409
    assert watch.new() == []
    path = f"/v1/users/{answer.get_json()['data']['id']}"
    assert client.delete(path, headers=admin.headers).status_code == 204
    deleted = watch.one()
    assert client.delete(path, headers=admin.headers).status_code == 404

    assert what(created) == ("user.created", "success", "User", "dora")
    assert what(deleted) == ("user.deleted", "success", "User", "dora")
    for line in (created, deleted):
        assert by(line)[:2] == ("alice", "session")
        assert json.loads(line.detail) == {
            "auth_method": "LOCAL",
            "email": "dora@example.com",
            "role": "MEMBER",
        }
    assert watch.new() == []


def test_a_start_records_the_accounts_that_it_makes(app: Flask, make_app: MakeApp) -> None:
    first = Watch(app)
    first._seen = 0  # noqa: SLF001 - from the beginning
    told = [what(line)[::3] for line in first.new()]
    assert told == [("user.created", "system"), ("user.created", "admin")]

    make_app(admins="Ann=ann@example.com")

    line = first.one()
    assert what(line) == ("user.created", "success", "User", "Ann")
    assert by(line) == ("phoenix_web", "server", None)


def test_the_address_is_the_one_that_trusted_proxies_tell(
    app: Flask, make_app: MakeApp, member: SignedIn
) -> None:
    watch = Watch(app)
    body = {"email": member.email, "password": PASSWORD}
    forwarded = {"X-Forwarded-For": "203.0.113.9"}

    for hops, address in ((0, "127.0.0.1"), (1, "203.0.113.9")):
        client = make_app(trusted_proxy_hops=hops).test_client()
        client.post("/auth/login", json=body, headers=forwarded)
        assert watch.one().address == address


def test_no_event_has_a_secret_in_any_column(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    new_password = "a password that is new"
    key = make_key(member, "a key")
    secrets = [PASSWORD, DEFAULT_ADMIN_PASSWORD, ADMIN_SECRET, SECRET, new_password, key.text]
    secrets += [member.access_token, member.refresh_token, admin.access_token]

    def note(answer: Any) -> None:
        """Keep every text of the answer that opens something."""
        secrets.extend(
            cookie.partition("=")[2].partition(";")[0]
            for cookie in answer.headers.getlist("Set-Cookie")
        )
        told = answer.get_json(silent=True) or {}
        secrets.extend(told[name] for name in ("access_token", "refresh_token") if name in told)
        if "data" in told and "key" in told["data"]:
            secrets.append(told["data"]["key"])

    def post(path: str, body: dict[str, Any], headers: dict[str, str]) -> None:
        note(client.post(path, json=body, headers={"User-Agent": key.text, **headers}))

    for email, password in ((member.email, PASSWORD), (PASSWORD, PASSWORD), (key.text, "x")):
        post("/auth/login", {"email": email, "password": password}, {"Accept": "application/json"})
    for _ in range(6):
        post("/auth/login", {"email": admin.email, "password": new_password}, {})
    post("/v1/user/api_keys", {"data": {"name": key.text}}, member.headers)
    post("/v1/system/api_keys", {"data": {"name": member.access_token}}, admin.headers)
    user = {"email": "e@example.com", "username": key.text, "role": "VIEWER"}
    body = {"user": {**user, "auth_method": "LOCAL", "password": new_password}}
    post("/v1/users", body, SECRET_HEADER)
    client.get("/v1/user", headers={**key.headers, "User-Agent": f"x {key.text}"})
    services_of(app).usage.flush()
    client.delete(f"/v1/user/api_keys/{key.global_id}", headers=key.headers)
    browser = visitor(app, member)
    form = {"current_password": PASSWORD, "new_password": new_password}
    note(browser.post("/settings/profile", {**form, "new_password_again": new_password}))
    browser.post("/logout", {"everywhere": "yes"})
    secrets.append(issue_link(app, member))
    post("/auth/password-reset", {"token": secrets[-1], "password": PASSWORD}, {})

    with services_of(app).database.reading() as session:
        rows = session.execute(text("SELECT * FROM audit_events")).all()
    written = "\n".join(repr(value) for row in rows for value in row)
    assert len(rows) > 15
    assert "***" in written
    assert [secret for secret in secrets if secret and secret in written] == []
    Watch(app).prove()
