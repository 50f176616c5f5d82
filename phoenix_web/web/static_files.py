"""The files of `static/`: served before the application is asked, cached by their content."""

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
    """Return *application* with `/static/` before it."""
    return WhiteNoise(
        application,
        root=str(bundled("static")),
        prefix="static/",
        # Pages name every file by `url`, so a changed file has another address.
        max_age=_YEAR,
        add_headers_function=_add_headers,
    )


@cache
def url(path: str) -> str:
    """Return the address of a file of `static/`, with the digest of its content."""
    digest = hashlib.sha256((bundled("static") / path).read_bytes()).hexdigest()
    return f"/static/{path}?v={digest[:12]}"


@cache
def integrity(path: str) -> str:
    """Return the hash by which a browser checks a vendored file (`integrity` of its element)."""
    file = bundled("static") / path
    vendor = json.loads(file.with_name("vendor.json").read_text(encoding="utf-8"))
    return str(vendor["files"][file.name])


def _add_headers(headers: Headers, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["X-Phoenix-Server-Version"] = PHOENIX_VERSION
