"""The links that administrators make on the pages of users, where mail is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_web.global_ids import encode
from tests.factories import services_of
from tests.ui.visitor import found, visitor

if TYPE_CHECKING:
    from flask import Flask

    from tests.factories import SignedIn
    from tests.support.mail_server import MailServer

USERS = "/settings/users"


def send_due(app: Flask) -> None:
    mail = services_of(app).mail
    assert mail is not None
    mail.sender.send_due()


def test_an_invitation_and_a_reset_are_mailed_as_well_as_shown(
    app: Flask, admin: SignedIn, mail_server: MailServer
) -> None:
    browser = visitor(app, admin)
    form = {"username": "Eve", "email": "eve@example.com", "role": "VIEWER"}

    invited = browser.post(f"{USERS}/new", form).text
    send_due(app)
    path = found(r'href="/phx(/settings/users/[^"]+)">Done, ', invited)
    again = browser.post(f"{path}/link").text
    send_due(app)

    for page, mail in zip((invited, again), mail_server.messages, strict=True):
        assert "We're mailing this link to eve@example.com" in page
        link = found(r'id="link-text"[^>]* value="([^"]+)"', page)
        assert link.startswith("https://phx.example.com/phx/reset-password-with-token?token=")
        text = mail.get_body(("plain",))
        assert text is not None
        # The mail signs it anew, at the moment when it is sent: what it names is the same.
        named = link.rsplit(".", 2)[0]
        assert f"{named}." in text.get_content()


def test_the_default_administrator_has_no_mailbox(
    app: Flask, admin: SignedIn, mail_server: MailServer
) -> None:
    page = visitor(app, admin).post(f"{USERS}/{encode('User', 2)}/link").text
    send_due(app)

    assert "Send this link only to admin" in page
    assert mail_server.messages == []
