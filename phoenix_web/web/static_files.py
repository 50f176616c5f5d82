"""Static files, served by WSGI middleware and cached by their content."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from whitenoise import WhiteNoise

from phoenix_web.paths import bundled
from phoenix_web.version import PHOENIX_VERSION

if TYPE_CHECKING:
    from wsgiref.headers import Headers

_YEAR = 365 * 24 * 60 * 60


def serve(application: Any) -> Any:
    """Wrap *application* to serve `/static/`."""
    return WhiteNoise(
        application,
        root=str(bundled("static")),
        prefix="static/",
        # Pages link to files by `url`, so a changed file has a new address.
        max_age=_YEAR,
        add_headers_function=_add_headers,
    )


@cache
def url(path: str) -> str:
    """Return the address of a static file, with a digest of its content."""
    digest = hashlib.sha256((bundled("static") / path).read_bytes()).hexdigest()
    return f"/static/{path}?v={digest[:12]}"


@cache
def integrity(path: str) -> str:
    """Return the hash of a vendored file for the `integrity` attribute."""
    file = bundled("static") / path
    vendor = json.loads(file.with_name("vendor.json").read_text(encoding="utf-8"))
    return str(vendor["files"][file.name])


def _add_headers(headers: Headers, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["X-Phoenix-Server-Version"] = PHOENIX_VERSION
