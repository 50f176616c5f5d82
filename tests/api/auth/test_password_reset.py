"""Choosing a password by a one-time link."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
import time_machine
from sqlalchemy import text

from phoenix_web.audit.events import Actor
from phoenix_web.errors import Invalid
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import UserStore
from tests.factories import ADMIN_SECRET, PASSWORD, SECRET, issue_link, services_of, sign_in
from tests.support.calls import log_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp, MakeKey
    from tests.factories import SignedIn

NEW: Final = "seven quiet lighthouses"


def reset(client: FlaskClient, token: object, password: object = NEW) -> TestResponse:
    return client.post("/auth/password-reset", json={"token": token, "password": password})


def is_refused(answer: TestResponse) -> bool:
    return (answer.status_code, answer.text) == (401, "Invalid token")


def test_a_link_sets_the_password_and_ends_all_sessions_but_no_key(
    app: Flask, client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    key, elsewhere = make_key(member), sign_in(app, member)
    token = issue_link(app, member)

    answer = reset(client, token)

    assert (answer.status_code, answer.data) == (204, b"")
    assert "Set-Cookie" not in answer.headers
    for headers in (member.headers, elsewhere.cookie):
        assert client.get("/v1/user", headers=headers).status_code == 401
    assert client.post("/auth/refresh", headers=elsewhere.refresh_cookie).status_code == 401
    assert client.get("/v1/user", headers=key.headers).status_code == 200
    assert log_in(client, member.email, PASSWORD).status_code == 401
    assert log_in(client, member.email, NEW).status_code == 204


def test_whoever_chose_a_password_need_not_choose_another(
    app: Flask, client: FlaskClient, admin: SignedIn
) -> None:
    user = {"email": "new@example.com", "username": "new", "role": "MEMBER", "auth_method": "LOCAL"}
    client.post("/v1/users", json={"user": user}, headers=admin.headers)
    services = services_of(app)
    with services.database.transaction() as session:
        made = UserStore(session).find_by_email("new@example.com")
        assert made is not None
        assert made.password_needs_reset
        links = services.password_links
        token = links.issue(session, made, LinkPurpose.INVITATION, Actor()).token

    assert reset(client, token).status_code == 204

    with services.database.reading() as session:
        chosen = UserStore(session).find(made.id)
    assert chosen is not None
    assert not chosen.password_needs_reset


def test_a_link_ends_the_lock_of_its_address(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    for _ in range(6):
        log_in(client, member.email, "not the password")
    assert log_in(client, member.email, PASSWORD).status_code == 429

    reset(client, issue_link(app, member))

    assert log_in(client, member.email, NEW).status_code == 204


def test_a_link_works_once(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    token = issue_link(app, member)
    assert reset(client, token).status_code == 204

    assert is_refused(reset(client, token, "another good password"))
    assert log_in(client, member.email, NEW).status_code == 204


def test_of_eight_at_once_one_wins(app: Flask, member: SignedIn) -> None:
    token = issue_link(app, member)

    def use(number: int) -> int:
        client = app.test_client(use_cookies=False)
        return reset(client, token, f"{NEW} {number}").status_code

    with ThreadPoolExecutor(8) as threads:
        told = Counter(threads.map(use, range(8)))

    assert told == {204: 1, 401: 7}


def test_a_newer_link_takes_the_place_of_an_older_one(
    app: Flask, client: FlaskClient, member: SignedIn, viewer: SignedIn
) -> None:
    of_another = issue_link(app, viewer)
    for newer in LinkPurpose:
        old = issue_link(app, member)
        new = issue_link(app, member, newer)
        assert is_refused(reset(client, old))
        assert reset(client, new).status_code == 204
    assert reset(client, of_another).status_code == 204


def test_of_links_that_are_issued_at_once_one_is_good(app: Flask, member: SignedIn) -> None:
    with ThreadPoolExecutor(6) as threads:
        tokens = list(threads.map(lambda _: issue_link(app, member), range(6)))

    client = app.test_client(use_cookies=False)
    assert Counter(reset(client, token).status_code for token in tokens) == {204: 1, 401: 5}


def test_a_link_ends_with_its_time(make_app: MakeApp, app: Flask, member: SignedIn) -> None:
    other = make_app(password_reset_token_expiry_minutes=1, invitation_expiry_minutes=2)
    begin = datetime.now(UTC)
    for made_by, purpose, life in (
        (app, LinkPurpose.RESET, timedelta(minutes=15)),
        (app, LinkPurpose.INVITATION, timedelta(days=3)),
        (other, LinkPurpose.RESET, timedelta(minutes=1)),
        (other, LinkPurpose.INVITATION, timedelta(minutes=2)),
    ):
        client = made_by.test_client(use_cookies=False)
        with time_machine.travel(begin) as clock:
            token = issue_link(made_by, member, purpose)
            clock.move_to(begin + life + timedelta(seconds=2))
            assert is_refused(reset(client, token))
            clock.move_to(begin + life - timedelta(seconds=2))
            assert reset(client, token).status_code == 204


def test_what_is_no_link_is_refused(
    app: Flask, client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    token = issue_link(app, member)
    link = services_of(app).password_links.verify(token)
    links = services_of(app).password_links
    payload, _, signature = token.partition(".")
    junk: list[Any] = [
        None,
        5,
        ["x"],
        {},
        "",
        "junk",
        "ü",
        "x" * 100_000,
        payload,
        f"{payload}.{signature[:-2]}",
        f".{signature}",
        link.nonce,
        links.sign(LinkPurpose.INVITATION, "another nonce"),
        make_key(member).text,
        member.access_token,
        member.refresh_token,
        SECRET,
        ADMIN_SECRET,
    ]

    assert [value for value in junk if not is_refused(reset(client, value))] == []
    assert reset(client, token).status_code == 204


def test_half_a_surrogate_pair_is_refused(client: FlaskClient) -> None:
    body = json.dumps({"password": NEW, "token": "\ud800"})

    assert is_refused(client.post("/auth/password-reset", data=body, content_type=JSON))


JSON: Final = "application/json"


def test_another_secret_ends_every_link(make_app: MakeApp, member: SignedIn, app: Flask) -> None:
    token = issue_link(app, member)

    assert is_refused(reset(make_app(secret=SECRET[::-1]).test_client(), token))
    assert reset(app.test_client(), token).status_code == 204


def test_a_bad_password_is_told_and_the_link_stays_good(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    token = issue_link(app, member)
    for password in ("short", "bob@example.com", "password1234", "x" * 129):
        answer = reset(client, token, password)
        assert answer.status_code == 422
        assert answer.text.startswith("Password must ")
        assert password not in answer.text
    assert client.get("/v1/user", headers=member.headers).status_code == 200
    assert reset(client, token).status_code == 204


def test_the_password_is_missed_before_the_token_is_looked_at(client: FlaskClient) -> None:
    for body in ({}, {"token": "x"}, {"password": "", "token": "x"}):
        answer = client.post("/auth/password-reset", json=body)
        assert (answer.status_code, answer.text) == (422, "Password required")
    answer = reset(client, "x", 5)
    assert answer.status_code == 422
    assert answer.get_json()["detail"][0]["type"] == "string_type"


@pytest.mark.parametrize(
    "change",
    ["auth_method = 'LDAP'", "role = 'SYSTEM'", "deactivated_at = '2026-01-01 00:00:00'"],
)
def test_a_link_is_for_whoever_signs_in_with_a_password(
    app: Flask, client: FlaskClient, member: SignedIn, change: str
) -> None:
    token = issue_link(app, member)
    with services_of(app).database.transaction() as session:
        session.execute(text(f"UPDATE users SET {change} WHERE id = {member.user_id}"))  # noqa: S608 - both are this test's own

    assert is_refused(reset(client, token))
    with pytest.raises(Invalid):
        issue_link(app, member)


def test_a_deleted_user_takes_the_link_along(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    token = issue_link(app, member)
    with services_of(app).database.transaction() as session:
        UserStore(session).delete(member.user_id)

    assert is_refused(reset(client, token))


def test_whatever_fails_spends_nothing(
    app: Flask, client: FlaskClient, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("after the link was spent")

    token = issue_link(app, member)
    with monkeypatch.context() as patched:
        patched.setattr(SessionStore, "delete_all", fail)
        assert reset(client, token).status_code == 500

    assert log_in(client, member.email, PASSWORD).status_code == 204
    assert reset(client, token).status_code == 204


def test_a_user_who_may_choose_no_more_while_it_is_hashed_is_refused(
    app: Flask, client: FlaskClient, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_of(app)
    make_hash = type(services.passwords).hash

    def deleted_meanwhile(*told: Any) -> str:
        with services.database.transaction() as session:
            UserStore(session).delete(member.user_id)
        return make_hash(*told)

    token = issue_link(app, member)
    monkeypatch.setattr(type(services.passwords), "hash", deleted_meanwhile)

    assert is_refused(reset(client, token))


def test_a_changed_password_ends_the_link(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    token = issue_link(app, member)
    services = services_of(app)
    with services.database.reading() as session:
        user = UserStore(session).find(member.user_id)
    assert user is not None

    services.login.change_password(user, PASSWORD, "changed by its owner", Actor(), None)

    assert is_refused(reset(client, token))


def test_a_foreign_page_resets_nothing(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    token = issue_link(app, member)
    body = {"token": token, "password": NEW}

    foreign = client.post(
        "/auth/password-reset", json=body, headers={"Origin": "https://evil.example"}
    )

    assert foreign.status_code == 403
    assert reset(client, token).status_code == 204
