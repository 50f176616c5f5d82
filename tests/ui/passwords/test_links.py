"""The page that a one-time link leads to."""

from __future__ import annotations

import logging
from html import unescape
from typing import TYPE_CHECKING

from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.ui.passwords import links
from tests.factories import PASSWORD, issue_link, services_of
from tests.ui.visitor import Visitor, faults, found, visitor

if TYPE_CHECKING:
    import pytest
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

NEW = "seven quiet lighthouses"
PAGE = "/reset-password-with-token"


def choose(browser: Visitor, token: str, new: str = NEW, again: str | None = None) -> TestResponse:
    repeated = new if again is None else again
    form = {"token": token, "new_password": new, "new_password_again": repeated}
    return browser.post(PAGE, form)


def test_the_page_sets_the_password_and_leads_to_the_sign_in_page(
    app: Flask, member: SignedIn
) -> None:
    browser = visitor(app, member)
    page = browser.get(f"{PAGE}?token={issue_link(app, member)}")
    token = found(r'name="token" value="([^"]+)"', page.text)

    answer = choose(browser, token)

    assert answer.status_code == 303
    assert "Password set" in browser.get(answer.location).text
    assert browser.get("/datasets").status_code == 303
    assert visitor(app).sign_in(member.email, PASSWORD).status_code == 401
    assert visitor(app).sign_in(member.email, NEW).status_code == 303


def test_a_browser_in_which_a_password_was_chosen_is_known(app: Flask, member: SignedIn) -> None:
    """The way in for whom strangers lock out again and again, at a browser of no past."""
    browser = visitor(app)
    choose(browser, issue_link(app, member))
    for _ in range(5):
        visitor(app).sign_in(member.email, "not the password")

    assert visitor(app).sign_in(member.email, NEW).status_code == 429
    assert browser.sign_in(member.email, NEW).status_code == 303


def test_looking_at_the_page_spends_nothing(app: Flask, member: SignedIn) -> None:
    token = issue_link(app, member)

    for _ in range(3):
        page = visitor(app).get(f"{PAGE}?token={token}")
        assert page.status_code == 200
        assert member.email in page.text

    assert choose(visitor(app), token).status_code == 303


def test_an_invitation_welcomes_its_user(app: Flask, member: SignedIn) -> None:
    page = visitor(app).get(f"{PAGE}?token={issue_link(app, member, LinkPurpose.INVITATION)}")

    assert "Welcome, bob" in page.text


