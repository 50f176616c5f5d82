"""Every change of an account leaves one event, by whichever road it came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from phoenix_web.audit.events import Actor
from phoenix_web.auth.accounts import rename
from phoenix_web.global_ids import decode_as
from phoenix_web.store.accounts.users import UserStore
from tests.factories import PASSWORD, services_of, sign_in
from tests.support.audit_log import Watch, by, what
from tests.ui.visitor import found, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.factories import SignedIn

NEW_PASSWORD = "seven quiet lighthouses"


@pytest.fixture
def watch(app: Flask, admin: SignedIn, member: SignedIn) -> Watch:
    """Return the log, with the cast in place."""
    del admin, member
    return Watch(app)


def patch(client: FlaskClient, admin: SignedIn, user: SignedIn, **fields: Any) -> TestResponse:
    return client.patch(f"/v1/users/{user.global_id}", json=fields, headers=admin.headers)


def session_ids(client: FlaskClient, user: SignedIn) -> list[str]:
    answer = client.get("/v1/user/sessions", headers=user.headers).get_json()
    return [one["id"] for one in answer["data"]]


@pytest.mark.parametrize(
    ("fields", "action", "detail"),
    [
        (
            {"role": "VIEWER"},
            "user.role_changed",
            {"from": "MEMBER", "to": "VIEWER", "sessions_ended": 1},
        ),
        ({"username": "robert"}, "user.renamed", {"from": "bob", "to": "robert"}),
        ({"password": NEW_PASSWORD}, "user.password_changed", {"sessions_ended": 1}),
        ({"is_active": False}, "user.deactivated", {"sessions_ended": 1}),
    ],
)
def test_a_change_by_an_administrator_is_told(  # noqa: PLR0913, PLR0917 - fixtures and cases
    client: FlaskClient,
    admin: SignedIn,
    member: SignedIn,
    watch: Watch,
    fields: dict[str, Any],
    action: str,
    detail: dict[str, Any],
) -> None:
    assert patch(client, admin, member, **fields).status_code == 200

    line = watch.one()
    assert what(line) == (action, "success", "User", "bob")
    assert (line.subject_id, line.actor_id) == (member.user_id, admin.user_id)
    assert by(line)[:2] == ("alice", "session")
    assert json.loads(line.detail) == detail
    assert line.address == "127.0.0.1"
    watch.prove()


def test_each_thing_that_changes_is_told_and_what_stays_is_not(
    client: FlaskClient, admin: SignedIn, member: SignedIn, watch: Watch
) -> None:
    changes = {"role": "VIEWER", "username": "robert", "is_active": True}
    assert patch(client, admin, member, **changes).status_code == 200

    assert [line.action for line in watch.new()] == ["user.renamed", "user.role_changed"]


def test_no_session_is_told_to_have_ended_twice(
    client: FlaskClient, admin: SignedIn, member: SignedIn, watch: Watch
) -> None:
    changes = {"role": "VIEWER", "password": NEW_PASSWORD, "is_active": False}
    assert patch(client, admin, member, **changes).status_code == 200
    assert patch(client, admin, member, is_active=True).status_code == 200

    told = [json.loads(line.detail).get("sessions_ended") for line in watch.new()]
    assert sorted(told[:-1]) == [0, 0, 1]
    assert told[-1] is None


def test_a_name_of_ones_own_that_stays_is_not_told(
    app: Flask, client: FlaskClient, member: SignedIn, watch: Watch
) -> None:
    body = {"username": " bob ", "password": NEW_PASSWORD, "current_password": PASSWORD}
    page = visitor(app, sign_in(app, member))

    assert page.post("/settings/profile/name", {"username": "bob"}).status_code == 303
    assert watch.new() == []
    assert client.patch("/v1/user", json=body, headers=member.headers).status_code == 200
    assert [line.action for line in watch.new()] == ["user.password_changed"]


def test_a_new_name_is_told_with_the_one_that_it_has_replaced(
    app: Flask, member: SignedIn, watch: Watch
) -> None:
    """Whoever asks was let in a moment ago; meanwhile somebody else may have changed the user."""
    database = services_of(app).database
    with database.reading() as session:
        seen = UserStore(session).find(member.user_id)
    assert seen is not None
    for name in ("robert", "rob"):
        with database.transaction() as session:
            rename(session, seen, name, Actor())
    told = [json.loads(line.detail) for line in watch.new()]
    with database.transaction() as session:
        UserStore(session).delete(member.user_id)
        rename(session, seen, "robin", Actor())

    assert told == [{"from": "bob", "to": "robert"}, {"from": "robert", "to": "rob"}]
    assert watch.new() == []


def test_a_change_that_is_refused_leaves_nothing(
    client: FlaskClient, admin: SignedIn, member: SignedIn, watch: Watch
) -> None:
    assert patch(client, admin, admin, role="MEMBER").status_code == 403
    assert patch(client, admin, member, username="alice", role="VIEWER").status_code == 409
    assert patch(client, member, admin, role="VIEWER").status_code == 403

    assert watch.new() == []


def test_deletion_is_told_with_what_nobody_can_look_up_any_more(
    client: FlaskClient, admin: SignedIn, member: SignedIn, watch: Watch
) -> None:
    path = f"/v1/users/{member.global_id}"
    assert client.delete(path, headers=admin.headers).status_code == 204

    line = watch.one()
    assert what(line) == ("user.deleted", "success", "User", "bob")
    assert json.loads(line.detail)["email"] == member.email


def test_an_administrator_who_ends_sessions_is_told(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn, watch: Watch
) -> None:
    sign_in(app, member)
    path = f"/v1/users/{member.global_id}/sessions"
    first = session_ids(client, member)[0]

    assert client.delete(f"{path}/{first}", headers=admin.headers).status_code == 204
    one = watch.one()
    assert client.delete(path, headers=admin.headers).status_code == 204
    rest = watch.one()
    assert client.delete(path, headers=admin.headers).status_code == 204
    assert client.delete(f"{path}/{first}", headers=admin.headers).status_code == 404

    assert what(one) == ("session.ended", "success", "UserSession", "bob")
    assert what(rest) == ("session.all_ended", "success", "User", "bob")
    assert json.loads(rest.detail) == {"sessions": 1}
    assert by(one)[:2] == by(rest)[:2] == ("alice", "session")
    assert watch.new() == []


def test_a_session_has_the_same_id_in_the_log_as_in_its_list(
    client: FlaskClient, admin: SignedIn, member: SignedIn, watch: Watch
) -> None:
    [ended] = session_ids(client, member)
    [own] = session_ids(client, admin)
    path = f"/v1/users/{member.global_id}/sessions/{ended}"
    assert client.delete(path, headers=admin.headers).status_code == 204

    query = {"subject": ended}
    answer = client.get("/v1/audit_events", query_string=query, headers=admin.headers)

    [line] = answer.get_json()["data"]
    assert (line["action"], line["number"]) == ("session.ended", watch.one().number)
    assert line["subject"] == {"type": "UserSession", "id": ended, "label": "bob"}
    assert line["credential"] == {"kind": "session", "id": own}


def test_what_people_do_with_their_own_account_is_told(
    app: Flask, client: FlaskClient, member: SignedIn, watch: Watch
) -> None:
    mine = sign_in(app, member)
    other = session_ids(client, mine)[1]

    def own(**fields: str) -> TestResponse:
        return client.patch("/v1/user", json=fields, headers=mine.headers)

    assert own(username="robert").status_code == 200
    path = f"/v1/user/sessions/{other}"
    assert client.delete(path, headers=mine.headers).status_code == 204
    assert own(password=NEW_PASSWORD, current_password=PASSWORD).status_code == 200

    lines = watch.new()
    assert [line.action for line in lines] == [
        "user.renamed",
        "session.ended",
        "user.password_changed",
    ]
    assert {line.actor_id for line in lines} == {member.user_id}


def test_the_pages_tell_the_same(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn, watch: Watch
) -> None:
    """A form that changes nothing is sent as well."""
    page = visitor(app, sign_in(app, admin))
    own, user = "/settings/profile", f"/settings/users/{member.global_id}"
    # The oldest of each: the visitor's is the newest.
    mine, theirs = (
        decode_as("UserSession", session_ids(client, who)[-1]) for who in (admin, member)
    )
    sign_in(app, admin)
    sign_in(app, member)
    version = found(r'name="version" value="([^"]*)"', page.get(user).text)
    details = {"username": "robert", "role": "VIEWER", "version": version}
    new = {"email": "new@example.com", "username": "new", "role": "MEMBER"}
    told = []
    for path, fields in (
        (f"{own}/name", {"username": "alice"}),
        (f"{own}/name", {"username": "alicia"}),
        (f"{own}/sessions/{mine}/end", {}),
        (f"{own}/sessions/end-others", {}),
        (f"{user}/sessions/{theirs}/end", {}),
        (f"{user}/sessions/end", {}),
        (user, details),
        (f"{user}/deactivate", {}),
        (f"{user}/deactivate", {}),
        (f"{user}/reactivate", {}),
        (f"{user}/link", {}),
        (f"{user}/delete", {}),
        ("/settings/users/new", new),
    ):
        assert page.post(path, fields).status_code in {200, 303}, path
        told.append([line.action for line in watch.new()])

    assert told == [
        [],
        ["user.renamed"],
        ["session.ended"],
        ["session.all_ended"],
        ["session.ended"],
        ["session.all_ended"],
        ["user.renamed", "user.role_changed"],
        ["user.deactivated"],
        [],
        ["user.reactivated"],
        ["password_link.issued"],
        ["user.deleted"],
        ["user.created", "password_link.issued"],
    ]
    watch.prove()
