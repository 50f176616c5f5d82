"""The headers of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from phoenix_web.error_responses import is_api_request
from phoenix_web.services import services
from phoenix_web.version import PHOENIX_VERSION

if TYPE_CHECKING:
    from flask import Flask, Response

_EVERYWHERE: Final = {
    "X-Phoenix-Server-Version": PHOENIX_VERSION,
    "X-Colab-Notebook-Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
}
_PAGES: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_HSTS: Final = "max-age=31536000"


def register(app: Flask) -> None:
    """Put the headers on every answer of *app*."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers = response.headers
    headers.update(_EVERYWHERE)
    # Nearly every answer tells something that only this caller may know.
    headers.setdefault("Cache-Control", "no-store")
    if not is_api_request():
        for name, value in _PAGES.items():
            headers.setdefault(name, value)
    root_url = services().settings.root_url
    if root_url and root_url.startswith("https://"):
        headers["Strict-Transport-Security"] = _HSTS
    return response
