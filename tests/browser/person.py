"""What a person does on the pages, by what they read there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.support.live import http_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

EMAIL = "admin@localhost"
PASSWORD = "seven quiet lighthouses"


@dataclass
class Person:
    """A person before a browser window on the server at `url`."""

    page: Page
    url: str
    #: What the browser complained about: scripts that failed, and what the policy has blocked.
    complaints: list[str] = field(default_factory=list)

    def visit(self, path: str) -> None:
        """Go to a page by its address."""
        self.page.goto(f"{self.url}{path}")

    def sign_in(self, password: str = PASSWORD, email: str = EMAIL) -> None:
        """Sign in from the sign-in page."""
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.button("Sign in").click()

    def change_password(self, current: str, new: str = PASSWORD) -> None:
        """Change the password from the profile page."""
        self.page.get_by_label("Current password").fill(current)
        self.page.get_by_label("New password", exact=True).fill(new)
        self.page.get_by_label("Confirm new password").fill(new)
        self.button("Change password").click()
        expect(self.page.get_by_text("Password changed")).to_be_visible()

    def settle_in(self, first_password: str) -> None:
        """Sign in for the first time and choose a password."""
        self.visit("/")
        self.sign_in(first_password)
        self.change_password(first_password)

    def create_key(self, name: str) -> str:
        """Make a key from its page and return its text."""
        self.page.get_by_label("Name").fill(name)
        self.button("Create key").click()
        shown = self.page.get_by_label("The key", exact=True)
        expect(shown).to_be_visible()
        return shown.input_value()

    def button(self, name: str) -> Locator:
        """Return the button with the text *name*."""
        return self.page.get_by_role("button", name=name, exact=True)


@contextmanager
def person(browser: Browser, url: str, **options: Any) -> Iterator[Person]:
    """Open a window with *options* of Playwright's contexts, and close it at the end."""
    with browser.new_context(**options) as context:
        someone = Person(context.new_page(), url)
        someone.page.set_default_timeout(10_000)
        someone.page.on("pageerror", lambda error: someone.complaints.append(str(error)))
        someone.page.on(
            "console",
            lambda message: (
                # The browser itself notes every 4xx answer; those are asked for.
                someone.complaints.append(message.text)
                if message.type in {"error", "warning"} and "status of 4" not in message.text
                else None
            ),
        )
        yield someone


def looked_at_by_axe(scheme: str, width: int) -> dict[str, Any]:
    """Return the options of a window of that *width*, light or dark, in which axe can run."""
    return {
        "color_scheme": scheme,
        "viewport": {"width": width, "height": 800},
        "reduced_motion": "reduce",
        # The policy of the pages would keep axe itself out.
        "bypass_csp": True,
    }


def status_with(url: str, key: str) -> int:
    """Return what the API answers to *key*."""
    headers = {"Authorization": f"Bearer {key}"}
    return http_request("GET", f"{url}/v1/datasets", headers=headers).status_code
