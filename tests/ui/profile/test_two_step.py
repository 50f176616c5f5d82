"""Two-step sign-in on the pages: setting it up, signing in by it, and being rid of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from phoenix_web.web.guard import ACCESS_COOKIE
from tests.factories import PASSWORD, issue_link, sign_in
from tests.support.audit_log import Watch, what
from tests.support.authenticator import Authenticator, enrol
from tests.ui.visitor import Visitor, faults, found, visitor

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

PAGE = "/settings/profile/two-step"
WRONG_CODE = "Wrong or already used code. Wait for the next code and try again."


@pytest.fixture
def phone(app: Flask, member: SignedIn) -> Authenticator:
    """Return the member's authenticator app, by which they sign in from now on."""
    return enrol(app, member)


class TestSigningIn:
    """The second step of the sign-in page."""

    def start(self, browser: Visitor, member: SignedIn, query: str = "") -> str:
        """Give the password, and return the challenge of the page that asks for the code."""
        answer = browser.sign_in(member.email, PASSWORD, query)
        assert answer.status_code == 200
        return challenge_on(answer)

    def enter(self, browser: Visitor, challenge: str, code: str, query: str = "") -> TestResponse:
        form = {"challenge": challenge, "code": code}
        return browser.post(f"/login/code{query}", form)

    @pytest.mark.usefixtures("phone")
    def test_the_password_alone_sets_no_cookie(self, app: Flask, member: SignedIn) -> None:
        browser = visitor(app)

        answer = browser.sign_in(member.email, PASSWORD)

        assert "Enter your code" in answer.text
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        assert browser.get("/datasets").status_code == 303

    def test_a_code_leads_on_to_the_page_that_was_asked_for(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser = visitor(app)
        query = "?next=/settings/keys"
        page = browser.sign_in(member.email, PASSWORD, query)
        action = found(r'<form method="post" action="([^"]+)"', page.text)

        answer = browser.post(action, {"challenge": challenge_on(page), "code": phone.code()})

        assert (answer.status_code, answer.location) == (303, "/settings/keys")
        assert browser.get(answer.location).status_code == 200

    def test_a_code_leads_to_no_foreign_page(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser = visitor(app)
        query = "?next=//evil.example"

        answer = self.enter(browser, self.start(browser, member, query), phone.code(), query)

        assert answer.location == "/datasets"

    def test_a_recovery_code_signs_in(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser = visitor(app)

        answer = self.enter(browser, self.start(browser, member), phone.recovery_codes[0])

        assert answer.status_code == 303
        assert "<dd>9" in browser.get(PAGE).text

    def test_after_a_wrong_code_the_right_one_signs_in(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser = visitor(app)

        refused = self.enter(browser, self.start(browser, member), phone.wrong_code())

        assert refused.status_code == 401
        assert faults(refused.text) == {"code": WRONG_CODE}
        assert refused.text.count(" autofocus>") == 1
        assert ACCESS_COOKIE not in browser.cookies
        assert self.enter(browser, challenge_on(refused), phone.code()).status_code == 303

    def test_no_code_is_told_and_counts_for_nothing(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser = visitor(app)
        challenge = self.start(browser, member)

        for _ in range(6):
            answer = self.enter(browser, challenge, " ")
            assert (answer.status_code, faults(answer.text)) == (422, {"code": "Enter the code."})

        assert self.enter(browser, challenge, phone.code()).status_code == 303

    def test_too_many_wrong_codes_say_when_to_come_back(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser = visitor(app)
        challenge = self.start(browser, member)
        for _ in range(5):
            assert self.enter(browser, challenge, phone.wrong_code()).status_code == 401

        answer = self.enter(browser, challenge, phone.code())

        assert answer.status_code == 429
        assert 290 <= int(answer.headers["Retry-After"]) <= 300
        assert "You can try again in 5 minutes." in answer.text
        assert challenge_on(answer) == challenge

    def test_a_challenge_is_good_for_ten_minutes(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser, begin = visitor(app), datetime.now(UTC)
        with time_machine.travel(begin, tick=False) as clock:
            challenge = self.start(browser, member)
            clock.move_to(begin + timedelta(minutes=10, seconds=1))

            answer = self.enter(browser, challenge, phone.code())

            assert answer.status_code == 401
            assert "xpired, or your password changed" in answer.text
            assert 'name="password"' in answer.text
            clock.move_to(begin + timedelta(minutes=9, seconds=59))
            assert self.enter(browser, challenge, phone.code()).status_code == 303

    def test_another_password_ends_the_challenge(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser = visitor(app)
        challenge = self.start(browser, member)
        body = {"token": issue_link(app, member), "password": "seven quiet lighthouses"}
        app.test_client().post("/auth/password-reset", json=body)
        watch = Watch(app)

        answer = self.enter(browser, challenge, phone.code())

        assert what(watch.one()) == ("login.failed", "refused", "User", member.username)
        assert answer.status_code == 401
        assert "Sign in again." in answer.text
        assert ACCESS_COOKIE not in browser.cookies

    @pytest.mark.parametrize("challenge", ["", "x", "WzEsICJ4Il0.aSk.forged", "\x00", "é"])
    def test_what_is_no_challenge_leads_back_to_the_first_step(
        self, app: Flask, phone: Authenticator, challenge: str
    ) -> None:
        answer = self.enter(visitor(app), challenge, phone.code())

        assert answer.status_code == 401
        assert 'name="password"' in answer.text
        assert "Set-Cookie" not in answer.headers

    def test_a_challenge_is_for_one_user(
        self, app: Flask, member: SignedIn, viewer: SignedIn, phone: Authenticator
    ) -> None:
        other = enrol(app, viewer)
        browser = visitor(app)
        challenge = self.start(browser, member)

        assert self.enter(browser, challenge, other.code()).status_code == 401
        assert self.enter(browser, challenge, phone.code()).status_code == 303

    def test_another_site_cannot_sign_somebody_in(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        challenge = self.start(visitor(app), member)
        client = app.test_client()
        form = {"challenge": challenge, "code": phone.code()}

        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
            assert client.post("/login/code", data=form, headers=headers).status_code == 403

    def test_reloading_the_second_step_leads_to_the_first(self, app: Flask) -> None:
        answer = visitor(app).get("/login/code?next=/settings/keys")

        assert (answer.status_code, answer.location) == (303, "/login?next=/settings/keys")


class TestSettingItUp:
    """The profile page's own page for it."""

    def draft(self, browser: Visitor) -> tuple[Authenticator, str]:
        """Give the password; return the app that has read the key, and the draft."""
        answer = browser.post(PAGE, {"current_password": PASSWORD})
        assert answer.status_code == 200
        secret = found(r'id="totp-secret"[^>]* value="([^"]+)"', answer.text)
        return Authenticator(secret), draft_on(answer)

    def confirm(self, browser: Visitor, draft: str, code: str) -> TestResponse:
        return browser.post(f"{PAGE}/confirm", {"draft": draft, "code": code})

    def test_nothing_is_on_before_the_first_code(self, app: Flask, member: SignedIn) -> None:
        browser = visitor(app, member)

        answer = browser.post(PAGE, {"current_password": PASSWORD})

        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        secret = found(r'id="totp-secret"[^>]* value="([A-Z2-7]{32})"', answer.text)
        link = found(r'href="(otpauth://totp/[^"]+)"', answer.text)
        assert f"secret={secret}" in link
        assert "bob%40example.com" in link
        assert "<svg" in answer.text
        assert visitor(app).sign_in(member.email, PASSWORD).status_code == 303
        assert "Set up two-step sign-in</h2>" in browser.get(PAGE).text

    def test_the_first_code_turns_it_on_and_shows_the_recovery_codes_once(
        self, app: Flask, member: SignedIn
    ) -> None:
        browser, elsewhere = visitor(app, member), visitor(app, sign_in(app, member))
        phone, draft = self.draft(browser)
        watch = Watch(app)

        answer = self.confirm(browser, draft, phone.code())

        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        codes = found(r'<pre id="codes"[^>]*>([^<]+)</pre>', answer.text).split()
        assert len(set(codes)) == 10
        assert what(watch.one()) == ("mfa.enrolled", "success", "User", member.username)
        page = browser.get(PAGE).text
        assert "Two-step sign-in is on" in page
        assert not any(code in page for code in codes)
        assert elsewhere.get("/datasets").status_code == 303
        assert visitor(app).sign_in(member.email, PASSWORD).status_code == 200

    def test_a_wrong_first_code_turns_nothing_on_and_keeps_the_key(
        self, app: Flask, member: SignedIn
    ) -> None:
        browser = visitor(app, member)
        phone, draft = self.draft(browser)

        watch = Watch(app)

        answer = self.confirm(browser, draft, phone.wrong_code())

        assert (answer.status_code, faults(answer.text)) == (422, {"code": WRONG_CODE})
        assert phone.secret in answer.text
        line = watch.one()
        assert what(line) == ("mfa.enrolled", "refused", "User", member.username)
        assert visitor(app).sign_in(member.email, PASSWORD).status_code == 303
        assert self.confirm(browser, draft_on(answer), phone.code()).status_code == 200

    def test_the_first_code_is_spent(self, app: Flask, member: SignedIn) -> None:
        browser = visitor(app, member)
        phone, draft = self.draft(browser)
        code = phone.code()
        self.confirm(browser, draft, code)
        challenge = challenge_on(visitor(app).sign_in(member.email, PASSWORD))

        form = {"challenge": challenge, "code": code}
        assert visitor(app).post("/login/code", form).status_code == 401

    @pytest.mark.parametrize("password", ["", "not my password"])
    def test_a_wrong_password_shows_no_key(
        self, app: Flask, member: SignedIn, password: str
    ) -> None:
        answer = visitor(app, member).post(PAGE, {"current_password": password})

        assert answer.status_code == 422
        assert set(faults(answer.text)) == {"current_password"}
        assert "totp-secret" not in answer.text
        assert not password or password not in answer.text

    def test_guesses_of_the_password_are_counted(self, app: Flask, member: SignedIn) -> None:
        browser = visitor(app, member)
        for _ in range(5):
            browser.post(PAGE, {"current_password": "not my password"})

        answer = browser.post(PAGE, {"current_password": PASSWORD})

        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert "You can try again in 5 minutes." in faults(answer.text)["current_password"]

    def test_a_draft_is_its_owners_alone_and_ends_after_half_an_hour(
        self, app: Flask, member: SignedIn, viewer: SignedIn
    ) -> None:
        begin = datetime.now(UTC)
        with time_machine.travel(begin, tick=False) as clock:
            phone, draft = self.draft(visitor(app, member))
            clock.move_to(begin + timedelta(minutes=30, seconds=1))
            late = self.confirm(visitor(app, sign_in(app, member)), draft, phone.code())
            clock.move_to(begin)
            foreign = self.confirm(visitor(app, viewer), draft, phone.code())
            forged = self.confirm(visitor(app, member), f"{draft}x", phone.code())

        for answer in (late, foreign, forged):
            assert answer.status_code == 422
            assert "xpired, or your password changed" in answer.text
            assert phone.secret not in answer.text
        assert visitor(app).sign_in(viewer.email, PASSWORD).status_code == 303

    def test_a_draft_ends_with_the_password_that_it_was_given_for(
        self, app: Flask, member: SignedIn
    ) -> None:
        phone, draft = self.draft(visitor(app, member))
        new = "seven quiet lighthouses"
        body = {"token": issue_link(app, member), "password": new}
        assert app.test_client().post("/auth/password-reset", json=body).status_code == 204
        browser = visitor(app)
        browser.sign_in(member.email, new)
        watch = Watch(app)

        answer = self.confirm(browser, draft, phone.code())

        assert answer.status_code == 422
        assert "your password changed" in answer.text
        line = watch.one()
        assert what(line) == ("mfa.enrolled", "refused", "User", member.username)
        assert visitor(app).sign_in(member.email, new).status_code == 303

    def test_of_two_tabs_the_first_one_counts(self, app: Flask, member: SignedIn) -> None:
        browser = visitor(app, member)
        (first, first_draft), (second, second_draft) = self.draft(browser), self.draft(browser)
        self.confirm(browser, first_draft, first.code(-1))

        answer = self.confirm(browser, second_draft, second.code())

        assert (answer.status_code, answer.location) == (303, PAGE)
        challenge = challenge_on(visitor(app).sign_in(member.email, PASSWORD))
        form = {"challenge": challenge, "code": first.code()}
        assert visitor(app).post("/login/code", form).status_code == 303

    def test_whoever_must_have_it_is_led_to_it_and_on_from_it(
        self, make_app: MakeApp, member: SignedIn
    ) -> None:
        browser = visitor(make_app(require_mfa=True), member)
        for path in ("/datasets", "/settings/keys", "/settings/profile"):
            answer = browser.get(path)
            assert (answer.status_code, answer.location) == (303, PAGE)
        page = browser.get(PAGE).text
        assert "This server requires two-step sign-in" in page
        assert "/settings/keys" not in page

        phone, draft = self.draft(browser)
        assert self.confirm(browser, draft, phone.code()).status_code == 200

        assert browser.get("/settings/keys").status_code == 200
        assert "/settings/keys" in browser.get(PAGE).text


class TestChangingIt:
    """What needs the password and a code."""

    def change(self, browser: Visitor, what: str, code: str, **fields: str) -> TestResponse:
        form = {"current_password": PASSWORD, "code": code, **fields}
        return browser.post(f"{PAGE}/{what}", form)

    def test_new_recovery_codes_take_the_place_of_the_old(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        watch = Watch(app)

        answer = self.change(visitor(app, member), "recovery-codes", phone.code())

        assert answer.status_code == 200
        codes = found(r'<pre id="codes"[^>]*>([^<]+)</pre>', answer.text).split()
        assert not set(codes) & set(phone.recovery_codes)
        assert watch.one().action == "mfa.recovery_codes_renewed"
        challenge = challenge_on(visitor(app).sign_in(member.email, PASSWORD))
        for code, status in ((phone.recovery_codes[0], 401), (codes[0], 303)):
            form = {"challenge": challenge, "code": code}
            assert visitor(app).post("/login/code", form).status_code == status

    def test_turned_off_it_asks_for_no_code_and_ends_the_other_sessions(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser, challenge = (
            visitor(app, member),
            challenge_on(visitor(app).sign_in(member.email, PASSWORD)),
        )
        form = {"challenge": challenge, "code": phone.recovery_codes[0]}
        elsewhere = visitor(app)
        elsewhere.post("/login/code", form)
        watch = Watch(app)

        answer = self.change(browser, "off", phone.code())

        assert (answer.status_code, answer.location) == (303, f"{PAGE}?done=off")
        assert "Two-step sign-in is off." in browser.get(answer.location).text
        line = watch.one()
        assert what(line) == ("mfa.removed", "success", "User", member.username)
        assert line.detail == '{"sessions_ended":1}'
        assert elsewhere.get("/datasets").status_code == 303
        assert visitor(app).sign_in(member.email, PASSWORD).status_code == 303
        # An old tab sends its form once more.
        assert self.change(browser, "off", phone.code(1)).location == PAGE

    @pytest.mark.parametrize("act", ["off", "recovery-codes"])
    @pytest.mark.parametrize("wrong", ["current_password", "code"])
    def test_both_must_be_right(
        self, app: Flask, member: SignedIn, phone: Authenticator, act: str, wrong: str
    ) -> None:
        browser, code = visitor(app, member), phone.code()
        bad = {"current_password": "not my password", "code": phone.wrong_code()}
        watch = Watch(app)

        answer = self.change(browser, act, **{"code": code, wrong: bad[wrong]})

        assert (answer.status_code, set(faults(answer.text))) == (422, {wrong})
        assert "not my password" not in answer.text
        assert answer.text.count(" autofocus>") == 1
        assert watch.one().outcome == "refused"
        # Nothing was spent, and nothing was changed.
        assert self.change(browser, "off", code).status_code == 303

    @pytest.mark.parametrize("act", ["off", "recovery-codes"])
    @pytest.mark.usefixtures("phone")
    def test_every_missing_field_is_told_at_once(
        self, app: Flask, member: SignedIn, act: str
    ) -> None:
        answer = visitor(app, member).post(f"{PAGE}/{act}", {})

        assert answer.status_code == 422
        assert set(faults(answer.text)) == {"current_password", "code"}

    def test_wrong_codes_are_counted_here_as_well(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        browser = visitor(app, member)
        for _ in range(5):
            assert self.change(browser, "off", phone.wrong_code()).status_code == 422

        answer = self.change(browser, "off", phone.code())

        assert answer.status_code == 429
        assert "Two-step sign-in is on" in browser.get(PAGE).text

    def test_new_passwords_buy_no_guesses_at_the_code(
        self, app: Flask, member: SignedIn, phone: Authenticator
    ) -> None:
        """Whoever has found an open session, and knows the password, changes it again and again."""
        browser, password, tried = visitor(app, member), PASSWORD, 0
        for number in range(10):
            for _ in range(4):
                fields = {"current_password": password}
                answer = self.change(browser, "off", phone.wrong_code(), **fields)
                tried += answer.status_code == 422
            new = f"{number} quiet lighthouses"
            fields = {"current_password": password, "new_password": new, "new_password_again": new}
            assert browser.post("/settings/profile", fields).status_code == 303
            password = new

        assert tried == 30
        answer = self.change(browser, "off", phone.code(), current_password=password)
        assert answer.status_code == 429
        assert "Two-step sign-in is on" in browser.get(PAGE).text
        # No guesses, so they are not kept from it.
        code = phone.recovery_codes[0]
        assert self.change(browser, "off", code, current_password=password).status_code == 303

    def test_an_administrator_resets_it_from_the_users_page(
        self, app: Flask, admin: SignedIn, member: SignedIn, phone: Authenticator
    ) -> None:
        browser, page = visitor(app, admin), f"/settings/users/{member.global_id}"
        assert 'class="badge role">two-step<' in browser.get("/settings/users").text
        assert "Reset two-step sign-in" in browser.get(page).text

        answer = browser.post(f"{page}/two-step/reset")

        assert "Two-step sign-in reset." in browser.get(answer.location).text
        assert "Reset two-step sign-in" not in browser.get(page).text
        assert visitor(app, member).get("/datasets").status_code == 303
        assert visitor(app).sign_in(member.email, PASSWORD).status_code == 303
        assert phone.recovery_codes


def challenge_on(answer: TestResponse) -> str:
    return found(r'name="challenge" value="([^"]+)"', answer.text)


def draft_on(answer: TestResponse) -> str:
    return found(r'name="draft" value="([^"]+)"', answer.text)
