"""Client IP address and user agent, for storage and display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from phoenix_web.audit.events import Actor

#: Characters of each that are kept; a longer text is cut.
MAX_ADDRESS_LENGTH: Final = 64
MAX_USER_AGENT_LENGTH: Final = 512
UNKNOWN: Final = "Unknown device"

#: What a user agent has in it, and what people call that program. The order matters: nearly every
#: browser also calls itself Chrome, and Chrome calls itself Safari.
_PROGRAMS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("PostmanRuntime/", "Postman"),
    ("python-requests/", "Python"),
    ("python-httpx/", "Python"),
    ("aiohttp/", "Python"),
    ("Python-urllib/", "Python"),
    ("undici", "Node.js"),
    ("node", "Node.js"),
    ("Go-http-client/", "Go"),
)
#: The same for systems. An Android device also calls itself Linux, an iPhone something like macOS.
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def device_columns(actor: Actor) -> dict[str, str | None]:
    """Return the client address and user agent of *actor* as a session stores them.

    A client can send any text as its user agent: it is cut, and control characters are removed.
    """
    return {
        "address": _sanitized(actor.address, MAX_ADDRESS_LENGTH),
        "user_agent": _sanitized(actor.agent, MAX_USER_AGENT_LENGTH),
    }


def describe_user_agent(user_agent: str | None) -> str:
    """Return what *user_agent* is, as people say it: `Firefox on Linux`."""
    told = user_agent or ""
    program = _first(_PROGRAMS, told)
    system = _first(_SYSTEMS, told)
    if program and system:
        return f"{program} on {system}"
    return program or (f"Unknown browser on {system}" if system else UNKNOWN)


def _first(names: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for sign, name in names if sign in text), None)


def _sanitized(text: str | None, length: int) -> str | None:
    """Return the beginning of *text* without what cannot be shown, or None when nothing is left."""
    shown = "".join(character for character in (text or "")[:length] if character.isprintable())
    return shown.strip() or None
