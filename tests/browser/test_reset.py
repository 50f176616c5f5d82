from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.person import PASSWORD, Person, person
from tests.support.live import http_request
from tests.support.mail_server import link_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.live import LiveServer
    from tests.support.mail_server import MailServer

pytestmark = pytest.mark.browser

ADA = "ada@example.com"
ANOTHER = "eleven noisy windmills"


@pytest.fixture
def environment(environment: dict[str, str], mail_server: MailServer) -> dict[str, str]:
    """Return the variables of a server that sends mails; its administrator Ada has no password."""
    return environment | {
        "PHOENIX_ADMINS": f"Ada={ADA}",
        "PHOENIX_ROOT_URL": "http://127.0.0.1:{port}",
        "PHOENIX_SMTP_HOSTNAME": "127.0.0.1",
        "PHOENIX_SMTP_PORT": str(mail_server.port),
    }


def ask_for_a_link(someone: Person) -> None:
    """Ask for a link from the sign-in page."""
    someone.visit("/login")
    someone.page.get_by_role("link", name="Forgot your password?").click()
    someone.page.get_by_label("E-mail").fill(ADA)
    someone.button("Send link").click()
    expect(someone.page.get_by_role("heading", name="Check your e-mail")).to_be_visible()


def choose(someone: Person, new: str) -> None:
    """Choose a password on the page of a link."""
    someone.page.get_by_label("New password", exact=True).fill(new)
    someone.page.get_by_label("Confirm new password").fill(new)
    someone.button("Set password").click()


def test_a_forgotten_password_is_replaced_by_a_mailed_link(
    chromium: Browser, server: LiveServer, mail_server: MailServer
) -> None:
    with person(chromium, server.url) as someone:
        page = someone.page
        ask_for_a_link(someone)
        link = link_in(mail_server.wait_for(1)[0])
        # What a mail program opens to look for evil is not used up by that.
        assert http_request("GET", link).status_code == 200

        page.goto(link)
        field = page.get_by_label("New password", exact=True)
        expect(field).to_be_focused()
        told = page.locator("#new_password-strength")
        field.press_sequentially("password")
        expect(told).to_have_text("8 of at least 12 characters")
        field.press_sequentially("2026!")
        expect(told).to_have_text(re.compile("must not be a commonly used"))
        someone.button("Set password").click()
        expect(field).to_be_focused()
        expect(page.locator("#new_password-fault")).to_have_text(re.compile("common"))
        field.press_sequentially("seven quiet lighthouses")
        expect(told).to_have_text("Strong.")
        choose(someone, PASSWORD)
        expect(page.get_by_text("Password set")).to_be_visible()
        someone.sign_in(email=ADA)
        expect(page.get_by_role("heading", name="Datasets")).to_be_visible()

        with person(chromium, server.url, java_script_enabled=False) as elsewhere:
            ask_for_a_link(elsewhere)
            newer = link_in(mail_server.wait_for(2)[1])
            elsewhere.page.goto(link)
            expect(elsewhere.page.get_by_text("This link doesn't work")).to_be_visible()
            elsewhere.page.goto(newer)
            expect(elsewhere.page.locator("#new_password-strength")).to_be_hidden()
            choose(elsewhere, ANOTHER)
            expect(elsewhere.page.get_by_text("Password set")).to_be_visible()
            elsewhere.page.goto(newer)
            expect(elsewhere.page.get_by_text("This link doesn't work")).to_be_visible()
            assert elsewhere.complaints == []

        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        someone.sign_in(PASSWORD, ADA)
        expect(page.get_by_role("alert")).to_be_visible()
        someone.sign_in(ANOTHER, ADA)
        page.get_by_role("link", name="Mail", exact=True).click()
        expect(page.get_by_role("row", name=re.compile(f"{ADA}.*Sent"))).to_have_count(2)
        assert someone.complaints == []

    printed = server.output.read_text()
    for one in (link, newer):
        assert one.partition("token=")[2] not in printed
