"""What must hold when two things happen at once, and what odd hosts and lengths lead to."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from phoenix_web.auth.sign_in.sessions import Sessions
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import UserStore
from tests.factories import PASSWORD, services_of
from tests.support.calls import log_in
from tests.support.processes import PATIENCE_SECONDS

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy.orm import Session

    from tests.factories import SignedIn


def test_a_password_set_while_its_old_one_is_checked_ends_that_sign_in(
    app: Flask, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change commits after the check has read the old hash, before the session is opened."""
    database = services_of(app).database
    reached, go_on = threading.Event(), threading.Event()
    verify = type(services_of(app).passwords).verify

    def slowly(*told: Any) -> bool:
        answer = verify(*told)
        reached.set()
        go_on.wait(10)
        return answer

    monkeypatch.setattr(type(services_of(app).passwords), "verify", slowly)
    with ThreadPoolExecutor(1) as pool:
        signing_in = pool.submit(log_in, app.test_client(use_cookies=False), member.email)
        assert reached.wait(10)
        with database.transaction() as session:
            UserStore(session).lock(member.user_id)
            UserStore(session).set_password(member.user_id, "another hash", needs_reset=True)
            SessionStore(session).delete_all(member.user_id)
        go_on.set()
        answer = signing_in.result()

    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


