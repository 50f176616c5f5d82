"""Rate limits: how often one client may ask, before anybody looks at what it asks."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
import time_machine

from tests.factories import PASSWORD, sign_in
from tests.support.calls import log_in
from tests.ui.visitor import SAME_ORIGIN, faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

NOBODY: Final = "nobody@example.com"
ELSEWHERE: Final = "198.51.100.7"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """URL of an empty database; of one kind, as these limits ask none."""
    return f"sqlite:///{tmp_path / 'phoenix.db'}"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """Return an application with its limits on, and no lock that could be taken for one."""
    return make_app(disable_rate_limit=False, disable_brute_force_login_protection=True)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the clock just after the beginning of a minute, where a window begins."""
    now = datetime.now(UTC).replace(second=0, microsecond=1)
    with time_machine.travel(now, tick=False) as clock:
        yield clock


def use_up(client: FlaskClient) -> None:
    assert [log_in(client, NOBODY).status_code for _ in range(13)] == [401] * 12 + [429]


def test_the_thirteenth_sign_in_of_a_minute_is_refused_unread(
    client: FlaskClient, member: SignedIn
) -> None:
    use_up(client)

    for answer in (
        log_in(client, member.email),
        client.post("/auth/login", data="no JSON", content_type="application/json"),
    ):
        assert (answer.status_code, answer.text) == (429, "Too Many Requests")
        assert answer.headers["RateLimit-Policy"] == '"sign-in";q=12;w=60'
        assert answer.headers["RateLimit"] == '"sign-in";r=0;t=60'
        assert answer.headers["Retry-After"] == "60"
        assert answer.headers["Cache-Control"] == "no-store"
    assert log_in(client, member.email, address=ELSEWHERE).status_code == 204


def test_who_waits_as_long_as_was_said_is_let_in(
    client: FlaskClient, member: SignedIn, clock: time_machine.Traveller
) -> None:
    use_up(client)
    for _ in range(5):
        wait = int(log_in(client, member.email).headers["Retry-After"])
        clock.shift(timedelta(seconds=wait - 1))
        assert log_in(client, member.email).status_code == 429
        clock.shift(timedelta(seconds=1))
        assert log_in(client, member.email).status_code == 204


def test_the_page_and_the_api_count_together_and_the_page_says_how_long(
    client: FlaskClient, member: SignedIn, clock: time_machine.Traveller
) -> None:
    use_up(client)
    clock.shift(timedelta(seconds=43))

    answer = post(client, "/login", {"email": member.email, "password": PASSWORD})

    assert answer.status_code == 429
    assert answer.headers["RateLimit"] == '"sign-in";r=0;t=17'
    assert "Too many requests. You can try again in 17 seconds." in answer.text
    assert f'value="{member.email}"' in answer.text
    assert PASSWORD not in answer.text
    assert client.get("/login").status_code == 200


