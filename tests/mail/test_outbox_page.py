"""The page of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from phoenix_web.ui import mail as mail_page
from tests.factories import services_of
from tests.ui.visitor import found, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp
    from tests.factories import SignedIn
    from tests.support.mail_server import MailServer

PAGE = "/settings/mail"


def invite(client: FlaskClient, admin: SignedIn, *names: str) -> None:
    for name in names:
        user = {"email": f"{name}@example.com", "username": name, "role": "MEMBER"}
        body = {"user": {**user, "auth_method": "LOCAL"}}
        assert client.post("/v1/users", json=body, headers=admin.headers).status_code == 201


def send_due(app: Flask) -> None:
    mail = services_of(app).mail
    assert mail is not None
    mail.sender.send_due()


@pytest.fixture
def mixed(app: Flask, client: FlaskClient, admin: SignedIn, mail_server: MailServer) -> Flask:
    """Return the application with a mail that was sent, one that failed and one that waits."""
    invite(client, admin, "sent")
    send_due(app)
    mail_server.refuse_recipient = "550 <b>No</b> such user"
    invite(client, admin, "failed")
    send_due(app)
    mail_server.refuse_recipient = "450 Later"
    invite(client, admin, "waiting")
    send_due(app)
    mail_server.refuse_recipient = None
    return app


def test_administrators_see_every_mail_with_its_state_and_last_error(
    mixed: Flask, admin: SignedIn
) -> None:
    page = visitor(mixed, admin).get(PAGE).text

    for name in ("sent", "failed", "waiting"):
        assert f"{name}@example.com" in page
        assert f'class="badge {name}"' in page
    assert "550 &lt;b&gt;No&lt;/b&gt; such user" in page
    assert "450 Later" in page
    assert page.count(">Resend mail<") == 1
    assert "token=" not in page


def test_the_list_shows_one_state(mixed: Flask, admin: SignedIn) -> None:
    browser = visitor(mixed, admin)
    for state in ("sent", "failed", "waiting"):
        page = browser.get(f"{PAGE}?state={state}").text
        told = [name for name in ("sent", "failed", "waiting") if f"{name}@example.com" in page]
        assert told == [state]
    assert "sent@example.com" in browser.get(f"{PAGE}?state=odd").text


def test_a_mail_that_failed_is_tried_again(
    mixed: Flask, client: FlaskClient, admin: SignedIn, mail_server: MailServer
) -> None:
    browser = visitor(mixed, admin)
    action = found(r'action="([^"]+/retry)', browser.get(PAGE).text).removeprefix("/phx")

    answer = browser.post(action)

    assert answer.status_code == 303
    page = browser.get(answer.location.removeprefix("/phx")).text
    assert "We'll send the mail again" in page
    assert ">Resend mail<" not in page
    send_due(mixed)
    assert mail_server.messages[-1]["To"] == "failed@example.com"
    assert browser.post(action).status_code == 404

    mail_server.refuse_recipient = "550 No"
    invite(client, admin, "another")
    send_due(mixed)
    action = found(r'action="([^"]+/retry)', browser.get(PAGE).text).removeprefix("/phx")
    swapped = browser.post(action, htmx=True).text
    assert swapped.strip().startswith('<section id="mails"')
    assert "We'll send the mail again" in swapped


def test_a_long_list_has_pages(
    app: Flask, client: FlaskClient, admin: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_page, "_PAGE_SIZE", 2)
    invite(client, admin, "one", "two", "three")
    browser = visitor(app, admin)

    first = browser.get(PAGE).text
    older = found(r'href="/phx(/settings/mail\?cursor=\d+)"', first)
    second = browser.get(older).text

    assert "three@example.com" in first
    assert "one@example.com" not in first
    assert "one@example.com" in second
    assert "Older mails" not in second


def test_nobody_else_sees_it_and_nobody_is_led_there_without_mail(
    app: Flask, make_app: MakeApp, admin: SignedIn, member: SignedIn
) -> None:
    without = make_app(root_url=services_of(app).settings.root_url)

    assert 'href="/phx/settings/mail"' in visitor(app, admin).get("/settings/profile").text
    page = visitor(without, admin).get("/settings/profile").text
    assert "Profile" in page
    assert "settings/mail" not in page
    assert "Set PHOENIX_SMTP_HOSTNAME" in visitor(without, admin).get(PAGE).text
    assert visitor(app, member).get(PAGE).status_code == 403
    assert "settings/mail" not in visitor(app, member).get("/settings/profile").text
    assert visitor(app, member).post(f"{PAGE}/1/retry").status_code == 403
