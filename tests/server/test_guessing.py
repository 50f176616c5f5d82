"""Failed sign-ins and spent codes stand in the database, for all workers, and over a restart."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

from phoenix_web.web.guard import DEVICE_COOKIE
from tests.factories import PASSWORD
from tests.support.authenticator import enrol
from tests.support.live import http_request, running_server

if TYPE_CHECKING:
    from flask import Flask

    from tests.conftest import MakeUser
    from tests.support.live import LiveServer


def attempts(
    server: LiveServer, body: dict[str, str], times: int, cookies: dict[str, str] | None = None
) -> Counter[int]:
    """Try so often, at once, each time on a connection of its own that any worker may take."""
    headers = {"Connection": "close"}
    with (
        httpx.Client(trust_env=False, timeout=30, headers=headers, cookies=cookies) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        url = f"{server.url}/auth/login"
        return Counter(pool.map(lambda _: client.post(url, json=body).status_code, range(times)))


def guesses(
    server: LiveServer, email: str, times: int, cookies: dict[str, str] | None = None
) -> Counter[int]:
    return attempts(server, {"email": email, "password": "not the password"}, times, cookies)


def sign_in(
    server: LiveServer, email: str, cookies: dict[str, str] | None = None
) -> httpx.Response:
    body = {"email": email, "password": PASSWORD}
    url = f"{server.url}/auth/login"
    return http_request("POST", url, json=body, cookies=cookies)


def test_four_workers_count_together_and_a_restart_forgets_nothing(
    environment: dict[str, str], make_user: MakeUser
) -> None:
    user = make_user()
    with running_server(environment) as server:
        known = {DEVICE_COOKIE: sign_in(server, user.email).cookies[DEVICE_COOKIE]}
        assert guesses(server, user.email, 40) == {401: 5, 429: 35}

    with running_server(environment) as server:
        assert sign_in(server, user.email).status_code == 429
        assert sign_in(server, user.email, known).status_code == 204
        assert guesses(server, user.email, 40, known) == {401: 5, 429: 35}


def test_four_workers_take_one_code_once(
    app: Flask, environment: dict[str, str], make_user: MakeUser
) -> None:
    alice, bob = make_user(), make_user()
    codes = [(alice, enrol(app, alice).code()), (bob, enrol(app, bob).recovery_codes[0])]
    with running_server(environment) as server:
        for user, code in codes:
            body = {"email": user.email, "password": PASSWORD, "code": code}
            # As many as are not yet taken for an attack.
            assert attempts(server, body, 5) == {204: 1, 401: 4}