def test_a_session_has_its_own_limit_of_refreshes(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    busy, quiet = member.refresh_token, sign_in(app, member).refresh_token
    answer, told = None, []
    for _ in range(13):
        answer = client.post("/auth/refresh", json={"refresh_token": busy}, headers=AS_JSON)
        told.append(answer.status_code)
        busy = answer.json["refresh_token"] if answer.is_json and answer.json else busy

    assert told == [200] * 12 + [429]
    assert answer is not None
    assert answer.headers["RateLimit-Policy"] == '"refresh";q=12;w=60'
    other = client.post("/auth/refresh", json={"refresh_token": quiet}, headers=AS_JSON)
    assert other.status_code == 200


AS_JSON: Final = {"Accept": "application/json"}


def test_a_password_reset_has_its_own_limit(client: FlaskClient, member: SignedIn) -> None:
    form = {"token": "junk", "new_password": PASSWORD, "new_password_again": PASSWORD}

    told = [post(client, "/auth/password-reset", {}).status_code for _ in range(13)]
    page = post(client, "/reset-password-with-token", form)

    assert told == [422] * 12 + [429]
    assert page.status_code == 429
    assert page.headers["RateLimit-Policy"] == '"password-reset";q=12;w=60'
    assert "Too many requests. You can try again in 60 seconds." in page.text
    assert log_in(client, member.email).status_code == 204


def test_so_has_asking_for_a_mail(make_app: MakeApp) -> None:
    mail = {"smtp_hostname": "127.0.0.1", "root_url": "http://localhost"}
    client = make_app(disable_rate_limit=False, **mail).test_client(use_cookies=False)

    told = [post(client, "/auth/password-reset-email", {}).status_code for _ in range(13)]
    page = post(client, "/forgot-password", {"email": "alice@example.com"})

    assert told == [422] * 12 + [429]
    assert page.status_code == 429
    assert page.headers["RateLimit-Policy"] == '"password-reset-email";q=12;w=60'
    assert faults(page.text) == {"email": "Too many requests. You can try again in 60 seconds."}
    assert 'value="alice@example.com"' in page.text


def post(
    client: FlaskClient, path: str, fields: dict[str, str], address: str = "127.0.0.1"
) -> TestResponse:
    """Send *fields* from *address*: as JSON to the API, as a form to a page."""
    is_api = path.startswith("/auth/")
    return client.post(
        path,
        json=fields if is_api else None,
        data=None if is_api else fields,
        headers=SAME_ORIGIN,
        environ_overrides={"REMOTE_ADDR": address},
    )


def test_what_is_not_limited_goes_on(client: FlaskClient, member: SignedIn) -> None:
    use_up(client)
    requests: list[tuple[str, str, int]] = [
        ("GET", "/auth/logout", 302),
        ("POST", "/auth/logout", 302),
        ("POST", "/auth/refresh", 401),
        ("GET", "/v1/user", 401),
        ("GET", "/login", 200),
        ("GET", "/healthz", 200),
    ]

    for method, path, status in requests * 15:
        answer = client.open(path, method=method)
        assert answer.status_code == status, path
    assert client.get("/v1/user", headers=member.headers).status_code == 200


def test_the_addresses_of_one_customer_share_a_limit(client: FlaskClient) -> None:
    told = [log_in(client, NOBODY, address=f"2001:db8::{n + 1:x}").status_code for n in range(13)]

    assert told == [401] * 12 + [429]
    assert log_in(client, NOBODY, address="2001:db8:0:1::1").status_code == 401


def test_who_cannot_be_told_from_others_is_not_limited(client: FlaskClient) -> None:
    assert {log_in(client, NOBODY, address="").status_code for _ in range(20)} == {401}


def test_forty_at_once_are_twelve(app: Flask) -> None:
    with ThreadPoolExecutor(8) as threads:
        told = list(
            threads.map(
                lambda _: log_in(app.test_client(use_cookies=False), NOBODY).status_code, range(40)
            )
        )

    assert sorted(told) == [401] * 12 + [429] * 28


def test_the_limits_can_be_switched_off(make_app: MakeApp) -> None:
    off = {"disable_rate_limit": True, "disable_brute_force_login_protection": True}
    client = make_app(**off).test_client(use_cookies=False)

    assert {log_in(client, NOBODY).status_code for _ in range(20)} == {401}


def test_every_refusal_for_haste_says_when_to_come_back(
    make_app: MakeApp, member: SignedIn
) -> None:
    client = make_app(disable_rate_limit=False).test_client()
    login = {"email": member.email, "password": "not the password"}
    other = {"email": NOBODY, "password": "not the password"}

    refused = {}
    for n in range(6):
        refused["API, account"] = post(client, "/auth/login", login, f"192.0.2.{n}")
        refused["page, account"] = post(client, "/login", login, f"192.0.2.{n}")
    for _ in range(13):
        refused["API, haste"] = post(client, "/auth/login", other, ELSEWHERE)
        refused["page, haste"] = post(client, "/login", other, ELSEWHERE)
    client.set_cookie("phoenix-access-token", member.access_token)
    change = {"current_password": "wrong", "new_password": PASSWORD + "2"}
    change["new_password_again"] = change["new_password"]
    for _ in range(6):
        refused["page, own password"] = post(client, "/settings/profile", change)

    for name, answer in refused.items():
        assert answer.status_code == 429, name
        wait = answer.headers["Retry-After"]
        policy = re.fullmatch(r'("[a-z-]+");q=\d+;w=\d+', answer.headers["RateLimit-Policy"])
        assert policy is not None
        assert answer.headers["RateLimit"] == f"{policy[1]};r=0;t={wait}", name
        assert int(wait) > 0
        assert name.startswith("API") or "You can try again in" in answer.text, name
