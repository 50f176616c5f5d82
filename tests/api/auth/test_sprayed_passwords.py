"""One password tried on many accounts: failures are also counted by where they come from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
import time_machine

from phoenix_web.web.guard import DEVICE_COOKIE
from tests.factories import PASSWORD
from tests.support.calls import log_in

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

LOCKED: Final = "Too many failed login attempts. Please try again later."
WRONG: Final = "not the password"
OFFICE: Final = "192.0.2.1"
ELSEWHERE: Final = "198.51.100.7"


@pytest.fixture
def strict_app(make_app: MakeApp) -> Flask:
    """Return an application that takes ten failures from one network."""
    return make_app(brute_force_login_protection_max_attempts_per_network=10)


def attempt(
    app: Flask, email: str, password: str = WRONG, address: str = OFFICE, cookie: str = ""
) -> TestResponse:
    headers = {"Cookie": cookie} if cookie else {}
    client = app.test_client(use_cookies=False)
    return log_in(client, email, password, address=address, headers=headers)


def spray(app: Flask, times: int, address: str = OFFICE) -> list[int]:
    return [attempt(app, f"u{n}@example.com", address=address).status_code for n in range(times)]


def test_a_network_that_tries_many_accounts_is_refused_and_no_other(
    strict_app: Flask, member: SignedIn
) -> None:
    assert spray(strict_app, 12) == [401] * 10 + [429] * 2

    answer = attempt(strict_app, member.email, PASSWORD)
    assert (answer.status_code, answer.text) == (429, LOCKED)
    assert attempt(strict_app, member.email, PASSWORD, ELSEWHERE).status_code == 204


def test_it_is_told_when_its_time_is_over(strict_app: Flask, member: SignedIn) -> None:
    begin = datetime.now(UTC)
    with time_machine.travel(begin, tick=False) as clock:
        spray(strict_app, 5)
        clock.shift(timedelta(minutes=10))
        spray(strict_app, 5)
        answer = attempt(strict_app, member.email, PASSWORD)
        assert answer.headers["Retry-After"] == "300"
        clock.shift(timedelta(seconds=299))
        assert attempt(strict_app, member.email, PASSWORD).status_code == 429
        clock.shift(timedelta(seconds=1))
        assert attempt(strict_app, member.email, PASSWORD).status_code == 204


def test_sign_ins_that_succeed_cost_their_network_nothing(
    strict_app: Flask, member: SignedIn
) -> None:
    for _ in range(3):
        assert {attempt(strict_app, member.email, PASSWORD).status_code for _ in range(9)} == {204}
    assert spray(strict_app, 9) == [401] * 9
    assert attempt(strict_app, member.email, PASSWORD).status_code == 204


def test_an_own_account_buys_no_guesses_at_others(strict_app: Flask, member: SignedIn) -> None:
    told = []
    for n in range(12):
        told += [attempt(strict_app, f"u{n}@example.com").status_code]
        attempt(strict_app, member.email, PASSWORD)

    assert told == [401] * 10 + [429] * 2


def test_attempts_at_a_locked_account_cost_their_network_nothing(
    strict_app: Flask, member: SignedIn
) -> None:
    for _ in range(30):
        attempt(strict_app, "a-program-with-an-old-password@example.com")

    assert attempt(strict_app, member.email, PASSWORD).status_code == 204


def test_a_known_browser_is_not_held_by_its_network(strict_app: Flask, member: SignedIn) -> None:
    given = attempt(strict_app, member.email, PASSWORD).headers.getlist("Set-Cookie")
    cookie = next(line.partition(";")[0] for line in given if line.startswith(DEVICE_COOKIE))
    spray(strict_app, 10)

    assert attempt(strict_app, member.email, PASSWORD).status_code == 429
    assert attempt(strict_app, member.email, PASSWORD, cookie=cookie).status_code == 204


def test_the_addresses_of_one_customer_count_together(strict_app: Flask, member: SignedIn) -> None:
    told = [
        attempt(strict_app, f"u{n}@example.com", address=f"2001:db8:1:2::{n + 1:x}").status_code
        for n in range(12)
    ]

    assert told == [401] * 10 + [429] * 2
    neighbour = "2001:db8:1:3::1"
    assert attempt(strict_app, member.email, PASSWORD, neighbour).status_code == 204


def test_all_processes_count_a_network_together(make_app: MakeApp) -> None:
    apps = [make_app(brute_force_login_protection_max_attempts_per_network=10) for _ in range(2)]

    told = [attempt(apps[n % 2], f"u{n}@example.com").status_code for n in range(12)]

    assert told == [401] * 10 + [429] * 2


def test_parallel_guesses_at_many_accounts_are_counted_one_by_one(strict_app: Flask) -> None:
    with ThreadPoolExecutor(8) as threads:
        told = list(
            threads.map(lambda n: attempt(strict_app, f"u{n}@example.com").status_code, range(32))
        )

    assert sorted(told) == [401] * 10 + [429] * 22


def test_only_our_own_proxies_say_who_asks(make_app: MakeApp) -> None:
    def spray_by(app: Flask, *forwarded: str) -> list[int]:
        client = app.test_client(use_cookies=False)
        return [
            client.post(
                "/auth/login",
                json={"email": f"u{n}@example.com", "password": WRONG},
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

    assert spray(none, 20) == spray(off, 20) == [401] * 20
