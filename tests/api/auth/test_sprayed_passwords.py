"""One password tried on many accounts: failures are also counted by where they come from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
import time_machine

from phoenix_web.web.guard import DEVICE_COOKIE
from tests.support.calls import cookies_of, log_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

LOCKED: Final = "Too many failed login attempts. Please try again later."
WRONG: Final = "not the password"
ELSEWHERE: Final = "198.51.100.7"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """Return an application that takes ten failures from one network."""
    return make_app(brute_force_login_protection_max_attempts_per_network=10)


def spray(client: FlaskClient, times: int) -> list[int]:
    return [log_in(client, f"u{n}@example.com", WRONG).status_code for n in range(times)]


def test_a_network_that_tries_many_accounts_is_refused_and_no_other(
    client: FlaskClient, member: SignedIn
) -> None:
    assert spray(client, 12) == [401] * 10 + [429] * 2

    answer = log_in(client, member.email)
    assert (answer.status_code, answer.text) == (429, LOCKED)
    assert log_in(client, member.email, address=ELSEWHERE).status_code == 204


def test_it_is_told_when_its_time_is_over(client: FlaskClient, member: SignedIn) -> None:
    begin = datetime.now(UTC)
    with time_machine.travel(begin, tick=False) as clock:
        spray(client, 5)
        clock.shift(timedelta(minutes=10))
        spray(client, 5)
        answer = log_in(client, member.email)
        assert answer.headers["Retry-After"] == "300"
        clock.shift(timedelta(seconds=299))
        assert log_in(client, member.email).status_code == 429
        clock.shift(timedelta(seconds=1))
        assert log_in(client, member.email).status_code == 204


def test_sign_ins_that_succeed_cost_their_network_nothing(
    client: FlaskClient, member: SignedIn
) -> None:
    for _ in range(3):
        assert {log_in(client, member.email).status_code for _ in range(9)} == {204}
    assert spray(client, 9) == [401] * 9
    assert log_in(client, member.email).status_code == 204


def test_an_own_account_buys_no_guesses_at_others(client: FlaskClient, member: SignedIn) -> None:
    told = []
    for n in range(12):
        told += [log_in(client, f"u{n}@example.com", WRONG).status_code]
        log_in(client, member.email)

    assert told == [401] * 10 + [429] * 2


def test_attempts_at_a_locked_account_cost_their_network_nothing(
    client: FlaskClient, member: SignedIn
) -> None:
    for _ in range(30):
        log_in(client, "a-program-with-an-old-password@example.com", WRONG)

    assert log_in(client, member.email).status_code == 204


def test_a_known_browser_is_not_held_by_its_network(client: FlaskClient, member: SignedIn) -> None:
    device = cookies_of(log_in(client, member.email))[DEVICE_COOKIE]
    spray(client, 10)

    assert log_in(client, member.email).status_code == 429
    assert log_in(client, member.email, device=device).status_code == 204


def test_the_addresses_of_one_customer_count_together(
    client: FlaskClient, member: SignedIn
) -> None:
    told = [
        log_in(client, f"u{n}@example.com", WRONG, address=f"2001:db8:1:2::{n + 1:x}").status_code
        for n in range(12)
    ]

    assert told == [401] * 10 + [429] * 2
    neighbour = "2001:db8:1:3::1"
    assert log_in(client, member.email, address=neighbour).status_code == 204


def test_all_processes_count_a_network_together(make_app: MakeApp) -> None:
    limit = {"brute_force_login_protection_max_attempts_per_network": 10}
    clients = [make_app(**limit).test_client(use_cookies=False) for _ in range(2)]

    told = [log_in(clients[n % 2], f"u{n}@example.com", WRONG).status_code for n in range(12)]

    assert told == [401] * 10 + [429] * 2


def test_parallel_guesses_at_many_accounts_are_counted_one_by_one(client: FlaskClient) -> None:
    with ThreadPoolExecutor(8) as threads:
        told = list(
            threads.map(lambda n: log_in(client, f"u{n}@example.com", WRONG).status_code, range(32))
        )

    assert sorted(told) == [401] * 10 + [429] * 22


def test_only_our_own_proxies_say_who_asks(make_app: MakeApp) -> None:
    def spray_by(app: Flask, *forwarded: str) -> list[int]:
        client = app.test_client(use_cookies=False)
        return [
            log_in(
                client,
                f"u{n}@example.com",
                WRONG,
                headers={"X-Forwarded-For": ", ".join(forwarded).format(n)},
            ).status_code
            for n in range(4)
        ]

    limit = {"brute_force_login_protection_max_attempts_per_network": 2}
    direct, behind = make_app(**limit), make_app(**limit, trusted_proxy_hops=1)

    assert spray_by(direct, "203.0.113.{}") == [401, 401, 429, 429]
    assert spray_by(behind, "10.0.0.{}", "203.0.113.50") == [401, 401, 429, 429]
    assert spray_by(behind, "10.0.0.1", "203.0.113.{}") == [401] * 4
    # Some proxies add the port, which is another one each time.
    assert spray_by(behind, "203.0.113.60:100{}") == [401, 401, 429, 429]


def test_the_measure_can_be_lifted(make_app: MakeApp) -> None:
    none = make_app(brute_force_login_protection_max_attempts_per_network=0)
    off = make_app(
        brute_force_login_protection_max_attempts_per_network=1,
        disable_brute_force_login_protection=True,
    )

    for app in (none, off):
        assert spray(app.test_client(use_cookies=False), 20) == [401] * 20
