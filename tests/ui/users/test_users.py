"""The pages of users, for administrators."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, update

from phoenix_web.global_ids import MAX_ID, encode
from phoenix_web.policy import Role
from phoenix_web.store.accounts.models import PasswordLink
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import UserStore
from tests.factories import PASSWORD, add_user, issue_link, services_of, sign_in
from tests.ui.visitor import Visitor, faults, found, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from phoenix_web.store.accounts.users import UserInfo
    from tests.conftest import MakeApp, MakeKey, MakeUser
    from tests.factories import SignedIn

NEW = "seven quiet lighthouses"
USERS = "/settings/users"


def page_of(user: SignedIn) -> str:
    return f"{USERS}/{user.global_id}"


def fields_of(browser: Visitor, path: str, **fields: str) -> dict[str, str]:
    """Return the form on the user's page as it stands there, with *fields* filled in."""
    page = browser.get(path).text
    version = found(r'name="version" value="(\d+)"', page)
    name = found(r'id="username"[^>]* value="([^"]*)"', page)
    return {"version": version, "username": name, **fields}


def link_on(page: str) -> str:
    """Return the one-time link that *page* shows, without this server's address."""
    return found(r'id="link-text"[^>]* value="http://localhost([^"]+)"', page)


def choose_password(app: Flask, link: str, password: str = NEW) -> int:
    browser = visitor(app)
    token = found(r'name="token" value="([^"]+)"', browser.get(link).text)
    form = {"token": token, "new_password": password, "new_password_again": password}
    return browser.post("/reset-password-with-token", form).status_code


# Who comes here.


def test_the_pages_are_for_administrators(
    app: Flask, admin: SignedIn, member: SignedIn, make_app: MakeApp
) -> None:
    paths = (USERS, f"{USERS}/new", page_of(admin))
    for browser, status in (
        (visitor(app, admin), 200),
        (visitor(app, member), 403),
        (visitor(app), 303),
        (visitor(make_app(enable_auth=False)), 403),
    ):
        assert [browser.get(path).status_code for path in paths] == [status] * 3
    assert 'href="/settings/users"' in visitor(app, admin).get("/datasets").text
    assert 'href="/settings/users"' not in visitor(app, member).get("/datasets").text


def test_no_member_changes_anything_here(app: Flask, member: SignedIn, admin: SignedIn) -> None:
    browser, path = visitor(app, member), page_of(admin)
    (session,) = _sessions_of(app, admin)

    for action in ("", "/deactivate", "/reactivate", "/delete", "/link"):
        assert browser.post(f"{path}{action}").status_code == 403
    for action in ("/sessions/end", f"/sessions/{session}/end"):
        assert browser.post(f"{path}{action}").status_code == 403
    assert browser.post(f"{USERS}/new").status_code == 403


def test_what_is_no_user_is_not_there(app: Flask, admin: SignedIn) -> None:
    browser = visitor(app, admin)
    for user_id in ("5", "zzz", encode("User", MAX_ID), encode("Dataset", 2), encode("User", 1)):
        assert browser.get(f"{USERS}/{user_id}").status_code == 404
    assert browser.post(f"{USERS}/zzz/delete").status_code == 404
    assert browser.get(f"{USERS}?cursor=zzz").status_code == 404


# The list.


