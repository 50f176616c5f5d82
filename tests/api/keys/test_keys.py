"""`/v1/user/api_keys`, `/v1/users/api_keys` and `/v1/system/api_keys`."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import time_machine

from phoenix_web.auth.credentials import key_text
from phoenix_web.global_ids import MAX_ID, encode
from tests.factories import services_of

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeKey, MakeUser
    from tests.factories import SignedIn

OWN: Final = "/v1/user/api_keys"


def _create(client: FlaskClient, by: SignedIn, path: str = OWN, **fields: Any) -> TestResponse:
    return client.post(path, json={"data": {"name": "a key", **fields}}, headers=by.headers)


def test_a_new_key_opens_the_api_at_once(client: FlaskClient, member: SignedIn) -> None:
    made = _create(client, member).get_json()["data"]

    answer = client.get("/v1/user", headers={"Authorization": f"Bearer {made['key']}"})

    assert answer.get_json()["data"]["id"] == member.global_id


def test_a_key_has_256_random_bits_and_only_its_digest_is_stored(
    client: FlaskClient, app: Flask, member: SignedIn, admin: SignedIn
) -> None:
    texts = [_create(client, member).get_json()["data"]["key"] for _ in range(3)]
    texts.append(_create(client, admin, "/v1/system/api_keys").get_json()["data"]["key"])

    assert len(set(texts)) == 4
    assert all(key_text.is_well_formed(text, key_text.USER_KEY) for text in texts[:3])
    assert key_text.is_well_formed(texts[3], key_text.SYSTEM_KEY)
    with services_of(app).database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_keys ORDER BY id").mappings().all()
    for text, row in zip(texts, rows, strict=True):
        assert bytes(row["digest"]) == hashlib.sha256(text.encode()).digest()
        assert text[12:] not in str(dict(row))


def test_a_keys_text_is_told_once(client: FlaskClient, member: SignedIn, admin: SignedIn) -> None:
    text = _create(client, member).get_json()["data"]["key"]

    for path in (OWN, "/v1/users/api_keys", "/v1/system/api_keys"):
        listed = client.get(path, headers=admin.headers)
        assert text not in listed.text
        assert '"key"' not in listed.text
    assert text not in client.get(OWN, headers=member.headers).text


def test_fields_without_a_value_are_left_out(client: FlaskClient, member: SignedIn) -> None:
    for fields in ({}, {"description": None, "expires_at": None}, {"description": ""}):
        made = _create(client, member, **fields).get_json()["data"]
        assert list(made) == ["id", "name", "created_at", "key"]


def test_a_moment_is_told_in_the_offset_that_it_was_given_in_and_listed_in_utc(
    client: FlaskClient, member: SignedIn
) -> None:
    for given, told, listed in (
        ("2100-01-01T00:00:00Z", "2100-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00"),
        ("2100-01-01T00:00:00", "2100-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00"),
        ("2100-01-01T00:00:00+05:00", "2100-01-01T00:00:00+05:00", "2099-12-31T19:00:00+00:00"),
        ("2100-05-05", "2100-05-05T00:00:00+00:00", "2100-05-05T00:00:00+00:00"),
        (4102444800, "2100-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00"),
    ):
        made = _create(client, member, expires_at=given).get_json()["data"]
        newest = client.get(OWN, headers=member.headers).get_json()["data"][0]
        assert (made["expires_at"], newest["expires_at"]) == (told, listed)


def test_wrong_fields_are_named(client: FlaskClient, member: SignedIn) -> None:
    data = ["body", "data"]
    for fields, place in (
        ({"name": ""}, "name"),
        ({"name": " \n "}, "name"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 257}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"name": "half \udfff"}, "name"),
        ({"description": "x" * 4097}, "description"),
        ({"description": "nul\x00"}, "description"),
        ({"description": "half \ud800"}, "description"),
        ({"description": 5}, "description"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": 0}, "expires_at"),
        ({"expires_at": -(10**30)}, "expires_at"),
        ({"expires_at": 10**30}, "expires_at"),
        ({"expires_at": 1e308}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at"),
        ({"expires_at": "10000-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": True}, "expires_at"),
        ({"expires_at": []}, "expires_at"),
    ):
        answer = _create(client, member, **fields)
        assert (answer.status_code, answer.is_json) == (422, True), fields
        places = [fault["loc"][:3] for fault in answer.get_json()["detail"]]
        assert places == [[*data, place]], fields


def test_the_last_moment_of_all_can_be_an_end(client: FlaskClient, member: SignedIn) -> None:
    made = _create(client, member, expires_at="9999-12-31T23:59:59+00:00")

    assert made.status_code == 201
    assert client.get(OWN, headers=member.headers).status_code == 200


def test_no_client_sets_what_the_server_sets(
    client: FlaskClient, member: SignedIn, admin: SignedIn
) -> None:
    text = key_text.generate(key_text.USER_KEY)
    fields: dict[str, Any] = {
        "id": encode("UserApiKey", 77),
        "user_id": admin.user_id,
        "key": text,
        "role": "ADMIN",
        "created_at": "2001-01-01T00:00:00+00:00",
    }

    made = _create(client, member, **fields).get_json()["data"]

    assert made["id"] != fields["id"]
    assert made["key"] != text
    assert not made["created_at"].startswith("2001")
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert client.get("/v1/user", headers=headers).get_json()["data"]["id"] == member.global_id


def test_a_key_makes_no_key(client: FlaskClient, admin: SignedIn, make_key: MakeKey) -> None:
    for key in (make_key(admin), make_key()):
        for path in (OWN, "/v1/system/api_keys"):
            answer = client.post(path, json={"data": {"name": "x"}}, headers=key.headers)
            assert answer.status_code == 403


def test_own_keys_are_listed_newest_first_and_nobody_elses(
    client: FlaskClient, member: SignedIn, admin: SignedIn, make_key: MakeKey
) -> None:
    mine = [make_key(member).global_id for _ in range(3)]
    make_key(admin)
    make_key()

    for headers in (member.headers, make_key(member, "newest").headers):
        listed = [key["id"] for key in client.get(OWN, headers=headers).get_json()["data"]]
        assert listed[-3:] == mine[::-1]
        assert len(listed) == 3 + (headers is not member.headers)


def test_all_keys_of_people_are_listed_page_by_page(
    client: FlaskClient, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    made = [make_key(owner).global_id for owner in (admin, member, admin, member, member)]
    make_key()
    seen, query = [], "limit=2"
    while query:
        page = client.get(f"/v1/users/api_keys?{query}", headers=admin.headers).get_json()
        seen += page["data"]
        query = page["next_cursor"] and f"limit=2&cursor={page['next_cursor']}"

    assert [key["id"] for key in seen] == made[::-1]
    owner = {"id": member.global_id, "username": member.username, "email": member.email}
    assert seen[0]["user"] == owner


def test_bad_pages_are_refused(client: FlaskClient, admin: SignedIn) -> None:
    path = "/v1/users/api_keys"
    for query in ("limit=0", "limit=1001", "limit=abc", f"limit={10**30}"):
        assert client.get(f"{path}?{query}", headers=admin.headers).status_code == 422
    for cursor in ("zz", encode("User", 1), encode("UserApiKey", MAX_ID + 1), "%00"):
        answer = client.get(f"{path}?cursor={cursor}", headers=admin.headers)
        assert answer.status_code == 422
        assert answer.text.startswith("Invalid UserApiKey GlobalID format: ")


def test_anothers_key_answers_as_a_missing_one(
    client: FlaskClient, admin: SignedIn, member: SignedIn, make_user: MakeUser, make_key: MakeKey
) -> None:
    theirs = make_key(make_user())

    answers = [
        client.delete(f"{OWN}/{key_id}", headers=member.headers)
        for key_id in (theirs.global_id, encode("UserApiKey", 9999), make_key(admin).global_id)
    ]

    assert {(a.status_code, a.text, str(a.headers)) for a in answers} == {
        (404, "API key not found", str(answers[0].headers))
    }
    assert client.get("/v1/user", headers=theirs.headers).status_code == 200


def test_a_key_can_revoke_itself(client: FlaskClient, viewer: SignedIn, make_key: MakeKey) -> None:
    key = make_key(viewer)

    assert client.delete(f"{OWN}/{key.global_id}", headers=key.headers).status_code == 204
    assert client.get("/v1/user", headers=key.headers).status_code == 401


def test_a_revoked_key_is_gone(
    client: FlaskClient, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    key, system_key = make_key(member), make_key()
    for path, made in ((OWN, key), ("/v1/system/api_keys", system_key)):
        first, second = (
            client.delete(f"{path}/{made.global_id}", headers=admin.headers) for _ in range(2)
        )
        assert (first.status_code, second.status_code) == (204, 404)
    assert client.get(OWN, headers=member.headers).json == {"data": []}
    assert client.get("/v1/system/api_keys", headers=admin.headers).json == {"data": []}


def test_each_kind_of_key_is_revoked_on_its_own_path(
    client: FlaskClient, admin: SignedIn, make_key: MakeKey
) -> None:
    key, system_key = make_key(admin), make_key()
    for path, number, kind, status in (
        (OWN, system_key.key_id, "UserApiKey", 404),
        ("/v1/system/api_keys", key.key_id, "SystemApiKey", 404),
        (OWN, key.key_id, "SystemApiKey", 422),
        ("/v1/system/api_keys", system_key.key_id, "UserApiKey", 422),
    ):
        answer = client.delete(f"{path}/{encode(kind, number)}", headers=admin.headers)
        assert answer.status_code == status
    assert client.get("/v1/user", headers=key.headers).status_code == 200
    assert client.get("/v1/user", headers=system_key.headers).status_code == 200


def test_a_system_key_belongs_to_no_person_and_outlives_whoever_made_it(
    client: FlaskClient, admin: SignedIn
) -> None:
    text = _create(client, admin, "/v1/system/api_keys").get_json()["data"]["key"]
    headers = {"Authorization": f"Bearer {text}"}

    client.delete(f"/v1/users/{admin.global_id}", headers=admin.headers)

    assert client.get("/v1/user", headers=headers).get_json()["data"]["role"] == "SYSTEM"


def test_an_expired_key_can_still_be_revoked(
    client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(member, expires_at=datetime.now(UTC) + timedelta(seconds=1))

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=2)):
        assert client.delete(f"{OWN}/{key.global_id}", headers=member.headers).status_code == 204
        assert client.get("/v1/user", headers=key.headers).text == "Invalid token"
