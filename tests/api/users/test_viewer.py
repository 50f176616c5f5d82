"""What people change of themselves: `PATCH /v1/user`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.factories import PASSWORD, sign_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeKey, MakeUser
    from tests.factories import SignedIn

NEW = "seven quiet lighthouses"
NEEDS_PASSWORD = "Valid current password is required to modify password"


def _patch(client: FlaskClient, headers: dict[str, str], **fields: Any) -> TestResponse:
    return client.patch("/v1/user", json=fields, headers=headers)


def _status(client: FlaskClient, headers: dict[str, str]) -> int:
    return client.get("/v1/user", headers=headers).status_code


def test_everybody_changes_their_own_name_and_nothing_else(
    client: FlaskClient, viewer: SignedIn, member: SignedIn
) -> None:
    answer = _patch(client, viewer.headers, username=" Caroline ", role="ADMIN", is_active=False)

    told = answer.get_json()["data"]
    assert (answer.status_code, told["username"], told["role"]) == (200, "Caroline", "VIEWER")
    assert "tokens" not in answer.get_json()
    assert _status(client, viewer.headers) == 200
    taken = _patch(client, viewer.headers, username=member.username)
    assert (taken.status_code, taken.text) == (409, "Username already exists")


def test_a_new_password_ends_all_other_sessions_and_no_key(
    client: FlaskClient, app: Flask, member: SignedIn, make_key: MakeKey
) -> None:
    elsewhere, key = sign_in(app, member), make_key(member)

    answer = _patch(client, member.headers, password=NEW, current_password=PASSWORD)

    told = answer.get_json()
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    assert answer.headers["Cache-Control"] == "no-store"
    new = {"Authorization": f"Bearer {told['tokens']['access_token']}"}
    who = (member.headers, elsewhere.headers, key.headers, new)
    assert [_status(client, headers) for headers in who] == [401, 401, 200, 200]
    renewal = {"refresh_token": told["tokens"]["refresh_token"]}
    assert client.post("/auth/refresh", json=renewal).status_code == 204
    login = {"email": member.email, "password": NEW}
    assert client.post("/auth/login", json=login).status_code == 204


def test_a_browser_gets_its_new_tokens_as_cookies(client: FlaskClient, member: SignedIn) -> None:
    headers = {**member.both_cookies, "Sec-Fetch-Site": "same-origin"}

    answer = _patch(client, headers, password=NEW, current_password=PASSWORD)

    assert "tokens" not in answer.get_json()
    cookies = "; ".join(c.partition(";")[0] for c in answer.headers.getlist("Set-Cookie"))
    assert _status(client, {"Cookie": cookies}) == 200


def test_a_password_changes_with_the_current_one_alone(
    client: FlaskClient, member: SignedIn
) -> None:
    for fields in (
        {"password": NEW},
        {"password": NEW, "current_password": ""},
        {"password": NEW, "current_password": "not my password"},
    ):
        answer = _patch(client, member.headers, **fields)
        assert (answer.status_code, answer.text) == (422, NEEDS_PASSWORD)
    assert _status(client, member.headers) == 200


def test_guesses_of_the_current_password_are_counted(client: FlaskClient, member: SignedIn) -> None:
    guess = {"password": NEW, "current_password": "not my password"}
    for _ in range(5):
        assert _patch(client, member.headers, **guess).status_code == 422

    answer = _patch(client, member.headers, password=NEW, current_password=PASSWORD)

    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)


def test_a_bad_password_is_named_and_not_told_back(client: FlaskClient, member: SignedIn) -> None:
    for password in ("short", member.email, PASSWORD, "brand new name"):
        answer = _patch(
            client,
            member.headers,
            password=password,
            current_password=PASSWORD,
            username="Brand New Name",
        )
        assert answer.status_code == 422
        assert [fault["loc"] for fault in answer.get_json()["detail"]] == [["body", "password"]]
        assert password not in answer.text
    wrong_type = _patch(client, member.headers, password=NEW, current_password=["hunter2"])
    assert (wrong_type.status_code, "hunter2" in wrong_type.text) == (422, False)


def test_a_name_that_is_taken_leaves_the_password_as_it_was(
    client: FlaskClient, member: SignedIn, viewer: SignedIn
) -> None:
    answer = _patch(
        client,
        member.headers,
        username=viewer.username,
        password=NEW,
        current_password=PASSWORD,
    )

    assert (answer.status_code, answer.text) == (409, "Username already exists")
    login = {"email": member.email, "password": PASSWORD}
    assert client.post("/auth/login", json=login).status_code == 204


def test_who_signs_in_elsewhere_has_no_password_here(
    client: FlaskClient, make_user: MakeUser
) -> None:
    user = make_user("VIEWER", auth_method="OAUTH2")

    answer = _patch(client, user.headers, password=NEW, current_password=PASSWORD)

    assert (answer.status_code, answer.text) == (422, "This user does not sign in with a password")
