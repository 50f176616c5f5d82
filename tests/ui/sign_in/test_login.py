from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from phoenix_web.web.guard import ACCESS_COOKIE, DEVICE_COOKIE, REFRESH_COOKIE
from tests.factories import PASSWORD, sign_in
from tests.ui.visitor import SAME_ORIGIN, faults, visitor

if TYPE_CHECKING:
    from flask import Flask

    from tests.factories import MadeKey, SignedIn


def test_the_right_password_opens_the_page_that_was_asked_for(app: Flask, member: SignedIn) -> None:
    browser = visitor(app)
    asked = browser.get("/settings/keys?revoke=3")

    answer = browser.sign_in(member.email, PASSWORD, asked.location.removeprefix("/login"))

    assert (asked.status_code, answer.status_code) == (303, 303)
    assert answer.location == "/settings/keys?revoke=3"
    assert browser.get(answer.location).status_code == 200


def test_cookies_are_out_of_reach_and_no_others_are_set(app: Flask, member: SignedIn) -> None:
    answer = visitor(app).sign_in(member.email, PASSWORD)

    cookies = answer.headers.getlist("Set-Cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == [
        ACCESS_COOKIE,
        REFRESH_COOKIE,
        DEVICE_COOKIE,
    ]
    assert all("HttpOnly" in cookie and "SameSite=Strict" in cookie for cookie in cookies)


def test_known_and_unknown_addresses_get_the_same_refusal(app: Flask, member: SignedIn) -> None:
    answers = [visitor(app).sign_in(email, "wrong") for email in (member.email, "no@example.com")]

    assert [answer.status_code for answer in answers] == [401, 401]
    for email, answer in zip((member.email, "no@example.com"), answers, strict=True):
        assert "Wrong e-mail or password." in answer.text
        assert f'value="{email}"' in answer.text
    texts = [answers[0].text.replace(member.email, "no@example.com"), answers[1].text]
    assert texts[0] == texts[1]


def test_a_refused_password_is_not_on_the_page(app: Flask, member: SignedIn) -> None:
    answer = visitor(app).sign_in(member.email, "hunter2-hunter2")

    assert "hunter2" not in answer.text


def test_every_missing_field_is_told_at_once(app: Flask) -> None:
    answer = visitor(app).post("/login")

    assert answer.status_code == 422
    assert set(faults(answer.text)) == {"email", "password"}
    assert answer.text.count("autofocus") == 1


def test_too_many_failures_say_when_to_come_back(app: Flask, member: SignedIn) -> None:
    browser = visitor(app)
    for _ in range(5):
        browser.sign_in(member.email, "wrong")

    answer = browser.sign_in(member.email, PASSWORD)

    assert answer.status_code == 429
    assert 290 <= int(answer.headers["Retry-After"]) <= 300
    assert "You can try again in 5 minutes." in answer.text


def test_whoever_is_signed_in_is_led_on(app: Flask, member: SignedIn) -> None:
    answer = visitor(app, member).get("/login?next=/settings/profile")

    assert (answer.status_code, answer.location) == (303, "/settings/profile")


@pytest.mark.parametrize("name", ["next", "returnUrl"])
def test_both_names_of_the_wanted_page_are_read(app: Flask, member: SignedIn, name: str) -> None:
    answer = visitor(app).sign_in(member.email, PASSWORD, f"?{name}=/settings/keys")

    assert answer.location == "/settings/keys"


ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%2Fevil.example",
    "/%5Cevil.example",
    "/%252Fevil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "/x\r\nSet-Cookie: a=b",
    "/x%0d%0aSet-Cookie:a=b",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "evil.example",
    " /datasets",
    "/" + "x" * 3000,
]


def test_a_sign_in_leads_to_no_other_place(app: Flask, member: SignedIn) -> None:
    for target in ELSEWHERE:
        query = {"next": target}
        fresh = app.test_client()
        form = fresh.get("/login", query_string=query)
        answer = fresh.post(
            "/login",
            query_string=query,
            data={"email": member.email, "password": PASSWORD},
            headers=SAME_ORIGIN,
        )
        again = fresh.get("/login", query_string=query)

        assert 'action="/login"' in form.text
        assert (answer.status_code, answer.location) == (303, "/datasets"), target
        assert again.location == "/datasets", target


def test_signing_out_ends_this_session_only(app: Flask, member: SignedIn) -> None:
    here, there = visitor(app, member), visitor(app, sign_in(app, member))

    answer = here.post("/logout")

    assert (answer.status_code, answer.location) == (303, "/login")
    assert here.cookies == {}
    assert visitor(app, member).get("/datasets").location == "/login?next=/datasets"
    assert there.get("/datasets").status_code == 200


def test_signing_out_everywhere_ends_every_session(app: Flask, member: SignedIn) -> None:
    here, there = visitor(app, member), visitor(app, sign_in(app, member))

    here.post("/logout", {"everywhere": "yes"})

    assert there.get("/datasets").status_code == 303


@pytest.mark.parametrize("minutes", [0, 11])
def test_signing_out_works_with_either_cookie_and_late(
    app: Flask, member: SignedIn, minutes: int
) -> None:
    for cookie in (ACCESS_COOKIE, REFRESH_COOKIE):
        user = sign_in(app, member)
        browser = visitor(app, user)
        browser.client.delete_cookie(cookie)
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes, seconds=1)):
            browser.post("/logout")

        assert visitor(app, user).get("/datasets").status_code == 303


def test_a_key_in_the_cookie_opens_no_page(
    app: Flask, member: SignedIn, member_key: MadeKey
) -> None:
    browser = visitor(app)
    browser.client.set_cookie(ACCESS_COOKIE, member_key.text)

    assert browser.get("/datasets").status_code == 303
    assert browser.get("/datasets", **member.headers).status_code == 303


def test_cookies_of_flask_and_flask_login_mean_nothing(app: Flask, member: SignedIn) -> None:
    stranger = app.test_client(use_cookies=False)
    for name in ("session", "remember_token", ";"):
        for value in (f"{member.user_id}|0123", "eyJfdXNlcl9pZCI6IjIifQ.aaaa.bbbb", "junk"):
            alone = stranger.get("/datasets", headers={"Cookie": f"{name}={value}"})
            beside = stranger.get(
                "/datasets", headers={"Cookie": f"{name}={value}; {member.cookie['Cookie']}"}
            )

            assert alone.status_code == 303
            assert beside.status_code == 200
            assert "Set-Cookie" not in beside.headers
