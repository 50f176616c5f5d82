"""Client IP address and user agent, for storage and display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from phoenix_web.audit.events import Actor

#: Stored characters; a longer text is truncated.
MAX_ADDRESS_LENGTH: Final = 64
MAX_USER_AGENT_LENGTH: Final = 512
UNKNOWN: Final = "Unknown device"

#: Part of a user agent and the name of the program. The order matters: nearly every browser also
#: claims to be Chrome, and Chrome claims to be Safari.
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
#: The same for operating systems. Android also claims to be Linux, and an iPhone to be like macOS.
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
    """Return the client address and user agent of *actor* for the columns of a session.

    Both are truncated, and unprintable characters removed: clients can send any text.
    """
    return {
        "address": _sanitized(actor.address, MAX_ADDRESS_LENGTH),
        "user_agent": _sanitized(actor.agent, MAX_USER_AGENT_LENGTH),
    }


def describe_user_agent(user_agent: str | None) -> str:
    """Return *user_agent* as browser and system, for example `Firefox on Linux`."""
    program = _first(_PROGRAMS, user_agent or "")
    system = _first(_SYSTEMS, user_agent or "")
    if program and system:
        return f"{program} on {system}"
    return program or (f"Unknown browser on {system}" if system else UNKNOWN)


def _first(names: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for part, name in names if part in text), None)


def _sanitized(text: str | None, length: int) -> str | None:
    """Return *text* truncated and without unprintable characters, or None if nothing is left."""
    printable = "".join(character for character in (text or "")[:length] if character.isprintable())
    return printable.strip() or None
