"""Signing in with a code as well, by the API: what a code opens, how often, and for how long."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
import time_machine
from pydantic import SecretStr

from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.web.guard import DEVICE_COOKIE
from tests.factories import PASSWORD, add_user, issue_link, services_of, sign_in
from tests.support.audit_log import Watch, by, what
from tests.support.authenticator import enrol
from tests.support.calls import cookies_of, log_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp, MakeKey
    from tests.factories import SignedIn
    from tests.support.authenticator import Authenticator

REQUIRED: Final = "Verification code required"
WRONG_CODE: Final = "Invalid verification code"
WRONG_PASSWORD: Final = "Invalid email and/or password"


@pytest.fixture
def phone(app: Flask, member: SignedIn) -> Authenticator:
    """Return the member's authenticator app, by which they sign in from now on."""
    return enrol(app, member)


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.text


def device_of(answer: TestResponse) -> str:
    return cookies_of(answer)[DEVICE_COOKIE]


def test_a_right_password_alone_opens_nothing(
    app: Flask, client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    assert phone.recovery_codes
    watch = Watch(app)

    answer = log_in(client, member.email)

    assert told(answer) == (401, REQUIRED)
    assert "Set-Cookie" not in answer.headers
    with services_of(app).database.reading() as session:
        user = UserStore(session).find(member.user_id)
        sessions = SessionStore(session).page(member.user_id, 10).items
    assert user is not None
    assert user.last_sign_in_at is None
    assert len(sessions) == 1  # the one in which the phone was set up
    line = watch.one()
    assert what(line) == ("login.code_asked", "success", "User", member.username)
    assert by(line)[1] == "password"


def test_a_password_and_a_code_sign_in(
    app: Flask, client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    watch = Watch(app)

    answer = log_in(client, member.email, code=phone.code())

    assert answer.status_code == 204
    line = watch.one()
    assert (line.action, line.detail) == (
        "session.opened",
        '{"second_factor":"authenticator app"}',
    )


def test_a_code_may_be_typed_in_two_groups(
    client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    code = phone.code()

    assert log_in(client, member.email, code=f" {code[:3]} {code[3:]} ").status_code == 204


@pytest.mark.parametrize("code", ["", "12345", "1234567", "x" * 1000, "١٢٣٤٥٦", "\x00"])
def test_what_is_no_code_is_refused(
    client: FlaskClient, member: SignedIn, phone: Authenticator, code: str
) -> None:
    assert phone.recovery_codes
    answer = log_in(client, member.email, code=code)

    assert answer.status_code in {401, 422}
    assert "Set-Cookie" not in answer.headers


def test_a_right_code_with_a_wrong_password_is_the_wrong_password_and_spends_nothing(
    client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    code = phone.code()

    assert told(log_in(client, member.email, "wrong", code=code)) == (401, WRONG_PASSWORD)
    assert log_in(client, member.email, code=code).status_code == 204


def test_whoever_has_no_second_factor_needs_no_code_and_may_send_one(
    client: FlaskClient, viewer: SignedIn
) -> None:
    assert log_in(client, viewer.email, code="123456").status_code == 204


def test_a_code_works_once(
    app: Flask, client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    code = phone.code()
    assert log_in(client, member.email, code=code).status_code == 204
    watch = Watch(app)

    assert told(log_in(client, member.email, code=code)) == (401, WRONG_CODE)

    line = watch.one()
    assert what(line) == ("login.failed", "refused", "User", member.username)
    assert line.reason == f"used code for user {member.user_id}"


def test_of_many_who_come_with_one_code_one_gets_in(
    make_app: MakeApp, member: SignedIn, phone: Authenticator
) -> None:
    apps = [make_app(disable_brute_force_login_protection=True) for _ in range(2)]
    code = phone.code()

    def attempt(number: int) -> int:
        client = apps[number % 2].test_client(use_cookies=False)
        return log_in(client, member.email, code=code).status_code

    with ThreadPoolExecutor(8) as threads:
        assert Counter(threads.map(attempt, range(8))) == {204: 1, 401: 7}


def test_of_many_who_come_with_one_recovery_code_one_gets_in(
    make_app: MakeApp, member: SignedIn, phone: Authenticator
) -> None:
    apps = [make_app(disable_brute_force_login_protection=True) for _ in range(2)]

    def attempt(number: int) -> int:
        client = apps[number % 2].test_client(use_cookies=False)
        return log_in(client, member.email, code=phone.recovery_codes[3]).status_code

    with ThreadPoolExecutor(8) as threads:
        assert Counter(threads.map(attempt, range(8))) == {204: 1, 401: 7}


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 204), (1, 204), (2, 401)])
def test_a_clock_may_be_off_by_one_step(
    app: Flask, client: FlaskClient, member: SignedIn, steps: int, status: int
) -> None:
    begin = datetime.now(UTC)
    with time_machine.travel(begin, tick=False) as clock:
        phone = enrol(app, member)
        clock.move_to(begin + timedelta(minutes=5))

        assert log_in(client, member.email, code=phone.code(steps)).status_code == status


def test_a_code_spends_those_before_it(
    client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    now, following = phone.code(), phone.code(1)

    assert log_in(client, member.email, code=following).status_code == 204
    assert told(log_in(client, member.email, code=now)) == (401, WRONG_CODE)


def test_a_recovery_code_works_once_however_it_is_typed(
    app: Flask, client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    first, second = phone.recovery_codes[:2]
    watch = Watch(app)

    assert len(phone.recovery_codes) == 10
    assert log_in(client, member.email, code=first).status_code == 204
    assert told(log_in(client, member.email, code=first)) == (401, WRONG_CODE)
    typed = second.upper().replace("-", " ").replace("0", "o").replace("1", "l")
    assert log_in(client, member.email, code=typed).status_code == 204

    used = [line for line in watch.new() if line.action == "mfa.recovery_code_used"]
    assert [line.detail for line in used] == ['{"left":9}', '{"left":8}']


def test_a_recovery_code_is_its_owners_alone(
    app: Flask, client: FlaskClient, member: SignedIn, viewer: SignedIn, phone: Authenticator
) -> None:
    enrol(app, viewer)

    assert told(log_in(client, viewer.email, code=phone.recovery_codes[0])) == (401, WRONG_CODE)
    assert log_in(client, member.email, code=phone.recovery_codes[0]).status_code == 204


def test_five_wrong_codes_lock_and_right_passwords_between_them_buy_none(
    client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    for _ in range(5):
        assert told(log_in(client, member.email)) == (401, REQUIRED)
        assert told(log_in(client, member.email, code=phone.wrong_code())) == (401, WRONG_CODE)

    answer = log_in(client, member.email, code=phone.code())

    assert answer.status_code == 429
    assert 290 < int(answer.headers["Retry-After"]) <= 300
    assert log_in(client, member.email).status_code == 429


@pytest.mark.parametrize("code", [{}, {"code": None}, {"code": ""}, {"code": " "}])
def test_no_code_is_no_wrong_code(
    client: FlaskClient, member: SignedIn, phone: Authenticator, code: dict[str, str | None]
) -> None:
    body = {"email": member.email, "password": PASSWORD, **code}

    assert told(client.post("/auth/login", json=body)) == (401, REQUIRED)
    assert log_in(client, member.email, code=phone.code()).status_code == 204


def test_right_passwords_without_a_code_lock_nobody_out(
    client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    for _ in range(12):
        assert told(log_in(client, member.email)) == (401, REQUIRED)

    assert log_in(client, member.email, code=phone.code()).status_code == 204


def test_thirty_wrong_codes_in_a_day_lock_strangers_out_until_it_is_over(
    client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    device = device_of(log_in(client, member.email, code=phone.code()))
    begin = datetime.now(UTC)
    with time_machine.travel(begin, tick=False) as clock:
        for number in range(30):
            clock.move_to(begin + timedelta(minutes=6 * number))
            assert told(log_in(client, member.email, code=phone.wrong_code())) == (401, WRONG_CODE)
        clock.shift(timedelta(minutes=6))

        answer = log_in(client, member.email, code=phone.code())
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) == 21 * 60 * 60
        # A recovery code is no guess; and the person's own browser is counted apart.
        assert log_in(client, member.email, code=phone.recovery_codes[0]).status_code == 204
        assert log_in(client, member.email, code=phone.code(), device=device).status_code == 204
        clock.move_to(begin + timedelta(days=1, minutes=6))
        assert log_in(client, member.email, code=phone.code()).status_code == 204


def test_password_links_buy_no_guesses_at_the_code(
    app: Flask, client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    """Whoever reads the person's mail makes their browser known by link after link."""
    begin, tried = datetime.now(UTC), 0
    with time_machine.travel(begin, tick=False) as clock:
        for number in range(12):
            clock.move_to(begin + timedelta(minutes=12 * number))
            new = f"{number} quiet lighthouses"
            fields = {"token": issue_link(app, member), "new_password": new}
            answer = client.post(
                "/reset-password-with-token",
                data={**fields, "new_password_again": new},
                headers={"Sec-Fetch-Site": "same-origin"},
            )
            device = device_of(answer)
            for _ in range(5):
                answer = log_in(client, member.email, new, code=phone.wrong_code(), device=device)
                tried += answer.status_code == 401
        assert tried == 30


def test_codes_are_counted_where_nothing_else_is(
    make_app: MakeApp, member: SignedIn, phone: Authenticator
) -> None:
    app = make_app(disable_brute_force_login_protection=True)
    client = app.test_client(use_cookies=False)
    for _ in range(30):
        assert told(log_in(client, member.email, code=phone.wrong_code())) == (401, WRONG_CODE)

    assert log_in(client, member.email, code=phone.code()).status_code == 429


def test_a_code_that_cannot_be_read_is_not_sent_back(
    client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    code = phone.code()
    for odd in (int(code), [code], f"{code}\x00"):
        body = {"email": member.email, "password": PASSWORD, "code": odd}
        answer = client.post("/auth/login", json=body)
        assert answer.status_code == 422
        assert str(int(code)) not in answer.text


def test_a_password_link_opens_nothing_without_a_code(
    app: Flask, client: FlaskClient, member: SignedIn, phone: Authenticator
) -> None:
    new = "seven quiet lighthouses"
    body = {"token": issue_link(app, member), "password": new}
    assert client.post("/auth/password-reset", json=body).status_code == 204

    assert told(log_in(client, member.email, new)) == (401, REQUIRED)
    assert log_in(client, member.email, new, code=phone.code()).status_code == 204


def test_setting_it_up_ends_the_other_sessions_and_this_one_goes_on(
    app: Flask, client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    key, elsewhere = make_key(member), sign_in(app, member)
    watch = Watch(app)

    enrol(app, member)

    line = watch.one()
    assert what(line) == ("mfa.enrolled", "success", "User", member.username)
    assert line.detail == '{"sessions_ended":1}'
    assert client.get("/v1/user", headers=elsewhere.headers).status_code == 401
    assert client.get("/v1/user", headers=member.headers).status_code == 200
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 204
    assert client.get("/v1/user", headers=key.headers).status_code == 200


def test_another_secret_of_the_server_locks_nobody_out(
    make_app: MakeApp, member: SignedIn, phone: Authenticator
) -> None:
    other = make_app(secret=SecretStr("another-secret-behind-all-sessions-2"))
    client = other.test_client(use_cookies=False)

    assert log_in(client, member.email, code=phone.code()).status_code == 204
    assert log_in(client, member.email, code=phone.recovery_codes[0]).status_code == 204


def test_an_account_that_is_not_there_asks_for_no_code(client: FlaskClient) -> None:
    for code in ("", "123456"):
        body = {"email": "nobody@example.com", "password": PASSWORD, "code": code}
        answer = client.post("/auth/login", json=body)
        assert told(answer) == (401, WRONG_PASSWORD)


class TestResetting:
    """What administrators do for whoever has lost phone and recovery codes."""

    def reset(self, client: FlaskClient, of: SignedIn, headers: dict[str, str]) -> TestResponse:
        return client.delete(f"/v1/users/{of.global_id}/mfa", headers=headers)

    def test_an_administrator_resets_it_which_ends_the_users_sessions(
        self,
        app: Flask,
        client: FlaskClient,
        admin: SignedIn,
        member: SignedIn,
        phone: Authenticator,
    ) -> None:
        watch = Watch(app)
        path = f"/v1/users/{member.global_id}"
        user = client.get(path, headers=admin.headers).get_json()["data"]
        assert "mfa_enrolled_at" in user

        assert self.reset(client, member, admin.headers).status_code == 204

        line = watch.one()
        assert what(line) == ("mfa.removed", "success", "User", member.username)
        assert (line.actor_id, line.detail) == (admin.user_id, '{"sessions_ended":1}')
        assert client.get("/v1/user", headers=member.headers).status_code == 401
        assert log_in(client, member.email).status_code == 204
        user = client.get(path, headers=admin.headers).get_json()["data"]
        assert "mfa_enrolled_at" not in user
        with services_of(app).database.reading() as session:
            assert UserStore(session).find(member.user_id) is not None
        assert self.reset(client, member, admin.headers).status_code == 409
        assert phone.recovery_codes

    def test_it_is_for_administrators_who_are_signed_in_and_for_others_accounts(
        self,
        app: Flask,
        client: FlaskClient,
        admin: SignedIn,
        member: SignedIn,
        make_key: MakeKey,
    ) -> None:
        phone = enrol(app, member)
        enrol(app, admin)

        assert self.reset(client, member, member.headers).status_code == 403
        assert self.reset(client, member, make_key(admin).headers).status_code == 403
        assert self.reset(client, admin, admin.headers).status_code == 403
        assert client.delete("/v1/users/x/mfa", headers=admin.headers).status_code == 422
        assert told(log_in(client, member.email)) == (401, REQUIRED)
        assert log_in(client, member.email, code=phone.code()).status_code == 204


class TestWhereItIsRequired:
    """With `PHOENIX_REQUIRE_MFA`."""

    def test_a_session_opens_nothing_until_its_user_has_one(
        self, make_app: MakeApp, member: SignedIn, make_key: MakeKey
    ) -> None:
        key = make_key(member)
        strict = make_app(require_mfa=True)
        client = strict.test_client(use_cookies=False)
        new_key = {"data": {"name": "ci"}}

        for answer in (
            client.get("/v1/user", headers=member.headers),
            client.get("/v1/datasets", headers=member.cookie),
            client.post("/v1/user/api_keys", json=new_key, headers=member.headers),
        ):
            assert answer.status_code == 403
            assert "Two-step sign-in is required" in answer.text
        assert client.get("/v1/user", headers=key.headers).status_code == 200

        enrol(strict, member)
        assert client.get("/v1/user", headers=member.headers).status_code == 200
        answer = client.post("/v1/user/api_keys", json=new_key, headers=member.headers)
        assert answer.status_code == 201

    def test_the_admin_secret_goes_on(self, make_app: MakeApp) -> None:
        strict = make_app(require_mfa=True)
        secret = strict.extensions["phoenix_web"].settings.admin_secret.get_secret_value()
        headers = {"Authorization": f"Bearer {secret}"}

        assert strict.test_client().get("/v1/users", headers=headers).status_code == 200

    def test_who_signs_in_elsewhere_is_not_asked(self, make_app: MakeApp, app: Flask) -> None:
        outside = add_user(app, auth_method="OAUTH2")
        strict = make_app(require_mfa=True)

        assert strict.test_client().get("/v1/user", headers=outside.headers).status_code == 200
