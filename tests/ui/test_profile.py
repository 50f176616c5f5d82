from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories import DEFAULT_ADMIN_PASSWORD, PASSWORD, sign_in
from tests.ui.visitor import Visitor, faults, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeKey, MakeUser
    from tests.factories import SignedIn

NEW = "seven quiet lighthouses"


def change(
    browser: Visitor, current: str = PASSWORD, new: str = NEW, **fields: str
) -> TestResponse:
    form = {"current_password": current, "new_password": new, "new_password_again": new}
    return browser.post("/settings/profile", {**form, **fields})


def test_a_changed_password_is_the_one_that_works(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)

    answer = change(browser)

    assert answer.status_code == 303
    assert "Your password is changed" in browser.get(answer.location).text
    assert visitor(app).sign_in(member.email, PASSWORD).status_code == 401
    assert visitor(app).sign_in(member.email, NEW).status_code == 303


def test_a_change_ends_every_session_but_this_browsers(
    app: Flask, client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    key, elsewhere = make_key(member), sign_in(app, member)
    browser = visitor(app, member)

    change(browser)

    for headers in (elsewhere.cookie, member.cookie, elsewhere.refresh_cookie):
        assert client.get("/datasets", headers=headers).status_code == 303
    assert browser.get("/datasets").status_code == 200
    assert client.get("/v1/datasets", headers=key.headers).status_code == 200


def test_the_first_password_is_changed_and_the_pages_open(app: Flask) -> None:
    browser = visitor(app)
    browser.sign_in("admin@localhost", DEFAULT_ADMIN_PASSWORD)

    change(browser, DEFAULT_ADMIN_PASSWORD)

    assert browser.get("/settings/system-keys").status_code == 200


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"current_password": ""}, {"current_password"}),
        ({"current_password": "not my password"}, {"current_password"}),
        ({"new_password": "short", "new_password_again": "short"}, {"new_password"}),
        ({"new_password": "", "new_password_again": ""}, {"new_password"}),
        ({"new_password": PASSWORD, "new_password_again": PASSWORD}, {"new_password"}),
        (
            {"new_password": "bob@example.com", "new_password_again": "bob@example.com"},
            {"new_password"},
        ),
        ({"new_password_again": "another one"}, {"new_password_again"}),
        (
            {"current_password": "", "new_password": "short", "new_password_again": "x"},
            {"current_password", "new_password", "new_password_again"},
        ),
    ],
)
def test_a_faulty_change_changes_nothing(
    app: Flask, member: SignedIn, fields: dict[str, str], wrong: set[str]
) -> None:
    answer = change(visitor(app, member), **fields)

    assert answer.status_code == 422
    assert wrong <= set(faults(answer.text))
    assert answer.text.count(" autofocus>") == 1
    for text in fields.values():
        assert not text or f'value="{text}"' not in answer.text or "@" in text
    assert visitor(app).sign_in(member.email, PASSWORD).status_code == 303


def test_guesses_of_the_current_password_are_counted_like_sign_ins(
    app: Flask, member: SignedIn
) -> None:
    browser = visitor(app, member)
    for _ in range(5):
        assert change(browser, "not my password").status_code == 422

    answer = change(browser)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many failed login attempts" in faults(answer.text)["current_password"]
    assert visitor(app).sign_in(member.email, PASSWORD).status_code == 429
    assert browser.get("/datasets").status_code == 200


def test_htmx_gets_the_form_back_or_is_led_on(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)

    refused = browser.post("/settings/profile", {}, htmx=True)
    form = {"current_password": PASSWORD, "new_password": NEW, "new_password_again": NEW}
    done = browser.post("/settings/profile", form, htmx=True)

    assert refused.text.strip().startswith('<article id="password"')
    assert done.headers["HX-Redirect"] == "/settings/profile?changed=yes"


def test_who_signs_in_elsewhere_has_no_password_here(app: Flask, make_user: MakeUser) -> None:
    user = make_user("MEMBER", auth_method="LDAP")

    page = visitor(app, user).get("/settings/profile").text

    assert 'name="new_password"' not in page
    assert "Sign out everywhere" in page
