"""What signing in costs: hashes one at a time, as many for everybody, and never of an old kind."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import argon2
import pytest
from sqlalchemy import text

from phoenix_web.store.accounts.users import UserStore
from tests.factories import PASSWORD, services_of, sign_in
from tests.support.calls import log_in
from tests.support.statements import statements

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp, MakeUser
    from tests.factories import SignedIn

WRONG: Final = "not the password"
RAISED: Final = {"password_hash_memory_kib": 96, "password_hash_iterations": 3}


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every hash, made or compared, adds its passes times its memory."""
    found: list[int] = []
    verify, make = argon2.PasswordHasher.verify, argon2.PasswordHasher.hash

    def counted_verify(self: argon2.PasswordHasher, told: str, password: str) -> Any:
        try:
            cost = argon2.extract_parameters(told)
            found.append(cost.time_cost * cost.memory_cost)
        except argon2.exceptions.InvalidHashError:
            pass  # it is refused unread, which costs nothing
        return verify(self, told, password)

    def counted_hash(self: argon2.PasswordHasher, password: str) -> str:
        found.append(self.time_cost * self.memory_cost)
        return make(self, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted_verify)
    monkeypatch.setattr(argon2.PasswordHasher, "hash", counted_hash)
    return found


def test_a_refusal_costs_the_same_for_every_account_and_for_none(
    make_app: MakeApp, make_user: MakeUser, spent: list[int]
) -> None:
    outdated, no_hash, no_password = make_user(), make_user(), make_user()
    raised = make_app(**RAISED)
    current = make_user()
    database = services_of(raised).database
    with database.transaction() as session:
        newest = services_of(raised).passwords.hash(PASSWORD)
        UserStore(session).set_password(current.user_id, newest, needs_reset=False)
        for user, value in ((no_hash, "'plain'"), (no_password, "NULL")):
            statement = f"UPDATE users SET password_hash = {value} WHERE id = {user.user_id}"  # noqa: S608 - the test's own values
            session.execute(text(statement))
    client = raised.test_client(use_cookies=False)

    told = {}
    for email in (
        current.email,
        "nobody@example.com",
        outdated.email,
        no_hash.email,
        no_password.email,
        "system@localhost",
    ):
        spent.clear()
        assert log_in(client, email, WRONG).status_code == 401
        told[email] = sum(spent)

    assert told == dict.fromkeys(told, 3 * 96) | {
        # To the kibibyte of a pass.
        outdated.email: pytest.approx(3 * 96, abs=3),
    }


def test_known_and_unknown_accounts_are_asked_for_by_the_same_statements(
    client: FlaskClient, member: SignedIn
) -> None:
    log_in(client, member.email, WRONG)  # what is prepared once is prepared now
    with statements() as known:
        log_in(client, member.email, WRONG)
    with statements() as unknown:
        log_in(client, "nobody@example.com", WRONG)

    assert known
    assert known == unknown


def test_one_process_makes_one_hash_at_a_time(
    app: Flask, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most = threading.Semaphore(1), []
    verify = argon2.PasswordHasher.verify

    def watched(*told: Any) -> Any:
        most.append(running.acquire(blocking=False))
        time.sleep(0.01)
        try:
            return verify(*told)
        finally:
            running.release()

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    with ThreadPoolExecutor(8) as pool:
        told = pool.map(
            lambda _: log_in(app.test_client(use_cookies=False), member.email).status_code,
            range(8),
        )

    assert list(told) == [204] * 8
    assert most == [True] * 8


def test_a_sign_in_renews_an_older_hash_and_nothing_else(
    make_app: MakeApp, member: SignedIn
) -> None:
    raised = make_app(**RAISED)
    elsewhere = sign_in(raised, member)
    client = raised.test_client(use_cookies=False)

    assert log_in(client, member.email, PASSWORD).status_code == 204

    with services_of(raised).database.reading() as session:
        renewed = UserStore(session).password_hash(member.user_id)
    assert renewed is not None
    assert "m=96,t=3,p=1" in renewed
    assert log_in(client, member.email, PASSWORD).status_code == 204
    assert client.get("/v1/user", headers=elsewhere.headers).status_code == 200
