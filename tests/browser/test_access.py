"""Every page and state, looked at by axe-core in both colour schemes and at both widths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FIRST_PASSWORD
from tests.browser.person import Person, person

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.live import LiveServer

pytestmark = pytest.mark.browser
AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js").read_text()


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


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(
    chromium: Browser, server: LiveServer, scheme: str, width: int
) -> None:
    found: list[str] = []
    options = {
        "color_scheme": scheme,
        "viewport": {"width": width, "height": 800},
        "reduced_motion": "reduce",
        # The policy of the pages would keep axe itself out.
        "bypass_csp": True,
    }
    with person(chromium, server.url, **options) as someone:
        page = someone.page

        def look(where: str) -> None:
            found.extend(findings(someone, where) + overflow(someone, where))

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
        for path in ("/settings/profile", "/nope", "/datasets?cursor=x"):
            someone.visit(path)
            look(path)
        someone.visit("/settings/keys")
        someone.button("Create key").click()
        expect(page.get_by_text("Give the key a name.")).to_be_visible()
        look("keys, refused")
        page.get_by_label("Expires").select_option("date")
        look("keys, with a date")
        page.get_by_label("Expires").select_option("7")
        someone.create_key("x" * 200)
        look("keys, made")
        page.get_by_role("link", name="Revoke the key").click()
        look("keys, asked")
        someone.button("Revoke key").click()
        expect(page.get_by_text("is revoked")).to_be_visible()
        look("keys, revoked")

    assert found == []
