"""Signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.factories import DEFAULT_ADMIN_PASSWORD, PASSWORD, sign_in
from tests.support.calls import cookies_of, log_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeUser
    from tests.factories import SignedIn

ACCESS: Final = "phoenix-access-token"
REFRESH: Final = "phoenix-refresh-token"
DEVICE: Final = "phoenix-device"
AS_JSON: Final = {"Accept": "application/json"}


def _status(client: FlaskClient, headers: dict[str, str]) -> int:
    return client.get("/v1/user", headers=headers).status_code


def test_a_browser_gets_cookies_and_no_body(client: FlaskClient, member: SignedIn) -> None:
    answer = log_in(client, member.email, PASSWORD)

    assert (answer.status_code, answer.data) == (204, b"")
    assert list(cookies_of(answer)) == [ACCESS, REFRESH, DEVICE]
    assert _status(client, {"Cookie": f"{ACCESS}={cookies_of(answer)[ACCESS]}"}) == 200


def test_a_program_that_asks_for_json_gets_the_tokens_and_nocookies_of(
    client: FlaskClient, member: SignedIn
) -> None:
    answer = log_in(client, member.email, PASSWORD, headers=AS_JSON)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    told = answer.get_json()
    assert list(told) == ["access_token", "token_type", "expires_in", "refresh_token"]
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 600)
    assert _status(client, {"Authorization": f"Bearer {told['access_token']}"}) == 200


def test_whoever_takes_anything_getscookies_of(client: FlaskClient, member: SignedIn) -> None:
    for accept in (
        "*/*",
        "application/json, */*",
        "application/json, text/plain, */*",
        "text/html",
    ):
        answer = log_in(client, member.email, PASSWORD, headers={"Accept": accept})
        assert (answer.status_code, list(cookies_of(answer))) == (204, [ACCESS, REFRESH, DEVICE])


def test_the_address_is_trimmed_and_read_in_any_case(client: FlaskClient, member: SignedIn) -> None:
    assert log_in(client, f"  {member.email.upper()}\n", PASSWORD).status_code == 204


def test_the_password_is_taken_as_it_is(client: FlaskClient, make_user: MakeUser) -> None:
    spaced = make_user(password="  spaces are characters  ")
    unicode = make_user(password="pässwörter sind lang ♥")

    assert log_in(client, spaced.email, spaced.password).status_code == 204
    assert log_in(client, spaced.email, spaced.password.strip()).status_code == 401
    assert log_in(client, unicode.email, unicode.password).status_code == 204


def test_a_password_set_through_the_api_can_be_typed_at_login(
    client: FlaskClient, admin: SignedIn
) -> None:
    for number, password in enumerate(("  leading and trailing  ", "ordinary-password-1")):
        email = f"typed{number}@example.com"
        user = {"email": email, "username": email, "role": "MEMBER", "auth_method": "LOCAL"}
        body = {"user": {**user, "password": password}}
        assert client.post("/v1/users", json=body, headers=admin.headers).status_code == 201
        assert log_in(client, email, password).status_code == 204


def test_several_sessions_of_one_user_live_side_by_side(
    client: FlaskClient, app: Flask, member: SignedIn
) -> None:
    other = sign_in(app, member)

    assert [_status(client, who.headers) for who in (member, other)] == [200, 200]


def test_no_one_signs_in_as_the_system_user(client: FlaskClient) -> None:
    for password in ("system", "None", " ", "system@localhost"):
        assert log_in(client, "system@localhost", password).status_code == 401


def test_the_first_administrator_signs_in_with_the_configured_password(
    client: FlaskClient,
) -> None:
    assert log_in(client, "admin@localhost", DEFAULT_ADMIN_PASSWORD).status_code == 204


def test_a_needed_reset_is_information_on_the_api(client: FlaskClient) -> None:
    answer = log_in(client, "admin@localhost", DEFAULT_ADMIN_PASSWORD, headers=AS_JSON)
    headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

    user = client.get("/v1/user", headers=headers).get_json()["data"]

    assert user["password_needs_reset"] is True
    assert client.get("/v1/users", headers=headers).status_code == 200
