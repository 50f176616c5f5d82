"""Every page and state, looked at by axe-core in both colour schemes and at both widths."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from phoenix_web.audit.events import Actor
from phoenix_web.settings import Settings
from phoenix_web.settings.key_files import session_secret
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.mail.outbox import MailState, OutboxStore
from phoenix_web.web.services import build
from tests.browser.conftest import FIRST_PASSWORD
from tests.browser.person import Person, looked_at_by_axe, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

    from tests.support.live import LiveServer

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text()


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """Return the variables of a server that would send mails, to a port where nobody is."""
    return environment | {
        "PHOENIX_ROOT_URL": "http://127.0.0.1:{port}",
        "PHOENIX_SMTP_HOSTNAME": "127.0.0.1",
        "PHOENIX_SMTP_PORT": "9",
    }


def leave_mails(environment: dict[str, str]) -> str:
    """Leave a mail in each state in the outbox; return the text of a one-time link."""
    settings = Settings(working_dir=environment["PHOENIX_WORKING_DIR"])
    held = build(settings, session_secret(settings))
    now = datetime.now(UTC)
    with held.database.transaction() as session:
        user = UserStore(session).find_by_email("admin@localhost")
        assert user is not None
        link = held.password_links.issue(session, user, LinkPurpose.INVITATION, Actor())
        outbox = OutboxStore(session)
        for state in MailState:
            address = f"{'somebody-with-a-long-address.' * 3}@example.com"
            outbox.add(LinkPurpose.RESET, address, now, user_id=user.id, link_id=link.id)
            taken = outbox.claim(now, now)
            assert taken is not None
            if state is MailState.SENT:
                outbox.mark_sent(taken, now)
            elif state is MailState.FAILED:
                outbox.abandon(taken, "550 5.1.1 " + "no such user " * 10)
            else:
                outbox.postpone(taken, now + timedelta(hours=1), "450 Later")
    held.database.dispose()
    return link.token


def findings(someone: Person, where: str) -> list[str]:
    """Return what axe finds on the page as it stands, one line for each rule."""
    someone.page.add_script_tag(content=AXE)
    result: dict[str, Any] = someone.page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{where}: {rule['id']}: {[node['html'] for node in rule['nodes']]}"
        for rule in result["violations"]
    ]


def overflow(someone: Person, where: str) -> list[str]:
    """Return a line when the page has to be scrolled sideways."""
    wide = someone.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{where}: {wide}px too wide"] if wide > 0 else []


def look_at_links(someone: Person, look: Callable[[str], None], token: str) -> None:
    """Look at the pages of whoever has no password, or forgot it."""
    for path in ("/forgot-password", "/forgot-password?sent=yes", "/login?password-set=yes"):
        someone.visit(path)
        look(path)
    someone.visit("/reset-password-with-token?token=x")
    look("a link that does not work")
    someone.visit(f"/reset-password-with-token?token={token}")
    someone.page.get_by_label("New password", exact=True).press_sequentially("password1234")
    expect(someone.page.locator(".strength.refused")).to_have_text(re.compile("common"))
    look("a link, refused while typing")
    someone.button("Set password").click()
    expect(someone.page.locator(".fault")).to_have_count(2)
    look("a link, refused")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(
    chromium: Browser, server: LiveServer, environment: dict[str, str], scheme: str, width: int
) -> None:
    found: list[str] = []
    token = leave_mails(environment)
    with person(chromium, server.url, **looked_at_by_axe(scheme, width)) as someone:
        page = someone.page

        def look(where: str) -> None:
            found.extend(findings(someone, where) + overflow(someone, where))

        look_at_links(someone, look, token)
        someone.visit("/login")
        look("sign in")
        someone.sign_in("wrong password")
        look("sign in, refused")
        someone.sign_in(FIRST_PASSWORD)
        expect(page.get_by_label("Current password")).to_be_visible()
        look("first password")
        someone.button("Change password").click()
        expect(page.get_by_text("Enter a new password.")).to_be_visible()
        look("first password, refused")
        someone.change_password(FIRST_PASSWORD)
        for path in ("/datasets", "/datasets?name=x", "/settings/keys", "/settings/system-keys"):
            someone.visit(path)
            look(path)
        someone.visit("/settings/audit")
        page.get_by_text("Details", exact=True).first.click()
        look("audit log, opened")
        for path in ("/settings/audit?who=nobody&from=x", "/settings/audit?action=mfa.enrolled"):
            someone.visit(path)
            look(path)
        page.get_by_label("User", exact=True).fill("admin")
        page.get_by_label("Event", exact=True).select_option("Signed in")
        someone.button("Apply filters").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.locator("tbody tr").get_by_role("link", name="admin").last.click()
        expect(page.get_by_text("Only events by admin")).to_be_visible()
        look("audit log, limited")
        for path in ("/settings/mail", "/settings/profile", "/nope", "/datasets?cursor=x"):
            someone.visit(path)
            look(path)
        someone.visit("/settings/keys")
        someone.button("Create key").click()
        expect(page.get_by_text("Enter a name for the key.")).to_be_visible()
        look("keys, refused")
        page.get_by_label("Expires", exact=True).select_option("date")
        look("keys, with a date")
        page.get_by_label("Expires", exact=True).select_option("7")
        someone.create_key("x" * 200)
        look("keys, made")
        page.get_by_role("link", name="Revoke key").click()
        look("keys, asked")
        someone.button("Revoke key").click()
        expect(page.get_by_text("It no longer works")).to_be_visible()
        look("keys, revoked")

    assert found == []
