"""An administrator and a user, each before a window: from the invitation to the deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FIRST_PASSWORD
from tests.browser.person import PASSWORD, Person, looked_at_by_axe, person
from tests.browser.test_access import findings, overflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

    from tests.support.live import LiveServer

    Look = Callable[[str], None]

pytestmark = pytest.mark.browser
EVE = "eve@example.com"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_user_is_invited_signed_out_deactivated_and_deleted(
    chromium: Browser, server: LiveServer, scheme: str, width: int
) -> None:
    found: list[str] = []
    with (
        person(chromium, server.url, **looked_at_by_axe(scheme, width)) as admin,
        person(chromium, server.url) as eve,
    ):

        def look(where: str) -> None:
            found.extend(findings(admin, where) + overflow(admin, where))

        admin.settle_in(FIRST_PASSWORD)
        choose_password(eve, invite(admin, look))
        come_in(eve)

        sign_out_from_afar(admin, look)
        assert not is_signed_in(eve)
        come_in(eve)

        deactivate(admin, look)
        assert not is_signed_in(eve)
        eve.sign_in(email=EVE)
        expect(eve.page.get_by_role("alert")).to_contain_text("Wrong e-mail or password.")
        admin.button("Reactivate user").click()
        expect(admin.page.get_by_text("User reactivated")).to_be_visible()
        come_in(eve)

        with person(chromium, server.url) as elsewhere:
            elsewhere.visit("/login")
            come_in(elsewhere)
            sign_out_all_others(eve)
            assert not is_signed_in(elsewhere)
        assert is_signed_in(eve)
        admin.visit("/settings/profile")
        look("the profile")

        delete(admin)
        assert not is_signed_in(eve)
        assert admin.complaints + eve.complaints == []

    assert found == []


def come_in(someone: Person) -> None:
    someone.sign_in(email=EVE)
    expect(someone.page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()


def is_signed_in(someone: Person) -> bool:
    """Ask for a page, and tell whether it is there."""
    someone.visit("/settings/keys")
    return someone.page.get_by_role("heading", name="API keys").is_visible()


def invite(admin: Person, look: Look) -> str:
    """Add Eve and return the link that is shown once; stay on her page."""
    page = admin.page
    page.get_by_role("link", name="Users").click()
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
    look("users")
    page.get_by_role("link", name="Add user").click()
    admin.button("Add user").click()
    expect(page.get_by_text("Enter a name.")).to_be_visible()
    expect(page.get_by_label("Name")).to_be_focused()
    look("a new user, refused")
    page.get_by_label("Name").fill("Eve")
    page.get_by_label("E-mail").fill(EVE)
    admin.button("Add user").click()
    expect(page.get_by_role("heading", name="Eve added")).to_be_focused()
    look("a new user, added")
    link = page.get_by_label("The link", exact=True).input_value()
    page.get_by_role("link", name="Done, I've saved it").click()
    expect(page.get_by_text("The invitation link expires")).to_be_visible()
    return link


def choose_password(eve: Person, link: str) -> None:
    eve.page.goto(link)
    eve.page.get_by_label("New password", exact=True).fill(PASSWORD)
    eve.page.get_by_label("Confirm new password").fill(PASSWORD)
    eve.button("Set password").click()
    expect(eve.page.get_by_text("Password set.")).to_be_visible()


def sign_out_from_afar(admin: Person, look: Look) -> None:
    admin.page.reload()
    look("a user")
    admin.page.get_by_role("button", name="Sign out Chrome on Linux").click()
    expect(admin.page.get_by_role("status")).to_have_text("Session ended.")
    expect(admin.page.get_by_role("status")).to_be_focused()
    look("a user, signed out")


def deactivate(admin: Person, look: Look) -> None:
    """Deactivate Eve, after a second thought."""
    opener = admin.page.get_by_role("link", name="Deactivate")
    opener.click()
    expect(admin.page.get_by_role("dialog")).to_contain_text("Deactivate “Eve”?")
    look("a user, asked")
    admin.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.click()
    admin.button("Deactivate user").click()
    expect(admin.page.get_by_text("User deactivated")).to_be_visible()
    look("a user, deactivated")


def sign_out_all_others(eve: Person) -> None:
    eve.visit("/settings/profile")
    eve.button("Sign out other sessions").click()
    expect(eve.page.get_by_text("All other sessions ended.")).to_be_visible()


def delete(admin: Person) -> None:
    admin.visit("/settings/users?search=eve")
    admin.page.get_by_role("link", name="Eve").click()
    admin.page.get_by_role("link", name="Delete").click()
    admin.button("Delete user").click()
    expect(admin.page.get_by_text("User deleted")).to_be_visible()
