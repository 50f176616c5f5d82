"""Two-step sign-in before a window: set up, used, without the phone, and turned off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FIRST_PASSWORD
from tests.browser.person import PASSWORD, looked_at_by_axe, person
from tests.browser.test_access import findings, overflow
from tests.support.authenticator import Authenticator

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Locator

    from tests.browser.person import Person
    from tests.support.live import LiveServer

    Look = Callable[[str], None]

pytestmark = pytest.mark.browser
PAGE = "/settings/profile/two-step"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_phone_is_set_up_used_lost_and_put_away(
    chromium: Browser, server: LiveServer, scheme: str, width: int
) -> None:
    found: list[str] = []
    with person(chromium, server.url, **looked_at_by_axe(scheme, width)) as someone:

        def look(where: str) -> None:
            found.extend(findings(someone, where) + overflow(someone, where))

        someone.settle_in(FIRST_PASSWORD)
        phone = scan(someone, look)
        codes = confirm(someone, phone, look)

        sign_out_and_give_the_password(someone)
        enter_a_wrong_code(someone, phone, look)
        enter(someone, phone.code())
        expect_to_be_in(someone)

        sign_out_and_give_the_password(someone)
        enter(someone, codes[0])
        expect_to_be_in(someone)

        codes = renew(someone, codes[1])
        turn_off(someone, codes[0])
        sign_out_and_give_the_password(someone)
        expect_to_be_in(someone)
        assert someone.complaints == []

    assert found == []


def scan(someone: Person, look: Look) -> Authenticator:
    """Go from the profile to the QR code, and return an app with its key."""
    page = someone.page
    someone.visit("/settings/profile")
    page.get_by_role("link", name="Set up two-step sign-in").click()
    look("two-step, off")
    someone.button("Continue").click()
    expect(page.get_by_text("Enter your password.")).to_be_visible()
    expect(page.get_by_label("Current password")).to_be_focused()
    look("two-step, refused")
    page.get_by_label("Current password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    look("two-step, to scan")
    return Authenticator(page.get_by_label("The key", exact=True).input_value())


def confirm(someone: Person, phone: Authenticator, look: Look) -> list[str]:
    """Turn on two-step sign-in, at the second try, and return the recovery codes."""
    page = someone.page
    expect(code_field(someone)).to_be_focused()
    page.keyboard.type(phone.wrong_code())
    page.keyboard.press("Enter")
    expect(page.get_by_text("Wrong or already used code")).to_be_visible()
    look("two-step, wrong code")
    code_field(someone).fill(phone.code(-1))
    someone.button("Turn on two-step sign-in").click()
    expect(page.get_by_role("heading", name="Two-step sign-in is on")).to_be_focused()
    look("two-step, recovery codes")
    return saved_codes(someone)


def saved_codes(someone: Person) -> list[str]:
    """Read the recovery codes, and go on to the page of what is on."""
    codes = someone.page.locator("#codes").inner_text().split()
    someone.page.get_by_role("link", name="Done, I've saved them").click()
    expect(someone.page.get_by_text("Recovery codes left")).to_be_visible()
    return codes


def sign_out_and_give_the_password(someone: Person) -> None:
    someone.visit("/datasets")
    someone.button("Sign out").click()
    expect(someone.page.get_by_label("E-mail")).to_be_visible()
    someone.sign_in()


def enter_a_wrong_code(someone: Person, phone: Authenticator, look: Look) -> None:
    expect(code_field(someone)).to_be_focused()
    look("sign in, code")
    someone.page.keyboard.type(phone.wrong_code())
    someone.page.keyboard.press("Enter")
    expect(someone.page.get_by_text("Wrong or already used code")).to_be_visible()
    look("sign in, wrong code")


def enter(someone: Person, code: str) -> None:
    code_field(someone).fill(code)
    someone.button("Sign in").click()


def expect_to_be_in(someone: Person) -> None:
    expect(someone.page.get_by_role("heading", name="Datasets")).to_be_visible()


def renew(someone: Person, code: str) -> list[str]:
    someone.visit(PAGE)
    prove(someone, code)
    someone.button("Create new recovery codes").click()
    heading = someone.page.get_by_role("heading", name="New recovery codes created")
    expect(heading).to_be_focused()
    return saved_codes(someone)


def turn_off(someone: Person, code: str) -> None:
    someone.visit(PAGE)
    prove(someone, code)
    someone.button("Turn off two-step sign-in").click()
    expect(someone.page.get_by_role("status")).to_be_focused()
    expect(someone.page.get_by_role("status")).to_contain_text("Two-step sign-in is off.")


def prove(someone: Person, code: str) -> None:
    """Fill in the password and *code*."""
    someone.page.get_by_label("Current password").fill(PASSWORD)
    code_field(someone).fill(code)


def code_field(someone: Person) -> Locator:
    return someone.page.get_by_label("Code", exact=True)
