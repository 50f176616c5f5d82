"""What a user agent is in words, and how much of it is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_web.audit.events import Actor
from phoenix_web.auth.sign_in.devices import (
    MAX_ADDRESS_LENGTH,
    MAX_USER_AGENT_LENGTH,
    describe_user_agent,
    device_columns,
)

LINUX = "X11; Linux x86_64"
WINDOWS = "Windows NT 10.0; Win64; x64"
MAC = "Macintosh; Intel Mac OS X 10_15_7"
IPHONE = "iPhone; CPU iPhone OS 18_7 like Mac OS X"
IPAD = "iPad; CPU OS 18_7 like Mac OS X"
ANDROID = "Linux; Android 16; Pixel 9"
CHROMEBOOK = "X11; CrOS x86_64 14541.0.0"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
FIREFOX = "Gecko/20100101 Firefox/145.0"


@pytest.mark.parametrize(
    ("system", "program", "words"),
    [
        (f"{LINUX}; rv:145.0", FIREFOX, "Firefox on Linux"),
        (f"{ANDROID}; rv:145.0", FIREFOX, "Firefox on Android"),
        (LINUX, CHROME, "Chrome on Linux"),
        (LINUX, CHROME.replace("Chrome", "HeadlessChrome"), "Chrome on Linux"),
        (CHROMEBOOK, CHROME, "Chrome on ChromeOS"),
        (ANDROID, CHROME, "Chrome on Android"),
        (ANDROID, f"SamsungBrowser/29.0 {CHROME}", "Samsung Internet on Android"),
        (WINDOWS, f"{CHROME} Edg/142.0", "Edge on Windows"),
        (ANDROID, f"{CHROME} EdgA/142.0", "Edge on Android"),
        (WINDOWS, f"{CHROME} OPR/124.0", "Opera on Windows"),
        (MAC, SAFARI, "Safari on macOS"),
        (IPHONE, SAFARI, "Safari on iPhone"),
        (IPHONE, SAFARI.replace("Version", "CriOS"), "Chrome on iPhone"),
        (IPAD, SAFARI.replace("Version", "FxiOS"), "Firefox on iPad"),
        (WINDOWS, "Something/1.0", "Unknown browser on Windows"),
    ],
)
def test_a_browser_and_its_system_are_told_in_words(system: str, program: str, words: str) -> None:
    assert describe_user_agent(f"Mozilla/5.0 ({system}) {program}") == words


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("curl/8.14.1", "curl"),
        ("python-requests/2.32.5", "Python"),
        ("python-httpx/0.28.1", "Python"),
        ("node", "Node.js"),
        ("Something/1.0", "Unknown device"),
        ("", "Unknown device"),
        (None, "Unknown device"),
    ],
)
def test_a_program_is_told_by_its_name(user_agent: str | None, words: str) -> None:
    assert describe_user_agent(user_agent) == words


@given(st.text(max_size=2000), st.text(max_size=2000))
def test_what_is_kept_is_short_and_can_be_shown(address: str, user_agent: str) -> None:
    columns = device_columns(Actor(address=address, agent=user_agent))

    for kept, length in (
        (columns["address"], MAX_ADDRESS_LENGTH),
        (columns["user_agent"], MAX_USER_AGENT_LENGTH),
    ):
        assert kept is None or (0 < len(kept) <= length and kept.isprintable())