def test_nobody_learns_the_address_of_the_page(app: Flask, member: SignedIn) -> None:
    token = issue_link(app, member)
    browser = visitor(app)
    for answer in (
        browser.get(f"{PAGE}?token={token}"),
        browser.get(f"{PAGE}?token=junk"),
        browser.get(PAGE),
        choose(browser, token, "short"),
        browser.client.delete(f"{PAGE}?token={token}"),
        choose(browser, token),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.status_code != 405:
            assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_log_keeps_the_page_and_not_the_link(
    app: Flask, member: SignedIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = issue_link(app, member)
    browser = visitor(app)

    browser.get(f"{PAGE}?token={token}")
    browser.client.post(f"{PAGE}?token={token}", headers={"Origin": "https://evil.example"})
    choose(browser, token)
    choose(browser, token)
    browser.client.post("/auth/password-reset", json={"token": token, "password": NEW})

    assert PAGE in caplog.text
    assert "used or replaced" in caplog.text
    for secret in (token, token.partition(".")[0], NEW):
        assert secret not in caplog.text


def test_a_link_that_does_not_work_is_told_alike(app: Flask, member: SignedIn) -> None:
    used = issue_link(app, member)
    choose(visitor(app), used)

    answers = [
        answer
        for token in ("", "junk", "<script>", used)
        for answer in (visitor(app).get(f"{PAGE}?token={token}"), choose(visitor(app), token))
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert "This link doesn't work" in answers[0].text


def test_faults_are_told_by_field_and_the_link_stays_good(app: Flask, member: SignedIn) -> None:
    token = issue_link(app, member)
    browser = visitor(app)
    for new, again, wrong in (
        ("", "", ["new_password"]),
        ("short", "short", ["new_password"]),
        ("bob@example.com", "bob@example.com", ["new_password"]),
        (NEW, "another one", ["new_password_again"]),
        ("password1234", "another one", ["new_password", "new_password_again"]),
    ):
        answer = choose(browser, token, new, again)
        assert answer.status_code == 422
        assert list(faults(answer.text)) == wrong
        assert answer.text.count(" autofocus>") == 1
        assert found(r'name="token" value="([^"]+)"', answer.text) == token
        assert found(r'(id="new_password"[^>]*)>', answer.text).count("value=") == 0
    assert choose(browser, token).status_code == 303


def test_the_form_works_where_a_browser_says_nothing_of_its_origin(
    app: Flask, client: FlaskClient, member: SignedIn
) -> None:
    """Over plain HTTP a page without a referrer sends `Origin: null`, and no `Sec-Fetch-Site`."""
    token = issue_link(app, member)
    form = {"token": token, "new_password": NEW, "new_password_again": NEW}
    opaque = {"Origin": "null"}

    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {},
    ):
        assert client.post(PAGE, data=form, headers=headers).status_code == 403
    assert client.post("/login", data=form, headers=opaque).status_code == 403
    assert client.post(PAGE, data=form, headers=opaque).status_code == 303


def test_a_form_that_may_be_a_foreign_pages_makes_no_browser_known(
    client: FlaskClient, app: Flask, member: SignedIn
) -> None:
    """Such a page could redeem a link of its own, and by that make its visitor a stranger."""
    for headers, is_known in (
        ({"Origin": "null"}, False),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
    ):
        form = {"token": issue_link(app, member), "new_password": NEW, "new_password_again": NEW}

        answer = client.post(PAGE, data=form, headers=headers)

        assert answer.status_code == 303
        assert ("phoenix-device=" in answer.headers.get("Set-Cookie", "")) is is_known


def test_whoever_is_signed_in_as_another_is_told_too(
    app: Flask, member: SignedIn, viewer: SignedIn
) -> None:
    browser = visitor(app, viewer)

    answer = choose(browser, issue_link(app, member))

    assert "Password set" in browser.get(answer.location).text
    assert browser.get("/datasets").status_code == 200


def test_there_is_no_such_page_while_authentication_is_off(make_app: MakeApp) -> None:
    browser = visitor(make_app(enable_auth=False))

    assert browser.get(f"{PAGE}?token=x").status_code == 404
    assert choose(browser, "x").status_code == 404


def test_a_link_to_hand_over_has_the_servers_address(make_app: MakeApp, member: SignedIn) -> None:
    under_a_path = {"root_url": "https://phx.example.com/phx", "host_root_path": "/phx"}
    for changes, start in (
        ({}, f"http://localhost{PAGE}?token="),
        ({"host_root_path": "/phx"}, f"http://localhost/phx{PAGE}?token="),
        ({"root_url": "https://phx.example.com"}, f"https://phx.example.com{PAGE}?token="),
        (under_a_path, f"https://phx.example.com/phx{PAGE}?token="),
    ):
        app = make_app(**changes)
        database = services_of(app).database
        with app.test_request_context("/"), database.transaction() as session:
            user = UserStore(session).find(member.user_id)
            assert user is not None
            link = links.issue(session, user, LinkPurpose.INVITATION)

        assert link.url.startswith(start)
        page = visitor(app).get(link.url.replace(start, f"{PAGE}?token="))
        assert page.status_code == 200
        action = unescape(found(r'method="post" action="([^"]+)"', page.text))
        assert action == changes.get("host_root_path", "") + PAGE


def test_no_host_header_decides_the_address_of_a_link(make_app: MakeApp, member: SignedIn) -> None:
    app = make_app(root_url="https://phx.example.com")
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    with (
        app.test_request_context("/", headers=evil),
        services_of(app).database.transaction() as session,
    ):
        user = UserStore(session).find(member.user_id)
        assert user is not None
        assert links.issue(session, user, LinkPurpose.RESET).url.startswith(
            f"https://phx.example.com{PAGE}"
        )