def test_the_list_tells_what_each_user_has_open(
    app: Flask, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    sign_in(app, member)
    for _ in range(3):
        make_key(member)
    visitor(app).sign_in(member.email, PASSWORD)

    page = visitor(app, admin).get(USERS).text

    row = found(rf"(?s)<tr>((?:(?!</tr>).)*{member.email}.*?)</tr>", page)
    assert found(r'data-label="Keys">(\d+)<', row) == "3"
    assert found(r'data-label="Sessions">(\d+)<', row) == "3"
    assert "just now" in found(r'(?s)data-label="Last sign-in">(.*?)</td>', row)
    assert "member" in found(r'(?s)data-label="Role">(.*?)</td>', row)
    assert "system@localhost" not in page


def test_a_search_finds_parts_of_names_and_addresses(app: Flask, admin: SignedIn) -> None:
    for number, (name, email) in enumerate(
        (("Zoë Weiß", "zoe@example.org"), ("100 %", "percent@example.org"))
    ):
        add_user(app, username=name, email=email, password=f"{PASSWORD}{number}")
    browser = visitor(app, admin)

    for search, emails in (
        ("WEISS", ["zoe@example.org"]),
        ("PERCENT@", ["percent@example.org"]),
        ("%", ["percent@example.org"]),
        ("_", []),
        ("\x00", ["percent@example.org", "zoe@example.org", admin.email, "admin@localhost"]),
        ("x" * 5000, []),
    ):
        page = browser.client.get(USERS, query_string={"search": search}).text
        listed = [email for email in (*emails, admin.email) if f">{email}</span>" in page]
        rows = page.count('data-label="Status"')
        assert (rows, listed[: len(emails)]) == (len(emails), emails), search


def test_pages_lead_on_and_a_page_costs_the_same_however_many_users_there_are(
    app: Flask, admin: SignedIn
) -> None:
    browser = visitor(app, admin)
    database, statements = services_of(app).database, []
    event.listen(
        database._reader,  # noqa: SLF001 - there is no other way to count
        "before_cursor_execute",
        lambda *told: statements.append(told[2]),
    )
    browser.get(USERS)
    few = len(statements)
    with database.transaction() as session:
        for number in range(60):
            UserStore(session).add(
                email=f"u{number}@example.org", username=f"u{number}", role=Role.VIEWER
            )

    statements.clear()
    seen, path = [], USERS
    while path:
        page = browser.get(path).text
        seen.append(page.count('data-label="Status"'))
        path = found(r'href="([^"]+)">Next page', page) if "Next page" in page else ""

    assert seen == [25, 25, 12]
    assert len(statements) == few * len(seen)


def test_whoever_has_not_come_yet_is_told_apart_from_who_is_here(
    app: Flask, admin: SignedIn, make_user: MakeUser
) -> None:
    browser, database = visitor(app, admin), services_of(app).database
    hasty, elsewhere = make_user(), make_user(auth_method="LDAP")
    form = {"username": "Eve", "email": "eve@example.com", "role": "VIEWER"}
    browser.post(f"{USERS}/new", form)
    with database.transaction() as session:
        users = UserStore(session)
        eve = users.find_by_email("eve@example.com")
        assert eve is not None
        users.add(email="late@example.com", username="late", role=Role.VIEWER)
        users.add(email="sso@example.com", username="sso", role=Role.VIEWER, auth_method="OAUTH2")

    def told(email: str) -> tuple[str, str]:
        row = found(rf"(?s)<tr>((?:(?!</tr>).)*{email}.*?)</tr>", browser.get(USERS).text)
        page = browser.get(found(r'href="([^"]+)"', row)).text
        byline = found(r'(?s)class="byline">(.*?)</p>', page)
        states = [re.findall(r'class="badge \w+">([A-Z][^<]*)<', part) for part in (row, byline)]
        return states[0][0], states[1][0]

    def both(state: str) -> tuple[str, str]:
        return state, state

    assert told("late@example.com") == both("No password")
    for email in ("sso@example.com", elsewhere.email, hasty.email, admin.email):
        assert told(email) == both("Active")
    # Somebody has chosen a password for them as well.
    issue_link(app, hasty, LinkPurpose.INVITATION)
    assert told(hasty.email) == told("eve@example.com") == both("Invited")
    with database.transaction() as session:
        session.execute(update(PasswordLink).values(expires_at=datetime.now(UTC)))
    assert told("eve@example.com") == both("Invitation expired")
    assert told(hasty.email) == both("Active")
    issue_link(app, hasty, LinkPurpose.RESET)
    assert told(hasty.email) == both("Active")
    path = f"{USERS}/{encode('User', eve.id)}"
    choose_password(app, link_on(browser.post(f"{path}/link").text))
    assert told("eve@example.com") == both("Active")
    browser.post(f"{path}/deactivate")
    assert told("eve@example.com") == both("Deactivated")


# A new user.


def test_a_new_user_chooses_their_password_by_a_link_that_is_shown_once(
    app: Flask, admin: SignedIn
) -> None:
    browser = visitor(app, admin)
    form = {"username": " Eve ", "email": " Eve@Example.com ", "role": "VIEWER"}

    made = browser.post(f"{USERS}/new", form)

    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    link = link_on(made.text)
    assert visitor(app).sign_in("eve@example.com", "").status_code == 422
    assert visitor(app).sign_in("eve@example.com", NEW).status_code == 401
    path = found(r'href="(/settings/users/[^"]+)">Done, ', made.text)
    page = browser.get(path).text
    assert link.partition("token=")[2] not in page
    assert "Create new link" in page
    assert choose_password(app, link) == 303
    guest = visitor(app)
    assert guest.sign_in("eve@example.com", NEW).status_code == 303
    assert guest.get("/datasets").status_code == 200
    assert "Reset password" in browser.get(path).text


def test_a_faulty_new_user_is_not_made_and_keeps_what_was_typed(
    app: Flask, admin: SignedIn, member: SignedIn
) -> None:
    browser = visitor(app, admin)
    good = {"username": "Eve", "email": "eve@example.com", "role": "MEMBER"}
    for fields, wrong, status in (
        ({"username": " ", "email": "eve", "role": "SYSTEM"}, ["username", "email", "role"], 422),
        ({"username": "x" * 257, "email": "a\x00b@example.com"}, ["username", "email"], 422),
        ({"role": ""}, ["role"], 422),
        ({"username": member.username.upper()}, ["username"], 409),
        ({"email": member.email.upper()}, ["email"], 409),
    ):
        answer = browser.post(f"{USERS}/new", {**good, **fields})
        assert (answer.status_code, sorted(faults(answer.text))) == (status, sorted(wrong))
        assert answer.text.count(" autofocus>") == 1
        for value in {**good, **fields}.values():
            assert not value or value.isupper() or value in answer.text
    assert "eve@example.com" not in browser.get(USERS).text


# One user.


def test_name_and_role_are_changed(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    browser, key = visitor(app, admin), make_key(member)
    path = page_of(member)

    renamed = browser.post(path, fields_of(browser, path, username="Robert", role="MEMBER"))
    kept = client.get("/v1/user", headers=member.headers)
    promoted = browser.post(path, fields_of(browser, path, role="ADMIN"))

    assert renamed.location == f"{path}?done=saved"
    assert kept.get_json()["data"]["username"] == "Robert"
    assert promoted.location == f"{path}?done=role"
    assert "must sign in again" in browser.get(promoted.location).text
    assert client.get("/v1/user", headers=member.headers).status_code == 401
    assert client.get("/v1/users", headers=key.headers).status_code == 200


def test_of_two_administrators_who_edit_one_user_the_second_is_told(
    app: Flask, admin: SignedIn, member: SignedIn, make_user: MakeUser
) -> None:
    path = page_of(member)
    first, second = visitor(app, admin), visitor(app, make_user("ADMIN"))
    typed = fields_of(second, path, username="Bert", role="VIEWER")
    first.post(path, fields_of(first, path, username="Robert", role="MEMBER"))

    for htmx in (False, True):
        told = second.post(path, typed, htmx=htmx)
        assert told.status_code == 409
        assert "Another administrator changed this user" in told.text
        assert "<dd>Robert</dd>" in told.text
        assert 'value="Bert"' in told.text
        assert '<option value="VIEWER" selected>' in told.text

    again = {**typed, "version": found(r'name="version" value="(\d+)"', told.text)}
    assert second.post(path, again).status_code == 303
    assert "Bert</h1>" in first.get(path).text


def test_a_faulty_change_changes_nothing(app: Flask, admin: SignedIn, member: SignedIn) -> None:
    browser, path = visitor(app, admin), page_of(member)
    typed = {**fields_of(browser, path), "role": "VIEWER"}
    for fields, wrong in (
        ({"username": " "}, ["username"]),
        ({"role": "SYSTEM"}, ["role"]),
        ({"role": "SYSTEM", "username": "nul\x00"}, ["username", "role"]),
    ):
        answer = browser.post(path, {**typed, **fields})
        assert (answer.status_code, list(faults(answer.text))) == (422, wrong)
    taken = browser.post(path, {**typed, "username": "ALICE"})
    assert taken.status_code == 409
    assert faults(taken.text) == {"username": "This name is already taken. Enter another one."}
    assert 'value="ALICE"' in taken.text
    assert '<option value="VIEWER" selected>' in taken.text
    page = browser.get(path).text
    assert '<option value="MEMBER" selected>' in page
    assert found(r'id="username"[^>]* value="([^"]*)"', page) == member.username


def test_a_deactivated_user_is_out_until_they_are_reactivated(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn, make_key: MakeKey
) -> None:
    browser, key, path = visitor(app, admin), make_key(member), page_of(member)

    def statuses() -> list[int]:
        who = (member, key)
        return [client.get("/v1/user", headers=one.headers).status_code for one in who]

    out = browser.post(f"{path}/deactivate")
    told = statuses()
    assert "Deactivated" in browser.get(USERS).text
    assert visitor(app).sign_in(member.email, PASSWORD).status_code == 401
    back = browser.post(f"{path}/reactivate")

    assert (out.location, back.location) == (f"{path}?done=deactivated", f"{path}?done=reactivated")
    assert (told, statuses()) == ([401, 401], [401, 200])


def test_a_deleted_user_is_asked_about_by_name_and_then_gone(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    browser, path = visitor(app, admin), page_of(member)
    asked = browser.get(f"{path}?ask=delete").text
    assert f"Delete “{member.username}”?" in found(
        r'(?s)<dialog id="delete"[^>]* open>(.*?)</d', asked
    )
    assert " open>" not in browser.get(path).text

    gone = browser.post(f"{path}/delete")

    assert gone.location == f"{USERS}?deleted=yes"
    assert "User deleted" in browser.get(gone.location).text
    assert browser.get(path).status_code == 404
    assert client.get("/v1/user", headers=member.headers).status_code == 401


def test_a_reset_gives_a_link_and_ends_the_sessions_when_it_is_used(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    answer = visitor(app, admin).post(f"{page_of(member)}/link")

    assert client.get("/v1/user", headers=member.headers).status_code == 200
    assert choose_password(app, link_on(answer.text)) == 303
    assert client.get("/v1/user", headers=member.headers).status_code == 401
    assert visitor(app).sign_in(member.email, NEW).status_code == 303


def test_the_page_offers_no_change_of_ones_own_or_a_built_in_account(
    app: Flask, admin: SignedIn
) -> None:
    for path in (page_of(admin), f"{USERS}/{encode('User', 2)}"):
        page = visitor(app, admin).get(path).text
        assert 'name="role"' not in page
        assert 'data-dialog="deactivate"' not in page


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("{own}", 403, "Cannot modify own role"),
        ("{own}/deactivate", 403, "Cannot deactivate own account"),
        ("{own}/two-step/reset", 403, "Cannot reset own second factor"),
        ("{own}/delete", 409, "This is the last active administrator."),
        ("{built_in}/delete", 403, "Cannot delete the default admin or system user"),
        ("{unknown}/deactivate", 404, "This user does not exist."),
        ("{unknown}/delete", 404, "This user does not exist."),
    ],
)
def test_a_refused_action_shows_why_and_changes_nothing(
    app: Flask, admin: SignedIn, path: str, status: int, sentence: str
) -> None:
    browser = visitor(app, admin)
    with services_of(app).database.transaction() as session:
        UserStore(session).set_active(2, is_active=False)
    ids = {"built_in": encode("User", 2), "unknown": encode("User", MAX_ID)}
    form = fields_of(browser, page_of(admin), role="VIEWER")
    before = _users(app, 2, admin.user_id)

    answer = browser.post(f"{USERS}/{path.format(own=admin.global_id, **ids)}", form)

    assert answer.status_code == status
    assert sentence in answer.text
    assert _users(app, 2, admin.user_id) == before


def _users(app: Flask, *user_ids: int) -> list[UserInfo | None]:
    with services_of(app).database.reading() as session:
        return [UserStore(session).find(user_id) for user_id in user_ids]


def test_a_link_is_neither_offered_nor_created_where_it_cannot_set_a_password(
    app: Flask, admin: SignedIn, member: SignedIn, make_user: MakeUser
) -> None:
    browser, elsewhere = visitor(app, admin), make_user(auth_method="LDAP")
    browser.post(f"{page_of(member)}/deactivate")
    # Your own password needs the current one, or a stolen session could replace it.
    for user, status in ((admin, 403), (elsewhere, 422), (member, 422)):
        assert 'data-dialog="reset"' not in browser.get(page_of(user)).text
        assert browser.post(f"{page_of(user)}/link").status_code == status
    assert browser.post(f"{USERS}/{encode('User', 1)}/link").status_code == 403


# Their sessions.


def _sessions_of(app: Flask, user: SignedIn) -> list[int]:
    with services_of(app).database.reading() as session:
        return [one.id for one in SessionStore(session).page(user.user_id, 10).items]


def test_an_administrator_signs_a_user_out_of_one_session_or_of_all(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    others, path = [sign_in(app, member) for _ in range(2)], page_of(member)
    browser = visitor(app, admin)

    def statuses() -> list[int]:
        who = (member, *others)
        return [client.get("/v1/user", headers=one.headers).status_code for one in who]

    newest = _sessions_of(app, member)[0]
    one = browser.post(f"{path}/sessions/{newest}/end", htmx=True)
    assert one.text.strip().startswith('<article id="user_sessions"')
    assert "Session ended." in one.text
    assert statuses() == [200, 200, 401]
    assert browser.post(f"{path}/sessions/{newest}/end").status_code == 404
    everything = browser.post(f"{path}/sessions/end")

    assert everything.location == f"{path}?done=sessions"
    assert statuses() == [401, 401, 401]
    assert "No active sessions" in browser.get(path).text


def test_a_session_is_ended_under_its_own_user_alone(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn, viewer: SignedIn
) -> None:
    (session,) = _sessions_of(app, member)

    answer = visitor(app, admin).post(f"{page_of(viewer)}/sessions/{session}/end")

    assert answer.status_code == 404
    assert client.get("/v1/user", headers=member.headers).status_code == 200
