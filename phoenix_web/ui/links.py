"""URLs of pages and files, and safe redirect targets after sign-in."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote, urlsplit

import flask
from flask import request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from phoenix_web.auth.passwords import links
from phoenix_web.web import static_files
from phoenix_web.web.same_site import SAFE_METHODS, server_origin
from phoenix_web.web.services import services

_MAX_LENGTH: Final = 2048


def url_for(endpoint: str, **values: Any) -> str:
    """Return the URL of *endpoint*, with the path that a proxy strips from requests."""
    return root_path() + flask.url_for(endpoint, **values)


def static_url(path: str) -> str:
    """Return the URL of the static file *path*."""
    return root_path() + static_files.url(path)


def root_path() -> str:
    """Return the path that a proxy strips from requests, or an empty text."""
    return services().settings.host_root_path


def server_url() -> str:
    """Return the public URL of this server, without a trailing slash."""
    return services().settings.address(server_origin())


def password_link(token: str) -> str:
    """Return the URL of a one-time link with *token*."""
    return f"{server_url()}{links.PATH}?token={token}"


def here() -> str:
    """Return the URL of this request, or of the start page if it is no safe redirect target."""
    path = request.full_path.rstrip("?")
    return root_path() + path if is_own_path(path) else url_for("ui.home.index")


def login_url() -> str:
    """Return the URL of the sign-in page, with the current page as `next`."""
    if request.method in SAFE_METHODS:
        path = request.full_path.rstrip("?")
    else:
        # A form may post to a URL without a page, so use the page that contains the form.
        referer = urlsplit(request.referrer or "")
        path = referer.path.removeprefix(root_path())
    return url_for("ui.login.show", next=path if is_own_path(path) else None)


def is_page(target: str) -> bool:
    """Return whether the path *target* is a page, so that opening it changes nothing."""
    adapter = request_ctx.url_adapter
    assert adapter is not None  # noqa: S101 - the request was routed by it
    try:
        endpoint, _ = adapter.match(unquote(urlsplit(target).path), "GET")
    except (HTTPException, RoutingException):
        return False
    return str(endpoint).startswith("ui.")


def is_own_path(target: str) -> bool:
    """Return whether a redirect to *target* stays on this origin in every browser."""
    if len(target) > _MAX_LENGTH:
        return False
    path = target
    while True:
        # Browsers treat a backslash as a slash, and skip tabs and line breaks.
        if not path.startswith("/") or path.startswith("//") or "\\" in path:
            return False
        if not path.isprintable():
            return False
        decoded = unquote(path)
        if decoded == path:
            return True
        path = decoded
