from __future__ import annotations

import re
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
    assert "Password changed" in browser.get(answer.location).text
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


def test_guesses_of_the_current_password_are_counted_by_themselves(
    app: Flask, member: SignedIn
) -> None:
    browser = visitor(app, member)
    for _ in range(5):
        assert change(browser, "not my password").status_code == 422

    answer = change(browser)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    told = faults(answer.text)["current_password"]
    assert "Too many failed attempts." in told
    assert "You can try again in 5 minutes." in told
    # Whoever has found an open session cannot lock its person out of signing in by it.
    assert visitor(app).sign_in(member.email, PASSWORD).status_code == 303
    assert browser.get("/datasets").status_code == 200


def test_strangers_keep_nobody_from_changing_their_password(app: Flask, member: SignedIn) -> None:
    for _ in range(6):
        visitor(app).sign_in(member.email, "not my password")

    assert change(visitor(app, member)).status_code == 303


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


# The name.


def test_everybody_changes_their_own_name(app: Flask, viewer: SignedIn, member: SignedIn) -> None:
    browser = visitor(app, viewer)

    done = browser.post("/settings/profile/name", {"username": " Caroline "})

    page = browser.get(done.location).text
    assert "Name changed." in page
    assert '<span class="who-name">Caroline</span>' in page
    for name, status in ((" ", 422), ("x" * 257, 422), (member.username.upper(), 409)):
        refused = browser.post("/settings/profile/name", {"username": name}, htmx=True)
        assert (refused.status_code, list(faults(refused.text))) == (status, ["username"])
        assert refused.text.strip().startswith('<article id="account"')
    assert '<span class="who-name">Caroline</span>' in browser.get("/datasets").text


# Sessions.


def _ends(page: str) -> list[str]:
    """Return where each session that *page* lists is ended, in its order."""
    return re.findall(r'action="(/settings/profile/sessions/\d+/end)"', page)


def test_sessions_are_told_in_words_and_this_one_is_marked(app: Flask, member: SignedIn) -> None:
    browser = visitor(app, member)
    other = visitor(app)
    form = {"email": member.email, "password": PASSWORD}
    headers = {
        "Sec-Fetch-Site": "same-origin",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/145.0",
    }
    where = {"REMOTE_ADDR": "2001:db8::7"}
    other.client.post("/login", data=form, headers=headers, environ_base=where)

    rows = re.findall(r"(?s)<tr>\s*<th scope=.row.*?</tr>", browser.get("/settings/profile").text)

    assert [("Firefox on Linux" in row, "2001:db8::7" in row) for row in rows] == [
        (True, True),
        (False, False),
    ]
    assert ["This device" in row for row in rows] == [False, True]


def test_a_session_elsewhere_is_signed_out(
    app: Flask, client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    key, elsewhere = make_key(member), sign_in(app, member)
    browser = visitor(app, member)
    newest, own = _ends(browser.get("/settings/profile").text)

    done = browser.post(newest)

    assert "Session ended." in browser.get(done.location).text
    who = (elsewhere, member, key)
    told = [client.get("/v1/user", headers=one.headers).status_code for one in who]
    assert told == [401, 200, 200]
    assert browser.post(newest).status_code == 404
    assert browser.post(own).location == "/login"
    assert browser.cookies == {}


def test_all_other_sessions_are_signed_out_at_once(
    app: Flask, client: FlaskClient, member: SignedIn, admin: SignedIn
) -> None:
    others = [sign_in(app, member) for _ in range(2)]
    browser = visitor(app, member)

    answer = browser.post("/settings/profile/sessions/end-others", htmx=True)

    assert answer.text.strip().startswith('<article id="own_sessions"')
    assert "All other sessions ended." in answer.text
    assert len(_ends(answer.text)) == 1
    who = (*others, member, admin)
    told = [client.get("/v1/user", headers=one.headers).status_code for one in who]
    assert told == [401, 401, 200, 200]


def test_somebody_elses_session_is_not_there(
    app: Flask, client: FlaskClient, member: SignedIn, admin: SignedIn
) -> None:
    (foreign,) = _ends(visitor(app, member).get("/settings/profile").text)

    assert visitor(app, admin).post(foreign).status_code == 404
    assert client.get("/v1/user", headers=member.headers).status_code == 200
