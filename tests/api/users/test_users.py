"""`/v1/user` and `/v1/users`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.global_ids import MAX_ID, encode
from tests.factories import services_of, sign_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp, MakeKey, MakeUser
    from tests.factories import SignedIn


def _create(client: FlaskClient, by: SignedIn, **fields: Any) -> TestResponse:
    user = {"email": "new@example.com", "username": "new", "role": "MEMBER", "auth_method": "LOCAL"}
    return client.post("/v1/users", json={"user": {**user, **fields}}, headers=by.headers)


def _places(answer: TestResponse) -> list[Any]:
    return [fault["loc"] for fault in answer.get_json()["detail"]]


def test_a_user_has_the_fields_of_the_contract_in_their_order(
    client: FlaskClient, admin: SignedIn
) -> None:
    made = _create(client, admin).get_json()["data"]

    assert list(made) == [
        "id",
        "created_at",
        "updated_at",
        "email",
        "username",
        "role",
        "auth_method",
        "password_needs_reset",
    ]
    assert made["created_at"].endswith("+00:00")
    assert datetime.fromisoformat(made["created_at"]).tzinfo is not None


def test_no_client_sets_what_the_server_sets(client: FlaskClient, admin: SignedIn) -> None:
    answer = _create(
        client,
        admin,
        id=encode("User", 1),
        created_at="2001-01-01T00:00:00+00:00",
        password_hash="x",
        password_needs_reset=False,
        profile_picture_url="http://evil.example",
    )
    made = answer.get_json()["data"]

    assert made["id"] != encode("User", 1)
    assert not made["created_at"].startswith("2001")
    assert made["password_needs_reset"] is True
    assert "profile_picture_url" not in made


def test_addresses_and_names_are_trimmed(client: FlaskClient, admin: SignedIn) -> None:
    made = _create(client, admin, email=" New@Example.COM ", username=" new ").get_json()["data"]

    assert (made["email"], made["username"]) == ("new@example.com", "new")


def test_an_address_or_a_name_is_taken_once(client: FlaskClient, admin: SignedIn) -> None:
    _create(client, admin)

    for fields, text in (
        ({"username": "other"}, "Email already exists"),
        ({"username": "other", "email": "NEW@example.com"}, "Email already exists"),
        ({"email": "other@example.com"}, "Username already exists"),
        ({"email": "other@example.com", "username": "NEW"}, "Username already exists"),
        (
            {"email": "other@example.com", "username": "\uff4e\uff45\uff57"},
            "Username already exists",
        ),
    ):
        answer = _create(client, admin, **fields)
        assert (answer.status_code, answer.text) == (409, text)


def test_of_simultaneous_creations_of_one_user_one_wins(app: Flask, admin: SignedIn) -> None:
    def create(_: int) -> int:
        return _create(app.test_client(use_cookies=False), admin).status_code

    with ThreadPoolExecutor(6) as threads:
        told = list(threads.map(create, range(6)))

    assert sorted(told) == [201] + [409] * 5


def test_wrong_fields_are_named(client: FlaskClient, admin: SignedIn) -> None:
    local = ["body", "user", "LOCAL"]
    for fields, place in (
        ({"email": "not-an-address"}, [*local, "email"]),
        ({"email": "two words@example.com"}, [*local, "email"]),
        ({"email": ""}, [*local, "email"]),
        ({"email": None}, [*local, "email"]),
        ({"email": "nul\x00@example.com"}, [*local, "email"]),
        ({"email": f"{'x' * 400}@example.com"}, [*local, "email"]),
        ({"username": ""}, [*local, "username"]),
        ({"username": " \t "}, [*local, "username"]),
        ({"username": "x" * 257}, [*local, "username"]),
        ({"username": "nul\x00"}, [*local, "username"]),
        ({"username": "half \ud800"}, [*local, "username"]),
        ({"username": 5}, [*local, "username"]),
        ({"role": "member"}, [*local, "role"]),
        ({"role": ["ADMIN"]}, [*local, "role"]),
        ({"password": "short"}, [*local, "password"]),
        ({"password": "x" * 129}, [*local, "password"]),
        ({"password": "half \ud800 of a pair"}, [*local, "password"]),
        ({"password": None}, [*local, "password"]),
        ({"password": "new@example.com"}, [*local, "password"]),
        ({"auth_method": "SAML"}, ["body", "user"]),
        ({"auth_method": 5}, ["body", "user"]),
    ):
        answer = _create(client, admin, **fields)
        assert (answer.status_code, answer.is_json) == (422, True), fields
        assert _places(answer) == [place], fields


def test_a_bad_password_is_not_told_back(client: FlaskClient, admin: SignedIn) -> None:
    for fields in (
        {"password": "hunter2"},
        {"password": "hunter2-hunter2", "email": 5},
        {"password": "hunter2-hunter2", "auth_method": "SAML"},
        {"password": ["hunter2"]},
        {"password": {"hunter2": "hunter2"}},
    ):
        answer = _create(client, admin, **fields)
        assert answer.status_code == 422
        assert "hunter2" not in answer.text, fields


LONG: Final = ("as long as it may be, " * 6)[:128]


def test_any_characters_make_a_password_and_twelve_are_enough(
    client: FlaskClient, admin: SignedIn
) -> None:
    for number, password in enumerate(
        ("two and more words", "ünïcödé-läng!", " tabs\t\tand so on ", LONG)
    ):
        fields = {"email": f"p{number}@example.com", "username": f"p{number}"}
        assert _create(client, admin, password=password, **fields).status_code == 201


def test_a_strong_policy_says_what_is_missing(make_app: MakeApp, admin: SignedIn) -> None:
    client = make_app(enable_strong_password_policy=True).test_client(use_cookies=False)

    answer = _create(client, admin, password="only lowercase")

    message = answer.get_json()["detail"][0]["msg"]
    assert "one digit, at least one uppercase letter, at least one special character" in message
    assert _create(client, admin, password="Abcdef1!ghij").status_code == 201
    fields = {"email": "random@example.com", "username": "random"}
    assert _create(client, admin, **fields).status_code == 201


def test_nobody_is_made_a_system_user(client: FlaskClient, admin: SignedIn) -> None:
    answer = _create(client, admin, role="SYSTEM")

    assert (answer.status_code, answer.text) == (400, "Cannot create users with SYSTEM role")


def test_users_are_listed_page_by_page_newest_first(
    client: FlaskClient, admin: SignedIn, make_user: MakeUser
) -> None:
    made = [make_user().global_id for _ in range(5)]
    seen, query = [], "limit=2"
    while query:
        page = client.get(f"/v1/users?{query}", headers=admin.headers).get_json()
        assert list(page) == ["data", "next_cursor"]
        seen += [user["id"] for user in page["data"]]
        query = page["next_cursor"] and f"limit=2&cursor={page['next_cursor']}"

    expected = [*reversed(made), admin.global_id, encode("User", 2), encode("User", 1)]
    assert seen == expected


def test_bad_pages_are_refused(client: FlaskClient, admin: SignedIn) -> None:
    for query in ("limit=0", "limit=-1", "limit=abc", "limit=1001", f"limit={10**30}", "limit=1.5"):
        assert _places(client.get(f"/v1/users?{query}", headers=admin.headers)) == [
            ["query", "limit"]
        ]
    for cursor in (
        "zzz",
        "VXNlcjphYmM=",
        encode("Project", 2),
        encode("User", MAX_ID + 1),
        encode("User", -1),
        encode("User", 10).rstrip("="),
        "%00",
        "%F0%9F%98%80",
        "%ff",
    ):
        answer = client.get(f"/v1/users?cursor={cursor}", headers=admin.headers)
        assert (answer.status_code, answer.text[:22]) == (422, "Invalid cursor format:")


def test_ids_in_paths_are_read_strictly(client: FlaskClient, admin: SignedIn) -> None:
    for user_id, status in (
        ("xxx", 422),
        ("5", 422),
        (encode("Project", 2), 422),
        (encode("User", 10).rstrip("="), 422),
        (encode("User", MAX_ID + 1), 422),
        (encode("User", -1), 422),
        ("VXNlcjowMg==", 422),  # User:02
        ("VXNlcjogMg==", 422),  # User: 2
        ("VXNlcjrZog==", 422),  # User:٢
        ("%00", 422),
        ("%F0%9F%98%80", 422),
        (encode("User", MAX_ID), 404),
        (encode("User", 0), 404),
    ):
        answer = client.delete(f"/v1/users/{user_id}", headers=admin.headers)
        assert answer.status_code == status, user_id


def test_a_user_who_is_signed_in_can_be_deleted(
    client: FlaskClient, app: Flask, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    sign_in(app, member)
    make_key(member)

    assert client.delete(f"/v1/users/{member.global_id}", headers=admin.headers).status_code == 204
    again = client.delete(f"/v1/users/{member.global_id}", headers=admin.headers)
    assert (again.status_code, again.text) == (404, "User not found")
    assert member.email not in client.get("/v1/users", headers=admin.headers).text


def test_an_administrator_can_delete_themselves(client: FlaskClient, admin: SignedIn) -> None:
    assert client.delete(f"/v1/users/{admin.global_id}", headers=admin.headers).status_code == 204
    assert client.get("/v1/user", headers=admin.headers).status_code == 401


def test_a_password_is_stored_as_an_argon2id_hash(
    client: FlaskClient, app: Flask, admin: SignedIn
) -> None:
    _create(client, admin, password="correct horse battery")

    with services_of(app).database.engine.connect() as connection:
        stored = connection.exec_driver_sql(
            "SELECT password_hash FROM users WHERE email = 'new@example.com'"
        ).scalar_one()
    assert stored.startswith("$argon2id$")
    assert "correct" not in stored
