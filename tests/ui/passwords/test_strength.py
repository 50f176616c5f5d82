"""What is said of a password while it is typed."""

from __future__ import annotations

import json
import logging
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import argon2

from tests.factories import issue_link
from tests.support.statements import statements
from tests.ui.visitor import HTMX, SAME_ORIGIN, found, visitor

if TYPE_CHECKING:
    import pytest
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.factories import SignedIn

PAGE = "/password-strength"
GOOD = "seven quiet lighthouses"


def judge(client: FlaskClient, password: str, **more: str) -> TestResponse:
    form = {"judged": "new_password", "new_password": password, **more}
    return client.post(PAGE, data=form, headers={**HTMX, **SAME_ORIGIN})


def test_a_password_is_judged_as_it_will_be(client: FlaskClient) -> None:
    for password, told in (
        ("", ""),
        ("seven", "5 of at least 12 characters"),
        ("password1234", "common"),
        ("bobsmith12345", "based on the name or e-mail address"),
        (GOOD, "Strong"),
    ):
        answer = judge(client, password, names="bob@example.com\nBob Smith", email="bobsmith@b.c")
        assert answer.status_code == 200
        assert told in unescape(answer.text)
        assert 'id="new_password-strength"' in answer.text
        assert not password or password not in answer.text
        assert answer.headers["Cache-Control"] == "no-store"


def test_it_costs_no_hash_no_statement_and_no_line_of_the_log(
    client: FlaskClient,
    member: SignedIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> Any:
        raise AssertionError("hashed")

    caplog.set_level(logging.DEBUG)
    for name in ("hash", "verify"):
        monkeypatch.setattr(argon2.PasswordHasher, name, fail)
    headers = {**HTMX, **SAME_ORIGIN, **member.both_cookies}
    form = {"judged": "new_password", "new_password": GOOD}
    with statements() as told:
        answer = client.post(PAGE, data=form, headers=headers)

    assert "Strong" in answer.text
    assert told == []
    assert "Set-Cookie" not in answer.headers
    assert GOOD not in caplog.text


def test_it_is_a_part_of_a_page_and_nothing_else(client: FlaskClient) -> None:
    form = {"judged": "new_password", "new_password": GOOD}

    assert client.get(f"{PAGE}?new_password={GOOD}", headers=HTMX).status_code == 405
    assert client.post(PAGE, data=form, headers=SAME_ORIGIN).status_code == 404
    odd = {"judged": '"><script>', '"><script>': GOOD}
    answer = client.post(PAGE, data=odd, headers={**HTMX, **SAME_ORIGIN})
    assert answer.status_code == 404
    assert "<script>" not in answer.text.partition("<main")[2]


def test_no_other_site_asks(client: FlaskClient) -> None:
    form = {"judged": "new_password", "new_password": GOOD}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        assert client.post(PAGE, data=form, headers={**HTMX, **headers}).status_code == 403
    opaque = {**HTMX, "Origin": "null"}
    assert client.post(PAGE, data=form, headers=opaque).status_code == 200


def test_every_form_that_takes_a_new_password_asks_and_keeps_the_other_secrets(
    app: Flask, member: SignedIn
) -> None:
    pages = (
        visitor(app, member).get("/settings/profile").text,
        visitor(app).get(f"/reset-password-with-token?token={issue_link(app, member)}").text,
    )

    for page in pages:
        field = found(r'(<input id="new_password"[^>]*>)', page)
        vals = json.loads(re.findall(r"hx-vals='([^']*)'", field)[0])
        assert vals["judged"] == "new_password"
        assert vals["names"] == "bob@example.com\nbob"
        assert {vals[name] for name in vals if name not in {"judged", "names"}} == {""}
        assert f'hx-post="{PAGE}"' in field
        assert '<p class="strength" id="new_password-strength" aria-live="polite"></p>' in page
