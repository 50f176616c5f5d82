"""Known devices: strangers lock each other out of an account, and never its person."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
import time_machine
from itsdangerous import URLSafeSerializer

from phoenix_web.store.accounts.users import UserStore
from phoenix_web.web.guard import DEVICE_COOKIE
from tests.factories import PASSWORD, SECRET, services_of
from tests.support.calls import cookies_of, log_in
from tests.ui.visitor import SAME_ORIGIN

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

LOCKED: Final = "Too many failed login attempts. Please try again later."
WRONG: Final = "not the password"


@dataclass
class Browser:
    """Signs in by the API and keeps the one cookie that is of interest here."""

    app: Flask
    device: str | None = None

    def try_(self, email: str, password: str = WRONG) -> TestResponse:
        headers = {"Cookie": f"{DEVICE_COOKIE}={self.device}"} if self.device else {}
        client = self.app.test_client(use_cookies=False)
        answer = log_in(client, email, password, headers=headers)
        self.device = cookies_of(answer).get(DEVICE_COOKIE, self.device)
        return answer

    def status(self, email: str, password: str = WRONG) -> int:
        return self.try_(email, password).status_code


def known_browser(app: Flask, *users: SignedIn) -> Browser:
    browser = Browser(app)
    for user in users:
        assert browser.status(user.email, PASSWORD) == 204
    return browser


def lock_out_strangers(app: Flask, email: str) -> None:
    for _ in range(5):
        Browser(app).try_(email)
    assert Browser(app).status(email, PASSWORD) == 429


def test_a_known_browser_signs_in_while_strangers_are_locked_out(
    app: Flask, member: SignedIn
) -> None:
    mine = known_browser(app, member)
    lock_out_strangers(app, member.email)

    assert mine.status(member.email) == 401
    assert mine.status(member.email.upper(), PASSWORD) == 204
    # What strangers did is not forgiven by that: it would buy them five guesses more.
    assert Browser(app).status(member.email, PASSWORD) == 429


def test_the_page_makes_a_browser_known_and_knows_it(app: Flask, member: SignedIn) -> None:
    client = app.test_client()
    form = {"email": member.email, "password": PASSWORD}
    client.post("/login", data=form, headers=SAME_ORIGIN)
    client.post("/logout", headers=SAME_ORIGIN)
    lock_out_strangers(app, member.email)

    assert client.post("/login", data=form, headers=SAME_ORIGIN).status_code == 303


def test_a_known_browser_has_five_tries_and_is_then_a_stranger(
    app: Flask, member: SignedIn
) -> None:
    begin = datetime.now(UTC)
    with time_machine.travel(begin) as clock:
        mine = known_browser(app, member)
        assert [mine.status(member.email) for _ in range(5)] == [401] * 5
        answer = mine.try_(member.email, PASSWORD)
        assert (answer.status_code, answer.text) == (429, LOCKED)
        assert 290 < int(answer.headers["Retry-After"]) <= 300
        # It is locked alone: the account is open to everybody else.
        assert Browser(app).status(member.email, PASSWORD) == 204

        clock.move_to(begin + timedelta(days=100))
        lock_out_strangers(app, member.email)
        assert mine.status(member.email, PASSWORD) == 429


def test_failures_of_a_known_browser_stand_until_it_signs_in(app: Flask, member: SignedIn) -> None:
    """A stolen cookie is worth five guesses in all, however slowly they come."""
    mine, stolen = known_browser(app, member), Browser(app)
    stolen.device = mine.device
    begin = datetime.now(UTC)
    with time_machine.travel(begin) as clock:
        for day in range(5):
            clock.move_to(begin + timedelta(days=10 * day))
            assert stolen.status(member.email) == 401
        assert stolen.status(member.email, PASSWORD) == 429


def test_a_success_forgets_the_failures_of_a_known_browser(app: Flask, member: SignedIn) -> None:
    mine = known_browser(app, member)
    for _ in range(3):
        assert [mine.status(member.email) for _ in range(4)] == [401] * 4
        assert mine.status(member.email, PASSWORD) == 204


def test_a_cookie_of_one_account_is_worth_nothing_for_another(
    app: Flask, member: SignedIn, viewer: SignedIn
) -> None:
    members = known_browser(app, member)
    lock_out_strangers(app, viewer.email)

    assert members.status(viewer.email, PASSWORD) == 429
    assert members.status(member.email, PASSWORD) == 204


def test_one_browser_is_known_to_several_people(
    app: Flask, member: SignedIn, viewer: SignedIn, admin: SignedIn
) -> None:
    people = (member, viewer, admin)
    ours = known_browser(app, *people)
    for user in people:
        lock_out_strangers(app, user.email)

    assert [ours.status(user.email, PASSWORD) for user in people] == [204] * 3


def test_another_password_makes_every_browser_a_stranger(app: Flask, member: SignedIn) -> None:
    mine = known_browser(app, member)
    services = services_of(app)
    with services.database.transaction() as session:
        new = services.passwords.hash(f"{PASSWORD} 2")
        UserStore(session).set_password(member.user_id, new, needs_reset=False)
    lock_out_strangers(app, member.email)

    assert mine.status(member.email, f"{PASSWORD} 2") == 429


def test_whoever_changes_the_password_is_known_by_the_new_one(app: Flask, member: SignedIn) -> None:
    client = app.test_client()
    form = {"email": member.email, "password": PASSWORD}
    client.post("/login", data=form, headers=SAME_ORIGIN)
    new = {"new_password": f"{PASSWORD} 2", "new_password_again": f"{PASSWORD} 2"}
    changed = client.post(
        "/settings/profile", data={"current_password": PASSWORD, **new}, headers=SAME_ORIGIN
    )
    client.post("/logout", headers=SAME_ORIGIN)
    lock_out_strangers(app, member.email)

    again = client.post("/login", data={**form, "password": f"{PASSWORD} 2"}, headers=SAME_ORIGIN)
    assert (changed.status_code, again.status_code) == (303, 303)


def test_a_browser_that_stayed_away_for_long_is_a_stranger(app: Flask, member: SignedIn) -> None:
    mine = known_browser(app, member)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=181)):
        lock_out_strangers(app, member.email)

        assert mine.status(member.email, PASSWORD) == 429


def test_a_device_is_no_credential(app: Flask, member: SignedIn) -> None:
    mine = known_browser(app, member)
    client = app.test_client(use_cookies=False)
    for name in (DEVICE_COOKIE, "phoenix-access-token", "phoenix-refresh-token"):
        cookie = {"Cookie": f"{name}={mine.device}"}
        assert client.get("/v1/user", headers=cookie).status_code == 401
        assert client.get("/datasets", headers=cookie).status_code == 303
        assert client.post("/auth/refresh", headers=cookie).status_code == 401
    assert (
        client.get("/v1/user", headers={"Authorization": f"Bearer {mine.device}"}).status_code
        == 401
    )


def test_what_is_no_cookie_of_ours_makes_nobody_known(
    app: Flask, make_app: MakeApp, member: SignedIn
) -> None:
    elsewhere = known_browser(make_app(secret=SECRET[::-1]), member).device
    mine = known_browser(app, member).device or ""
    payload, _, signature = mine.rpartition(".")
    forged = URLSafeSerializer(SECRET, salt="phoenix-device").dumps([["a", "b"]])
    lock_out_strangers(app, member.email)

    for junk in (
        *("x", ".", "..", "a.b.c", "W10.aaaa.bbbb", "x" * 5000),
        *(
            elsewhere or "",
            str(forged),
            f"{payload}.{signature[::-1]}",
            f"{payload[1:]}.{signature}",
        ),
        f"{mine}; {DEVICE_COOKIE}={mine}",
    ):
        browser = Browser(app, junk)
        assert browser.status(member.email, PASSWORD) == 429, junk
    assert Browser(app, mine).status(member.email, PASSWORD) == 204


def test_a_cookie_says_nothing_about_who_is_known(
    app: Flask, member: SignedIn, viewer: SignedIn
) -> None:
    cookies = [known_browser(app, user).device or "" for user in (member, viewer)]
    told = [
        URLSafeSerializer("", salt="").load_payload(cookie.split(".")[0].encode())
        for cookie in cookies
    ]

    assert {len(text) for text in map(str, told)} == {len(str(told[0]))}
    for user, text in zip((member, viewer), map(str, told), strict=True):
        assert user.email not in text
        assert user.username not in text
    assert all(len(part) == 22 for entries in told for entry in entries for part in entry)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_known_browser_cannot_tell_other_accounts_apart(
    app: Flask, member: SignedIn, viewer: SignedIn, *, is_known: bool
) -> None:
    browser = known_browser(app, member) if is_known else Browser(app)

    with time_machine.travel(datetime.now(UTC), tick=False):
        of_known, of_unknown = (
            [browser.try_(email) for _ in range(7)] for email in (viewer.email, "no@example.com")
        )

    assert [answer.status_code for answer in of_known] == [401] * 5 + [429] * 2
    for one, other in zip(of_known, of_unknown, strict=True):
        assert (one.status_code, one.data) == (other.status_code, other.data)
        assert one.headers.to_wsgi_list() == other.headers.to_wsgi_list()


def test_forty_parallel_guesses_by_a_known_browser_are_five(app: Flask, member: SignedIn) -> None:
    mine = known_browser(app, member)

    with ThreadPoolExecutor(8) as threads:
        told = list(
            threads.map(lambda _: Browser(app, mine.device).status(member.email), range(40))
        )

    assert sorted(told) == [401] * 5 + [429] * 35
