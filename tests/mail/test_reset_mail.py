"""Asking for a new password by mail: the same answer, and the same work, for every address."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.audit_log import Watch, by, what
from tests.support.mail_server import link_in
from tests.support.statements import statements
from tests.ui.visitor import faults, found, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp, MakeUser
    from tests.factories import SignedIn
    from tests.support.mail_server import MailServer

from phoenix_web.store.mail.outbox import OutboxStore
from tests.factories import services_of

NEW = "seven quiet lighthouses"


def ask(client: FlaskClient, email: object) -> TestResponse:
    return client.post("/auth/password-reset-email", json={"email": email})


def send_due(app: Flask) -> None:
    mail = services_of(app).mail
    assert mail is not None
    mail.sender.send_due()


def waiting(app: Flask) -> int:
    with services_of(app).database.reading() as session:
        return len(OutboxStore(session).page(100, None, None).items)


def test_a_mailed_link_resets_the_password(
    app: Flask, client: FlaskClient, member: SignedIn, mail_server: MailServer
) -> None:
    answer = ask(client, f"  {member.email.upper()} ")
    assert (answer.status_code, answer.data) == (204, b"")
    assert mail_server.messages == []

    send_due(app)
    token = link_in(mail_server.messages[0]).partition("token=")[2]
    body = {"token": token, "password": NEW}
    assert client.post("/auth/password-reset", json=body).status_code == 204

    assert client.get("/v1/user", headers=member.headers).status_code == 401
    login = {"email": member.email, "password": NEW}
    assert client.post("/auth/login", json=login).status_code == 204


def test_every_address_gets_the_same_answer_for_the_same_work(
    client: FlaskClient, member: SignedIn, make_user: MakeUser
) -> None:
    addresses = [member.email, "nobody@example.com", make_user(auth_method="LDAP").email]
    told = []
    ask(client, "warm@example.com")  # what is prepared once is prepared now
    for address in addresses:
        with statements() as work:
            answer = ask(client, address)
        headers = [pair for pair in answer.headers if pair[0] != "Date"]
        told.append((answer.status_code, answer.data, headers, work))

    assert told[0][0] == 204
    written = [line.split()[2] for *_, work in told for line in work if "INSERT" in line]
    assert written == ["outgoing_mails"] * 3
    assert told == [told[0]] * 3


def test_without_a_mail_server_nothing_is_sent_and_that_is_said(
    client: FlaskClient, make_app: MakeApp
) -> None:
    app = make_app()
    without = app.test_client(use_cookies=False)
    browser = visitor(app)

    answer = ask(without, "bob@example.com")

    assert (answer.status_code, answer.text) == (503, "SMTP server not configured")
    assert ask(without, "").text == "Email required"
    for one, told in ((client, True), (without, False)):
        assert one.get("/config").get_json()["password_reset_email_enabled"] is told
    assert "Forgot your password?" not in browser.get("/login").text
    for answer in (
        browser.get("/forgot-password"),
        browser.post("/forgot-password", {"email": "a@example.com"}),
    ):
        assert answer.status_code == 404
        assert "Ask an administrator" in answer.text


def test_an_address_is_required(client: FlaskClient) -> None:
    bodies: list[dict[str, Any]] = [{}, {"email": ""}, {"email": " \n"}]
    for body in bodies:
        answer = client.post("/auth/password-reset-email", json=body)
        assert (answer.status_code, answer.text) == (422, "Email required")


def test_what_is_no_address_gets_the_same_answer_and_is_not_kept(
    app: Flask, client: FlaskClient
) -> None:
    long = "a" * 500 + "@b.cd"
    for email in ("x", "a@b@c", "@", "a\r\nBcc: b@c.d", long, "admin@localhost"):
        assert ask(client, email).status_code == 204
    assert waiting(app) == 0


def test_an_odd_body_is_told(client: FlaskClient) -> None:
    assert ask(client, 5).status_code == 422
    assert ask(client, "a\x00@example.com").status_code == 422
    text = client.post("/auth/password-reset-email", data="email=a", content_type="text/plain")
    assert text.status_code == 403


def test_a_foreign_page_asks_for_nothing(app: Flask, client: FlaskClient, member: SignedIn) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Referer": "https://evil.example/x"}):
        answer = client.post(
            "/auth/password-reset-email", json={"email": member.email}, headers=headers
        )
        assert answer.status_code == 403
    assert waiting(app) == 0


def test_the_page_says_the_same_for_every_address(
    app: Flask, member: SignedIn, mail_server: MailServer
) -> None:
    browser = visitor(app)
    assert 'href="/phx/forgot-password"' in browser.get("/login").text
    pages = []
    for email in (member.email, "nobody@example.com"):
        answer = browser.post("/forgot-password", {"email": email})
        assert answer.status_code == 303
        pages.append(browser.get(answer.location.removeprefix("/phx")).text)

    assert pages[0] == pages[1]
    assert "If an account with this address exists" in pages[0]
    send_due(app)
    assert [message["To"] for message in mail_server.messages] == [member.email]


def test_the_page_says_what_is_no_address(app: Flask) -> None:
    for email in ("", "nobody"):
        answer = visitor(app).post("/forgot-password", {"email": email})
        assert answer.status_code == 422
        assert list(faults(answer.text)) == ["email"]
        assert found(r'id="email"[^>]* value="([^"]*)"', answer.text) == email


def test_a_link_that_does_not_work_leads_to_another(app: Flask) -> None:
    page = visitor(app).get("/reset-password-with-token?token=x").text

    assert 'href="/phx/forgot-password"' in page


def test_a_new_user_is_invited_by_mail_unless_nobody_wants_that(
    app: Flask, client: FlaskClient, admin: SignedIn, mail_server: MailServer
) -> None:
    for name, method, wish in (
        ("invited", "LOCAL", {}),
        ("unasked", "LOCAL", {"send_welcome_email": False}),
        ("elsewhere", "LDAP", {}),
    ):
        user = {"email": f"{name}@example.com", "username": name, "role": "MEMBER"}
        body = {"user": {**user, "auth_method": method}, **wish}
        assert client.post("/v1/users", json=body, headers=admin.headers).status_code == 201
    send_due(app)

    [message] = mail_server.messages
    assert (message["To"], message["Subject"]) == (
        "invited@example.com",
        "[Phoenix] You are invited",
    )
    chosen = {"token": link_in(message).partition("token=")[2], "password": NEW}
    assert client.post("/auth/password-reset", json=chosen).status_code == 204


def test_nobody_is_invited_who_was_not_made(
    app: Flask, client: FlaskClient, admin: SignedIn, member: SignedIn
) -> None:
    user = {"email": member.email, "username": "another", "role": "MEMBER", "auth_method": "LOCAL"}

    assert client.post("/v1/users", json={"user": user}, headers=admin.headers).status_code == 409
    assert waiting(app) == 0


def test_a_mailed_link_is_recorded_when_it_is_made_and_only_then(
    app: Flask, client: FlaskClient, member: SignedIn, make_user: MakeUser, mail_server: MailServer
) -> None:
    """A line for every wish would tell, by its time, which addresses are somebody's."""
    watch = Watch(app)
    for address in (member.email, "nobody@example.com", make_user(auth_method="LDAP").email):
        assert ask(client, address).status_code == 204
    mail_server.refuse_recipient = "550 no such mailbox"
    assert watch.new() == []

    send_due(app)

    line = watch.one()
    assert what(line) == ("password_link.issued", "success", "User", "bob")
    assert by(line) == ("phoenix_web", "server", None)
    assert json.loads(line.detail)["purpose"] == "reset"


def test_an_invitation_by_mail_is_recorded_with_who_has_asked_for_it(
    app: Flask, client: FlaskClient, admin: SignedIn, mail_server: MailServer
) -> None:
    watch = Watch(app)
    user = {"email": "new@example.com", "username": "new", "role": "MEMBER"}
    body = {"user": {**user, "auth_method": "LOCAL"}}
    assert client.post("/v1/users", json=body, headers=admin.headers).status_code == 201
    send_due(app)

    lines = watch.new()
    assert len(mail_server.messages) == 1
    assert [line.action for line in lines] == ["user.created", "password_link.issued"]
    assert {by(line)[:2] for line in lines} == {("alice", "session")}
