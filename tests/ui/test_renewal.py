from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from phoenix_web.web.guard import ACCESS_COOKIE, REFRESH_COOKIE
from tests.factories import set_role
from tests.ui.visitor import HTMX, form_token, key_text, visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.factories import SignedIn


@pytest.fixture
def later(member: SignedIn) -> Iterator[time_machine.Traveller]:
    """Let eleven minutes pass after `member` has signed in: the access token has expired."""
    assert member.access_token
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11), tick=False) as clock:
        yield clock


@pytest.mark.usefixtures("later")
def test_an_expired_session_is_renewed_unnoticed(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)

    answer = browser.get("/datasets")

    assert answer.status_code == 200
    assert set(browser.cookies) == {ACCESS_COOKIE, REFRESH_COOKIE}
    assert browser.cookies[ACCESS_COOKIE] != member.access_token
    assert browser.cookies[REFRESH_COOKIE] != member.refresh_token
    assert "Set-Cookie" not in browser.get("/datasets").headers


def test_a_missing_access_cookie_is_renewed(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)
    browser.client.delete_cookie(ACCESS_COOKIE)

    assert browser.get("/datasets").status_code == 200
    assert browser.cookies[REFRESH_COOKIE] != member.refresh_token


def test_a_form_with_an_expired_token_is_carried_out(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)
    token = form_token(browser.get("/settings/keys").text)

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        form = {"form_token": token, "name": "typed slowly", "expiry": "90"}
        answer = browser.post("/settings/keys", form)

    assert answer.status_code == 200
    assert key_text(answer.text).startswith("phx_u_")
    assert browser.cookies[ACCESS_COOKIE] != member.access_token


def test_two_tabs_stay_signed_in(
    app: Flask, member: SignedIn, later: time_machine.Traveller
) -> None:
    first, second = visitor(app, member), visitor(app, member)

    answers = [first.get("/datasets"), second.get("/settings/keys")]
    # What the browser keeps is what the first tab got; the second tab got none.
    later.shift(1)
    third = first.get("/settings/keys")

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "Set-Cookie" not in answers[1].headers
    assert third.status_code == 200


def test_a_replay_ends_the_session(
    app: Flask, member: SignedIn, later: time_machine.Traveller
) -> None:
    browser, thief = visitor(app, member), visitor(app, member)
    browser.get("/datasets")
    later.shift(60)

    assert thief.get("/datasets").status_code == 303
    assert thief.cookies == {}
    assert browser.get("/datasets").status_code == 303


def test_an_access_token_that_is_wrong_is_not_rescued(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)
    browser.client.set_cookie(ACCESS_COOKIE, "junk")

    answer = browser.get("/datasets")

    assert answer.location == "/login?next=/datasets"
    assert browser.cookies == {}


@pytest.mark.usefixtures("later")
def test_an_expired_access_token_alone_is_worth_nothing(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)
    browser.client.delete_cookie(REFRESH_COOKIE)

    assert browser.get("/datasets").location == "/login?next=/datasets"


def test_a_change_of_role_ends_the_access_token(app: Flask, member: SignedIn) -> None:
    set_role(app, member, "VIEWER")

    assert visitor(app, member).get("/datasets").status_code == 303


def test_htmx_is_sent_to_the_sign_in_page_as_a_whole(app: Flask) -> None:
    answer = visitor(app).get("/datasets", **HTMX)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/datasets"


def test_a_browser_that_sent_no_cookie_loses_none(app: Flask) -> None:
    answer = visitor(app).get("/datasets")

    assert "Set-Cookie" not in answer.headers


def test_another_sites_link_is_followed_once_more_from_here(app: Flask, member: SignedIn) -> None:
    # It brings no `SameSite=Strict` cookie along: the browser may still have them.
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    without = visitor(app).get("/datasets?name=%22%3E", **link)
    stale = visitor(app, member)
    stale.client.set_cookie(ACCESS_COOKIE, "junk")

    assert without.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/datasets?name=%22%3E">' in without.text
    assert "Set-Cookie" not in without.headers
    assert stale.get("/datasets", **link).status_code == 303
    assert visitor(app).get("/login", **link).status_code == 200


def test_a_form_without_a_session_leads_back_to_its_page(app: Flask) -> None:
    answer = app.test_client().post(
        "/settings/keys/1/revoke",
        headers={
            "Sec-Fetch-Site": "same-origin",
            "Referer": "http://localhost/settings/keys?revoke=1",
        },
    )

    assert answer.location == "/login?next=/settings/keys"