def test_nobody_changes_a_password_between_its_check_and_the_session(
    app: Flask, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that comes while the session is being opened waits, and then ends that session."""
    database = services_of(app).database
    reached, go_on = threading.Event(), threading.Event()
    opened = Sessions.open

    def slowly(*told: Any) -> Any:
        reached.set()
        go_on.wait(1)
        return opened(*told)

    def set_password() -> None:
        with database.transaction() as session:
            UserStore(session).lock(member.user_id)
            UserStore(session).set_password(member.user_id, "another hash", needs_reset=True)
            SessionStore(session).delete_all(member.user_id)

    monkeypatch.setattr(Sessions, "open", slowly)
    with ThreadPoolExecutor(2) as pool:
        signing_in = pool.submit(log_in, app.test_client(use_cookies=False), member.email)
        assert reached.wait(10)
        changing = pool.submit(set_password)
        answer = signing_in.result()
        changing.result()

    assert answer.status_code == 204
    cookie = answer.headers.getlist("Set-Cookie")[0].partition(";")[0]
    later = app.test_client(use_cookies=False).get("/v1/user", headers={"Cookie": cookie})
    assert later.status_code == 401


def test_a_user_deleted_while_signing_in_is_no_defect(
    app: Flask, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = services_of(app).database
    verify = type(services_of(app).passwords).verify

    def deleted_meanwhile(*told: Any) -> bool:
        answer = verify(*told)
        with database.transaction() as session:
            UserStore(session).delete(member.user_id)
        return answer

    monkeypatch.setattr(type(services_of(app).passwords), "verify", deleted_meanwhile)

    assert log_in(app.test_client(use_cookies=False), member.email).status_code == 401


def test_right_passwords_at_once_are_not_taken_for_guesses(app: Flask, member: SignedIn) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(
                lambda _: log_in(app.test_client(use_cookies=False), member.email).status_code,
                range(10),
            )
        )

    assert answers == [204] * 10


def test_sign_ins_beyond_the_queue_are_told_to_come_again_and_count_for_nothing(
    app: Flask, member: SignedIn
) -> None:
    passwords = services_of(app).passwords
    with ThreadPoolExecutor(40) as pool, passwords.hashing_slot():
        waiting = [
            pool.submit(log_in, app.test_client(use_cookies=False), member.email) for _ in range(40)
        ]
        done, _ = wait(waiting, timeout=PATIENCE_SECONDS, return_when=FIRST_COMPLETED)
        refused = [one.result() for one in done]

    assert {answer.status_code for answer in refused} == {503}
    assert {answer.headers["Retry-After"] for answer in refused} == {"5"}
    assert sorted(one.result().status_code for one in waiting)[:32] == [204] * 32


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_sign_in_waits_for_no_session_that_is_over(
    app: Flask, member: SignedIn, viewer: SignedIn
) -> None:
    """It forgets them, but those that somebody holds are left to the next one."""
    database = services_of(app).database
    told = {"then": datetime.now(UTC) - timedelta(days=2), "user": viewer.user_id}

    def count(session: Session, table: str) -> int:
        statement = text(f"SELECT id FROM {table} WHERE expires_at = :then FOR UPDATE")  # noqa: S608 - our tables
        return len(session.execute(statement, told).all())

    with database.transaction() as session:
        session.execute(text("UPDATE sessions SET expires_at = :then WHERE user_id = :user"), told)
        # The member's session goes on by newer ones.
        session.execute(text("UPDATE refresh_tokens SET expires_at = :then"), told)
    with database.transaction() as session:
        assert (count(session, "sessions"), count(session, "refresh_tokens")) == (1, 2)
        assert log_in(app.test_client(use_cookies=False), member.email).status_code == 204
        assert (count(session, "sessions"), count(session, "refresh_tokens")) == (1, 2)

    assert log_in(app.test_client(use_cookies=False), member.email).status_code == 204

    with database.transaction() as session:
        assert (count(session, "sessions"), count(session, "refresh_tokens")) == (0, 0)


@pytest.mark.parametrize("host", ["..", ".example", "a" * 64, "a b"])
@pytest.mark.parametrize("path", ["/login", "/nope", "/v1/user", "/healthz"])
def test_a_host_that_is_none_is_no_defect(client: FlaskClient, path: str, host: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code < 500
    form = client.post("/login", data={}, headers={"Host": host, "Origin": "http://a.example"})
    assert 400 <= form.status_code < 500


def test_a_doubled_slash_leads_nowhere(client: FlaskClient) -> None:
    answer = client.get("/v1//user", headers={"Host": "evil.example"})

    assert answer.status_code == 404
    assert b"evil" not in answer.data


def test_a_doubled_session_cookie_is_refused(client: FlaskClient, member: SignedIn) -> None:
    cookies = f"phoenix-access-token={member.access_token}; phoenix-access-token=other"

    assert client.get("/v1/user", headers={"Cookie": cookies}).status_code == 401


@pytest.mark.parametrize("beyond", [0, 1, 2_000_000])
def test_a_body_without_a_length_is_whole_or_refused(
    app: Flask, client: FlaskClient, member: SignedIn, beyond: int
) -> None:
    login = f'{{"email": "{member.email}", "password": "{PASSWORD}"}}'.encode()
    limit = app.config["MAX_CONTENT_LENGTH"]
    body = login.ljust(limit + beyond)

    answer = client.post(
        "/auth/login",
        data=body,
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert answer.status_code == (413 if beyond else 204)


def test_a_number_that_json_cannot_tell_back_is_refused(
    client: FlaskClient, member: SignedIn
) -> None:
    answer = client.post(
        "/v1/user/api_keys",
        data='{"data": {"name": 1e400}}',
        headers=member.headers,
        content_type="application/json",
    )

    assert answer.status_code == 422
    assert b"Infinity" not in answer.data


def test_a_head_of_the_logout_ends_nothing(client: FlaskClient, member: SignedIn) -> None:
    client.head("/auth/logout", headers=member.cookie)

    assert client.get("/v1/user", headers=member.cookie).status_code == 200


@pytest.mark.parametrize("target", ["/auth/logout", "/%61uth/logout", "/v1/user", "/nope"])
def test_a_sign_in_leads_to_pages_only(client: FlaskClient, member: SignedIn, target: str) -> None:
    answer = client.post(
        "/login",
        query_string={"next": target},
        data={"email": member.email, "password": PASSWORD},
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    assert answer.headers["Location"] == "/datasets"
