from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FIRST_PASSWORD
from tests.browser.person import EMAIL, PASSWORD, person, status_with

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.live import LiveServer

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
def test_from_the_first_sign_in_to_a_revoked_key(
    chromium: Browser, server: LiveServer, *, javascript: bool
) -> None:
    with person(chromium, server.url, java_script_enabled=javascript) as someone:
        page = someone.page
        someone.visit("/")
        someone.sign_in("a wrong password")
        expect(page.get_by_role("alert")).to_have_text("Wrong e-mail or password.")
        someone.sign_in(FIRST_PASSWORD)
        someone.visit("/datasets")
        expect(page.get_by_role("heading", name="Choose your own password")).to_be_visible()
        someone.change_password(FIRST_PASSWORD)

        page.get_by_role("link", name="API keys").click()
        expect(page.get_by_text("You don't have any keys yet")).to_be_visible()
        someone.button("Create key").click()
        expect(page.get_by_text("Enter a name for the key.")).to_be_visible()
        key = someone.create_key("CI")
        assert status_with(server.url, key) == 200
        page.get_by_role("radio", name="Node").check()
        expect(page.get_by_role("region", name="Node")).to_contain_text(key)

        page.get_by_role("link", name="Revoke key CI").click()
        question = page.get_by_role("dialog")
        expect(question).to_contain_text("Revoke key “CI”?")
        someone.button("Cancel").click()
        expect(question).to_be_hidden()
        assert status_with(server.url, key) == 200
        page.get_by_role("link", name="Revoke key CI").click()
        someone.button("Revoke key").click()
        expect(page.get_by_role("status").first).to_have_text("Key CI revoked. It no longer works.")
        assert status_with(server.url, key) == 401
        expect(page.get_by_text("You don't have any keys yet")).to_be_visible()

        someone.button("Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        someone.visit("/settings/keys")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert someone.complaints == []


def test_the_copy_button_copies_the_key(chromium: Browser, server: LiveServer) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    with person(chromium, server.url, permissions=permissions) as someone:
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/settings/keys")
        key = someone.create_key("CI")

        someone.button("Copy").first.click()

        expect(someone.button("Copied").first).to_be_visible()
        assert someone.page.evaluate("navigator.clipboard.readText()") == key


def test_a_key_is_gone_when_its_page_is_left(chromium: Browser, server: LiveServer) -> None:
    with person(chromium, server.url) as someone:
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/settings/keys")
        key = someone.create_key("CI")
        page = someone.page

        page.get_by_role("link", name="Profile").click()
        page.go_back()
        expect(page.get_by_text("CI", exact=True)).to_be_visible()
        shown = page.content()
        page.reload()

        assert key not in shown + page.content()
        stores = "[JSON.stringify(sessionStorage), JSON.stringify(localStorage)].join()"
        assert key not in page.evaluate(stores)


def test_everything_is_done_by_keyboard(chromium: Browser, server: LiveServer) -> None:
    with person(chromium, server.url) as someone:
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/settings/keys")
        page, keys = someone.page, someone.page.keyboard

        keys.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        keys.press("Enter")
        keys.press("Tab")
        expect(page.get_by_label("Name")).to_be_focused()
        keys.type("CI")
        keys.press("Enter")
        expect(page.get_by_role("heading", name="Your new key: CI")).to_be_focused()
        for _ in range(3):
            keys.press("Tab")
        keys.press("ArrowRight")
        expect(page.get_by_role("region", name="curl")).to_be_visible()

        revoke = page.get_by_role("link", name="Revoke key CI")
        revoke.focus()
        keys.press("Enter")
        expect(someone.button("Cancel")).to_be_focused()
        keys.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(revoke).to_be_focused()
        keys.press("Enter")
        keys.press("Tab")
        keys.press("Enter")
        expect(page.get_by_role("status").first).to_be_focused()
        assert someone.complaints == []


def test_htmx_swaps_only_what_has_changed(chromium: Browser, server: LiveServer) -> None:
    with person(chromium, server.url) as someone:
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/settings/keys")
        someone.page.evaluate("window.isTheSamePage = true")

        someone.create_key("CI")

        assert someone.page.evaluate("window.isTheSamePage") is True
        assert someone.page.url == f"{server.url}/settings/keys"


def test_htmx_leads_to_the_sign_in_page_when_the_session_has_ended(
    chromium: Browser, server: LiveServer
) -> None:
    with person(chromium, server.url) as someone:
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/settings/keys")
        someone.page.context.clear_cookies()

        someone.page.get_by_label("Name").fill("CI")
        someone.button("Create key").click()
        expect(someone.page.get_by_role("heading", name="Sign in")).to_be_visible()
        someone.sign_in()

        expect(someone.page.get_by_role("heading", name="API keys")).to_be_visible()


def test_an_error_takes_the_whole_page_for_htmx(chromium: Browser, server: LiveServer) -> None:
    with person(chromium, server.url) as someone:
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/settings/keys")
        someone.create_key("CI")
        someone.visit("/settings/keys")
        with person(chromium, server.url) as other:
            other.visit("/login?next=/settings/keys")
            other.sign_in()
            other.page.get_by_role("link", name="Revoke key CI").click()
            other.button("Revoke key").click()
            expect(other.page.get_by_text("It no longer works")).to_be_visible()

        someone.page.get_by_role("link", name="Revoke key CI").click()
        someone.button("Revoke key").click()

        expect(someone.page.get_by_role("heading", name="Page not found")).to_be_visible()
        expect(someone.page.get_by_role("heading", name="API keys")).to_be_hidden()


def test_a_user_is_told_apart_by_their_own_password(chromium: Browser, server: LiveServer) -> None:
    with person(chromium, server.url) as someone:
        someone.settle_in(FIRST_PASSWORD)
        someone.button("Sign out everywhere").first.click()
        someone.sign_in(FIRST_PASSWORD)
        expect(someone.page.get_by_role("alert")).to_be_visible()
        expect(someone.page.get_by_label("E-mail")).to_have_value(EMAIL)
        someone.sign_in(PASSWORD)
        expect(someone.page.get_by_role("heading", name="Datasets")).to_be_visible()


def test_another_sites_link_finds_its_reader_signed_in(
    chromium: Browser, server: LiveServer
) -> None:
    with person(chromium, server.url) as someone:
        someone.settle_in(FIRST_PASSWORD)
        # The same server under another name is another site.
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        someone.page.goto(f"{elsewhere}/login")
        someone.page.evaluate(f"location.href = '{server.url}/datasets?name=a'")

        expect(someone.page.get_by_role("heading", name="Datasets")).to_be_visible()
        assert someone.page.url == f"{server.url}/datasets?name=a"
        someone.page.goto(f"{elsewhere}/login")
        someone.page.context.clear_cookies()
        someone.page.evaluate(f"location.href = '{server.url}/datasets?name=a'")

        expect(someone.page.get_by_role("heading", name="Sign in")).to_be_visible()
