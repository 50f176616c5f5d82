"""CSRF protection by request headers (OWASP CSRF cheat sheet, "Fetch Metadata")."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import urlsplit

from flask import request

from phoenix_web.errors import BadRequest, Forbidden
from phoenix_web.web.services import services

_log = logging.getLogger(__name__)

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN: Final = frozenset({"same-origin", "none"})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_REFUSAL: Final = "This request did not come from a page of this server."


def refuse_cross_site(*, allows_programs: bool, allows_opaque: bool = False) -> None:
    """Raise `Forbidden` unless the request comes from this server or a trusted origin.

    Browsers send `Sec-Fetch-Site` or at least `Origin`; all headers that are present must match.
    *allows_programs* accepts requests without these headers if their body is JSON or empty:
    browsers never send such a body to another site without `Origin`.

    A page with `Referrer-Policy: no-referrer` posts `Origin: null`, over plain HTTP without other
    headers. *allows_opaque* accepts that, for views that use a secret in the form, not a cookie.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    referer = request.headers.get("Referer")
    is_opaque = origin == "null" and (site in _OWN or (allows_opaque and has_opaque_origin()))
    if site is not None:
        is_own = site in _OWN or (origin is not None and _is_trusted(origin))
    else:
        is_own = bool(origin) or (allows_programs and _is_from_a_program())
    if origin and not is_opaque:
        is_own = is_own and _is_own_origin(origin)
    if referer:
        is_own = is_own and _is_own_origin(referer)
    if not is_own:
        _log.warning(
            "403 %s %r: Origin %r, Sec-Fetch-Site %r, but this server is %s "
            "(behind a proxy, set PHOENIX_ROOT_URL)",
            request.method,
            request.path,
            origin,
            site,
            server_origin(),
        )
        raise Forbidden(_REFUSAL)


def has_opaque_origin() -> bool:
    """Return whether the headers hide which site the request comes from."""
    return request.headers.get("Origin") == "null" and "Sec-Fetch-Site" not in request.headers


def _is_from_a_program() -> bool:
    return request.mimetype == "application/json" or not (
        request.content_length or request.headers.get("Transfer-Encoding")
    )


def _is_own_origin(url: str) -> bool:
    origin = _origin(url)
    if origin is None:
        return False
    return origin == _origin(server_origin()) or _is_trusted(url)


def server_origin() -> str:
    """Return the root URL of this server: configured, or from the `Host` header.

    Raises `BadRequest` for an invalid `Host` header.
    """
    try:
        return services().settings.root_url or request.host_url
    except UnicodeError as error:
        raise BadRequest("Invalid Host header") from error


def _is_trusted(url: str) -> bool:
    origin = _origin(url)
    trusted = services().settings.csrf_trusted_origins
    return origin is not None and origin in {_origin(other) for other in trusted}


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Return the scheme, host and port of *url*, or None without a host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS.get(parts.scheme)
