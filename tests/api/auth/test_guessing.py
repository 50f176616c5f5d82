"""Guessing passwords: it is counted before it is answered, and tells no account from another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import time_machine

from tests.factories import PASSWORD, add_user
from tests.support.calls import log_in
from tests.support.statements import statements

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

LOCKED: Final = "Too many failed login attempts. Please try again later."
WRONG: Final = "not the password"


def test_known_and_unknown_accounts_get_the_same_answers(
    client: FlaskClient, member: SignedIn
) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False):
        known = [log_in(client, member.email, WRONG) for _ in range(8)]
        unknown = [log_in(client, "nobody@example.com", WRONG) for _ in range(8)]

    assert [answer.status_code for answer in known] == [401] * 5 + [429] * 3
    for one, other in zip(known, unknown, strict=True):
        assert (one.status_code, one.data) == (other.status_code, other.data)
        assert one.headers.to_wsgi_list() == other.headers.to_wsgi_list()


def test_known_and_unknown_accounts_lead_to_the_same_statements(
    client: FlaskClient, member: SignedIn
) -> None:
    told = []
    for email in (member.email, "nobody@example.com"):
        with statements() as asked:
            for _ in range(7):
                log_in(client, email, WRONG)
        told.append(asked)

    assert len(told[0]) > 7
    assert told[0] == told[1]


def test_an_unknown_account_costs_the_time_of_a_known_one(make_app: MakeApp) -> None:
    """Each is timed many times in turn: the machine's noise strikes both alike."""
    app = make_app(
        disable_brute_force_login_protection=True,
        password_hash_memory_kib=16384,
        password_hash_iterations=2,
    )
    client = app.test_client(use_cookies=False)
    member = add_user(app)
    times: dict[str, list[float]] = {member.email: [], "nobody@example.com": []}
    log_in(client, "warm@example.com", WRONG)

    for _ in range(15):
        for email, taken in times.items():
            begin = perf_counter()
            log_in(client, email, WRONG)
            taken.append(perf_counter() - begin)

    known, unknown = map(median, times.values())
    assert 0.5 < known / unknown < 2


def test_a_lock_refuses_the_right_password_and_says_how_long(
    client: FlaskClient, member: SignedIn
) -> None:
    for _ in range(5):
        log_in(client, member.email, WRONG)

    answer = log_in(client, f" {member.email.upper()}", PASSWORD)

    assert (answer.status_code, answer.text) == (429, LOCKED)
    assert 290 < int(answer.headers["Retry-After"]) <= 300


def test_a_lock_ends_after_five_minutes_and_is_not_prolonged(
    client: FlaskClient, member: SignedIn
) -> None:
    begin = datetime.now(UTC)
    with time_machine.travel(begin) as clock:
        for _ in range(5):
            log_in(client, member.email, WRONG)
        clock.move_to(begin + timedelta(seconds=290))
        assert log_in(client, member.email, PASSWORD).status_code == 429
        clock.move_to(begin + timedelta(seconds=302))
        assert log_in(client, member.email, PASSWORD).status_code == 204


def test_a_success_forgets_the_failures(client: FlaskClient, member: SignedIn) -> None:
    for _ in range(3):
        for _ in range(4):
            assert log_in(client, member.email, WRONG).status_code == 401
        assert log_in(client, member.email, PASSWORD).status_code == 204


def test_all_processes_count_together(make_app: MakeApp, member: SignedIn) -> None:
    clients = [make_app().test_client(use_cookies=False) for _ in range(2)]

    told = [log_in(clients[number % 2], member.email, WRONG).status_code for number in range(7)]

    assert told == [401] * 5 + [429] * 2


def test_a_lock_touches_no_open_session_and_no_other_account(
    client: FlaskClient, member: SignedIn, viewer: SignedIn
) -> None:
    for _ in range(6):
        log_in(client, member.email, WRONG)

    assert client.get("/v1/user", headers=member.headers).status_code == 200
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 204
    assert log_in(client, viewer.email, PASSWORD).status_code == 204


def test_forty_parallel_guesses_are_not_forty_tries(app: Flask, member: SignedIn) -> None:
    def guess(number: int) -> int:
        client = app.test_client(use_cookies=False)
        return log_in(client, member.email, PASSWORD if number == 39 else WRONG).status_code

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(guess, range(40)))

    assert told.count(429) >= 34
    assert set(told) <= {204, 401, 429}


def test_the_lock_can_be_switched_off_and_its_measure_set(
    make_app: MakeApp, member: SignedIn
) -> None:
    off = make_app(disable_brute_force_login_protection=True).test_client(use_cookies=False)
    one = make_app(brute_force_login_protection_max_attempts=1).test_client(use_cookies=False)

    assert {log_in(off, member.email, WRONG).status_code for _ in range(8)} == {401}
    assert log_in(off, member.email, PASSWORD).status_code == 204
    assert [log_in(one, member.email, WRONG).status_code for _ in range(2)] == [401, 429]


def test_attempts_that_are_no_attempts_are_not_counted(
    client: FlaskClient, member: SignedIn
) -> None:
    bodies: list[Any] = [{"email": member.email}, {"email": member.email, "password": ""}, {}, []]
    for body in bodies * 2:
        assert client.post("/auth/login", json=body).status_code in {401, 422}

    assert log_in(client, member.email, PASSWORD).status_code == 204
