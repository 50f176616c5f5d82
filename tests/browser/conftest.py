"""A Chromium, a server as users start it, and a person who knows the first password."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.support.live import running_server
from tests.support.servers import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.support.live import LiveServer

FIRST_PASSWORD = "first password of the admin"
#: Nothing of a test leaves this machine; as root Chromium has no sandbox to offer.
_ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start one browser for all tests of a process; each test opens contexts of its own."""
    executable = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a server whose first administrator has `FIRST_PASSWORD`."""
    return {
        "PHOENIX_WORKING_DIR": str(tmp_path / "instance"),
        "PHOENIX_DEFAULT_ADMIN_INITIAL_PASSWORD": FIRST_PASSWORD,
        "PHOENIX_PASSWORD_HASH_MEMORY_KIB": "8",
        "PHOENIX_PASSWORD_HASH_ITERATIONS": "1",
    }


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[LiveServer]:
    """Serve a fresh installation."""
    with running_server(environment, workers=2) as running:
        yield running
