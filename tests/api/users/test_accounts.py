"""What administrators may do to an account, by the API: `PATCH` and `DELETE /v1/users/{id}`."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import argon2
import pytest
from sqlalchemy import Engine, event

from phoenix_web.audit.events import Actor
from phoenix_web.auth.credentials.issuer import issue_key
from phoenix_web.auth.passwords.hashing import Passwords
from phoenix_web.global_ids import encode
from phoenix_web.policy import Refusal, Role
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import UserStore
from tests.factories import ADMIN_SECRET, issue_link, services_of, sign_in
from tests.support.calls import log_in

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeKey, MakeUser
    from tests.factories import SignedIn

ADMIN_HEADERS = {"Authorization": f"Bearer {ADMIN_SECRET}"}
SYSTEM_USER, DEFAULT_ADMIN = encode("User", 1), encode("User", 2)
NEW = "seven quiet lighthouses"
LAST = (409, "Cannot remove the last active admin user")


def _patch(client: FlaskClient, user: SignedIn | str, by: Any, **fields: Any) -> TestResponse:
    user_id = user if isinstance(user, str) else user.global_id
    headers = by if isinstance(by, dict) else by.headers
    return client.patch(f"/v1/users/{user_id}", json=fields, headers=headers)


def _told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.text


def _status(client: FlaskClient, headers: dict[str, str]) -> int:
    return client.get("/v1/user", headers=headers).status_code


def _without_the_default_administrator(app: Flask) -> None:
    """Leave the administrators of the test as the only ones."""
    with services_of(app).database.transaction() as session:
        UserStore(session).set_active(2, is_active=False)


# What changes.


def test_a_user_is_told_and_changed_by_the_names_of_its_fields(
    client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    path = f"/v1/users/{member.global_id}"
    before = client.get(path, headers=admin.headers).get_json()["data"]

    answer = _patch(client, member, admin, username=" Robert ", role="VIEWER")

    after = client.get(path, headers=admin.headers).get_json()["data"]
    assert answer.status_code == 200
    assert answer.get_json()["data"] == after
    assert (after["username"], after["role"], after["is_active"]) == ("Robert", "VIEWER", True)
    assert {name for name in after if after[name] != before[name]} == {
        "username",
        "role",
        "updated_at",
    }


def test_no_client_changes_what_only_the_server_sets(
    client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    path = f"/v1/users/{member.global_id}"
    before = client.get(path, headers=admin.headers).get_json()
    fields = {
        "id": DEFAULT_ADMIN,
        "email": "evil@example.com",
        "created_at": "2001-01-01T00:00:00+00:00",
        "auth_method": "LDAP",
        "password_hash": "x",
        "password_needs_reset": True,
        "deactivated_at": "2001-01-01T00:00:00+00:00",
        "last_sign_in_at": "2001-01-01T00:00:00+00:00",
    }

    answer = _patch(client, member, admin, **fields)

    assert _told(answer) == (422, "No fields to update")
    assert _told(_patch(client, member, admin, role=None)) == (422, "No fields to update")
    assert client.get(path, headers=admin.headers).get_json() == before


def test_wrong_fields_are_named_and_change_nothing(
    client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    for fields, place in (
        ({"role": "SYSTEM"}, "role"),
        ({"role": "admin"}, "role"),
        ({"username": "  "}, "username"),
        ({"username": "x" * 257}, "username"),
        ({"username": "nul\x00"}, "username"),
        ({"is_active": "false"}, "is_active"),
        ({"is_active": 0}, "is_active"),
        ({"password": "short"}, "password"),
        ({"password": member.email}, "password"),
        ({"password": "a different name", "username": "A different NAME"}, "password"),
    ):
        answer = _patch(client, member, admin, **{"role": "VIEWER", **fields})
        assert answer.status_code == 422, fields
        assert [fault["loc"] for fault in answer.get_json()["detail"]] == [["body", place]], fields
        assert str(fields.get("password", "?")) not in answer.text
    assert client.get("/v1/user", headers=member.headers).get_json()["data"]["role"] == "MEMBER"


def test_a_name_that_is_taken_changes_nothing_else_either(
    client: FlaskClient, admin: SignedIn, member: SignedIn, viewer: SignedIn
) -> None:
    answer = _patch(client, member, admin, username=viewer.username.upper(), role="VIEWER")

    assert _told(answer) == (409, "Username already exists")
    assert client.get("/v1/user", headers=member.headers).get_json()["data"]["role"] == "MEMBER"


def test_a_users_own_name_can_be_written_otherwise(
    client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    assert _patch(client, member, admin, username="BOB").status_code == 200


def test_a_password_set_by_somebody_else_ends_the_sessions_and_must_be_changed(
    client: FlaskClient, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(member)

    answer = _patch(client, member, admin, password=NEW)

    assert answer.get_json()["data"]["password_needs_reset"] is True
    assert NEW not in answer.text
    assert [_status(client, who.headers) for who in (member, key)] == [401, 200]
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 401
    assert log_in(client, member.email).status_code == 401
    assert log_in(client, member.email, NEW).status_code == 204


def test_who_signs_in_elsewhere_gets_no_password(
    client: FlaskClient, admin: SignedIn, make_user: MakeUser
) -> None:
    user = make_user(auth_method="LDAP")

    answer = _patch(client, user, admin, password=NEW)

    assert _told(answer) == (422, "This user does not sign in with a password")


def test_another_role_ends_the_sessions_and_counts_for_keys_at_once(
    client: FlaskClient, app: Flask, admin: SignedIn, make_user: MakeUser, make_key: MakeKey
) -> None:
    boss = make_user("ADMIN")
    key, elsewhere = make_key(boss), sign_in(app, boss)

    _patch(client, boss, admin, role="VIEWER")

    assert [_status(client, who.headers) for who in (boss, elsewhere, key)] == [401, 401, 200]
    assert client.post("/auth/refresh", headers=boss.refresh_cookie).status_code == 401
    assert client.get("/v1/users", headers=key.headers).status_code == 403


def test_what_is_so_already_ends_nothing_and_breaks_no_rule(
    client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    assert _patch(client, member, admin, role="MEMBER", is_active=True).status_code == 200
    assert _patch(client, admin, admin, role="ADMIN", username="Alice").status_code == 200
    assert [_status(client, who.headers) for who in (member, admin)] == [200, 200]


# Deactivation.


def test_a_deactivated_users_credentials_are_refused_in_every_process(
    app: Flask, make_app: Any, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    here, there = app.test_client(use_cookies=False), make_app().test_client(use_cookies=False)
    elsewhere, key = sign_in(app, member), make_key(member)
    assert [_status(there, who.headers) for who in (member, elsewhere, key)] == [200] * 3

    answer = _patch(here, member, admin, is_active=False)

    told = answer.get_json()["data"]
    assert (told["is_active"], "deactivated_at" in told) == (False, True)
    for client in (here, there):
        for headers in (member.headers, member.cookie, elsewhere.headers, key.headers):
            assert _told(client.get("/v1/user", headers=headers)) == (401, "Invalid token")
        for who in (member, elsewhere):
            assert client.post("/auth/refresh", headers=who.refresh_cookie).status_code == 401
            assert client.get("/datasets", headers=who.both_cookies).status_code == 303


def test_a_session_that_is_still_there_does_not_let_a_deactivated_user_in(
    client: FlaskClient, app: Flask, member: SignedIn
) -> None:
    """Whoever deactivates also ends the sessions; that alone must not be what keeps them out."""
    with services_of(app).database.transaction() as session:
        UserStore(session).set_active(member.user_id, is_active=False)

    assert [_status(client, headers) for headers in (member.headers, member.cookie)] == [401, 401]
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 401
    assert client.get("/datasets", headers=member.both_cookies).status_code == 303


def test_a_reactivated_users_keys_work_again_and_their_sessions_do_not(
    client: FlaskClient, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(member)
    _patch(client, member, admin, is_active=False)

    _patch(client, member, admin, is_active=True)

    assert [_status(client, who.headers) for who in (key, member)] == [200, 401]
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 401
    assert log_in(client, member.email).status_code == 204


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": NEW}], ids=str)
def test_a_link_to_choose_a_password_ends_with_the_change(
    client: FlaskClient, app: Flask, admin: SignedIn, member: SignedIn, change: dict[str, Any]
) -> None:
    link = issue_link(app, member)
    _patch(client, member, admin, **change)
    _patch(client, member, admin, is_active=True)

    body = {"token": link, "password": "another good password"}
    answer = client.post("/auth/password-reset", json=body)

    assert _told(answer) == (401, "Invalid token")


def test_a_deactivated_account_is_not_told_from_a_wrong_password(
    client: FlaskClient, admin: SignedIn, member: SignedIn, viewer: SignedIn
) -> None:
    _patch(client, member, admin, is_active=False)

    right, wrong = log_in(client, member.email), log_in(client, viewer.email, "wrong password")

    assert _told(right) == _told(wrong) == (401, "Invalid email and/or password")
    assert sorted(right.headers.items()) == sorted(wrong.headers.items())
    for _ in range(4):
        log_in(client, member.email)
    assert log_in(client, member.email).status_code == 429


def test_a_deactivated_account_costs_a_sign_in_what_an_unknown_one_costs(
    client: FlaskClient, admin: SignedIn, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    _patch(client, member, admin, is_active=False)
    spent: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(*told: Any) -> Any:
        spent.append("a comparison")
        return verify(*told)

    def asked(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        spent.append(statement)

    def cost_of(email: str) -> list[str]:
        spent.clear()
        assert log_in(client, email).status_code == 401
        return list(spent)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    log_in(client, "first@example.com")
    event.listen(Engine, "before_cursor_execute", asked)
    try:
        assert cost_of(member.email) == cost_of("nobody@example.com")
    finally:
        event.remove(Engine, "before_cursor_execute", asked)
    assert "a comparison" in spent


def test_only_a_deactivated_user_is_listed_as_one(
    client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    _patch(client, member, admin, is_active=False)

    listed = client.get("/v1/users", headers=admin.headers).get_json()["data"]

    assert [user.get("is_active") for user in listed if user["id"] == member.global_id] == [False]
    assert {user.get("is_active") for user in listed if user["id"] != member.global_id} == {None}


def test_a_user_deactivated_while_signing_in_stays_out(
    app: Flask, admin: SignedIn, member: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change commits after the check of the password, before the session is opened."""
    verify = type(services_of(app).passwords).verify

    def deactivated_meanwhile(*told: Any) -> bool:
        answer = verify(*told)
        _patch(app.test_client(use_cookies=False), member, admin, is_active=False)
        return answer

    monkeypatch.setattr(type(services_of(app).passwords), "verify", deactivated_meanwhile)

    answer = log_in(app.test_client(use_cookies=False), member.email)

    assert _told(answer) == (401, "Invalid email and/or password")


def test_the_last_sign_in_is_told_and_is_no_change_of_the_account(
    client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    path = f"/v1/users/{member.global_id}"
    before = client.get(path, headers=admin.headers)

    log_in(client, member.email, "wrong password")
    assert client.get(path, headers=admin.headers).get_json() == before.get_json()
    log_in(client, member.email)

    after = client.get(path, headers=admin.headers)
    assert after.headers["ETag"] == before.headers["ETag"]
    assert set(after.get_json()["data"]) - set(before.get_json()["data"]) == {"last_sign_in_at"}


# What nobody may do.


@pytest.mark.parametrize("by", ["another administrator", "the admin secret"])
def test_the_accounts_of_the_server_keep_their_role_and_stay(
    client: FlaskClient, admin: SignedIn, by: str
) -> None:
    headers = {"another administrator": admin.headers, "the admin secret": ADMIN_HEADERS}[by]
    no_role = (403, "Cannot modify role for the default admin user")
    no_state = (403, "Cannot deactivate the default admin or system user")
    no_end = (403, "Cannot delete the default admin or system user")
    untouchable = (403, "Cannot modify the system user")

    assert _told(_patch(client, DEFAULT_ADMIN, headers, role="VIEWER")) == no_role
    assert _told(_patch(client, DEFAULT_ADMIN, headers, is_active=False)) == no_state
    for fields in ({"role": "VIEWER"}, {"is_active": False}, {"username": "x"}, {"password": NEW}):
        assert _told(_patch(client, SYSTEM_USER, headers, **fields)) == untouchable
    for user_id in (DEFAULT_ADMIN, SYSTEM_USER):
        assert _told(client.delete(f"/v1/users/{user_id}", headers=headers)) == no_end


def test_the_default_administrator_can_have_another_name(
    client: FlaskClient, admin: SignedIn
) -> None:
    assert _patch(client, DEFAULT_ADMIN, admin, username="Grace").status_code == 200


def test_nobody_does_to_themselves_what_another_must_do(
    client: FlaskClient, admin: SignedIn
) -> None:
    for fields, text in (
        ({"role": "VIEWER"}, "Cannot modify own role"),
        ({"is_active": False}, "Cannot deactivate own account"),
        ({"password": NEW}, "Cannot set own password without the current one"),
    ):
        assert _told(_patch(client, admin, admin.headers, **fields)) == (403, text)
    assert _status(client, admin.headers) == 200


def test_a_leaked_key_of_an_administrator_makes_nobody_an_account_of_its_own(
    client: FlaskClient, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    headers = make_key(admin).headers

    for fields in ({"role": "ADMIN"}, {"password": NEW}, {"is_active": False}):
        told = _told(_patch(client, member, headers, **fields))
        assert told == (403, "This action requires a signed-in session.")
    assert _patch(client, member, headers, username="robert").status_code == 200
    assert _status(client, member.headers) == 200


def test_an_administrator_who_is_deleted_meanwhile_adds_nobody(
    app: Flask, client: FlaskClient, admin: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = Passwords.hash

    def slowly(passwords: Passwords, password: str) -> str:
        with services_of(app).database.transaction() as session:
            UserStore(session).delete(admin.user_id)
        return hashed(passwords, password)

    monkeypatch.setattr(Passwords, "hash", slowly)
    user = {"email": "eve@example.com", "username": "eve", "role": "ADMIN", "auth_method": "LOCAL"}
    answer = client.post("/v1/users", json={"user": user}, headers=admin.headers)

    assert _told(answer) == (403, "Only admin or system users can perform this action.")
    with services_of(app).database.reading() as session:
        assert UserStore(session).find_by_email("eve@example.com") is None


def test_the_last_active_administrator_stays_one_by_every_road(
    client: FlaskClient, app: Flask, admin: SignedIn, make_user: MakeUser
) -> None:
    _without_the_default_administrator(app)
    other = make_user("ADMIN")
    assert _patch(client, other, admin, is_active=False).status_code == 200

    told = [
        _told(_patch(client, admin, ADMIN_HEADERS, role="MEMBER")),
        _told(_patch(client, admin, ADMIN_HEADERS, is_active=False)),
        _told(client.delete(f"/v1/users/{admin.global_id}", headers=ADMIN_HEADERS)),
        _told(client.delete(f"/v1/users/{admin.global_id}", headers=admin.headers)),
    ]

    assert told == [LAST] * 4
    # Who is not active is not the last one: they can be removed.
    assert client.delete(f"/v1/users/{other.global_id}", headers=admin.headers).status_code == 204


#: What is changed at once, by whom, and what the second one is told.
AT_ONCE: Final[dict[str, tuple[dict[str, Any], str, tuple[int, str]]]] = {
    "two demotions": ({"role": "MEMBER"}, "the admin secret", LAST),
    "two deactivations": ({"is_active": False}, "the admin secret", LAST),
    "they demote each other": ({"role": "MEMBER"}, "each other", (403, Refusal.ADMINS_ONLY)),
}


@pytest.mark.parametrize("case", AT_ONCE)
def test_of_the_last_two_administrators_one_stays_whatever_happens_at_once(
    app: Flask, admin: SignedIn, make_user: MakeUser, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """The second change comes while the first one, which has passed all rules, is not committed."""
    fields, by, refusal = AT_ONCE[case]
    _without_the_default_administrator(app)
    other = make_user("ADMIN")
    reached, go_on = threading.Event(), threading.Event()
    delete_all = SessionStore.delete_all

    def slowly(*told: Any, **more: Any) -> None:
        reached.set()
        go_on.wait(0.5)
        delete_all(*told, **more)

    def change(user: SignedIn, another: SignedIn) -> TestResponse:
        headers = ADMIN_HEADERS if by == "the admin secret" else another.headers
        return _patch(app.test_client(use_cookies=False), user, headers, **fields)

    monkeypatch.setattr(SessionStore, "delete_all", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(change, other, admin)
        assert reached.wait(10)
        second = pool.submit(change, admin, other)

    assert first.result().status_code == 200
    assert _told(second.result()) == refusal
    assert _status(app.test_client(use_cookies=False), admin.headers) == 200


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_whoever_only_refers_to_a_user_holds_up_no_change_and_no_sign_in(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    """An upload refers to its user for as long as it runs."""
    with services_of(app).database.transaction() as session:
        owner = UserStore(session).find(member.user_id)
        assert owner is not None
        issue_key(session, owner, "not committed yet", actor=Actor())

        assert _patch(client, member, admin, role="VIEWER").status_code == 200
        assert log_in(client, member.email).status_code == 204


def test_a_demotion_and_a_deletion_at_once_leave_one_administrator(
    app: Flask, admin: SignedIn, make_user: MakeUser
) -> None:
    _without_the_default_administrator(app)
    other = make_user("ADMIN")

    def act(number: int) -> int:
        client = app.test_client(use_cookies=False)
        if number % 2:
            return _patch(client, admin, ADMIN_HEADERS, role=Role.VIEWER).status_code
        path = f"/v1/users/{other.global_id}"
        return client.delete(path, headers=ADMIN_HEADERS).status_code

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(act, range(2)))

    assert sorted(told) in ([200, 409], [204, 409])


# Nothing is lost when two edit at once.


def test_of_two_who_edit_one_user_the_second_is_told(
    client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    path = f"/v1/users/{member.global_id}"
    seen = client.get(path, headers=admin.headers).headers["ETag"]
    headers = {**admin.headers, "If-Match": seen}

    first = client.patch(path, json={"username": "Robert"}, headers=headers)
    second = client.patch(path, json={"role": "VIEWER"}, headers=headers)

    assert first.status_code == 200
    assert _told(second) == (409, "This user has been changed since you read it.")
    again = {**headers, "If-Match": f'"x", {first.headers["ETag"]}'}
    assert client.patch(path, json={"role": "VIEWER"}, headers=again).status_code == 200


def test_who_sends_no_version_or_any_is_not_asked(
    client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    path = f"/v1/users/{member.global_id}"
    for sent, status in (({}, 200), ({"If-Match": "*"}, 200), ({"If-Match": 'W/"1"'}, 409)):
        headers = {**admin.headers, **sent}
        assert client.patch(path, json={"username": "r"}, headers=headers).status_code == status
