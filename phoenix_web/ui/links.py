"""Addresses of pages and files, and which of them a sign-in may lead to."""

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
    """Return the address of *endpoint*, with the path that a proxy takes off on the way in."""
    return root_path() + flask.url_for(endpoint, **values)


def static_url(path: str) -> str:
    """Return the address of a file of `static/`."""
    return root_path() + static_files.url(path)


def root_path() -> str:
    """Return the path that a proxy puts before ours."""
    return services().settings.host_root_path


def server_url() -> str:
    """Return the address of this server as its visitors know it, without a slash at its end."""
    return services().settings.address(server_origin())


def password_link(token: str) -> str:
    """Return the address that a one-time link with the text *token* leads to."""
    return f"{server_url()}{links.PATH}?token={token}"


def here() -> str:
    """Return the address of this request; the start page's, should a browser misread it."""
    path = request.full_path.rstrip("?")
    return root_path() + path if is_own_path(path) else url_for("ui.home.index")


def login_url() -> str:
    """Return the login page's address with the page that this request belongs to as `next`."""
    if request.method in SAFE_METHODS:
        path = request.full_path.rstrip("?")
    else:
        # A form's address need not be a page; the page that it stands on is.
        referer = urlsplit(request.referrer or "")
        path = referer.path.removeprefix(root_path())
    wanted = path if is_own_path(path) else None
    return url_for("ui.login.show", next=wanted)


def is_page(target: str) -> bool:
    """Tell whether *target*, a path of ours, is a page, which changes nothing when it is opened."""
    adapter = request_ctx.url_adapter
    assert adapter is not None  # noqa: S101 - this request has found its view by it
    try:
        endpoint, _ = adapter.match(unquote(urlsplit(target).path), "GET")
    except (HTTPException, RoutingException):
        return False
    return str(endpoint).startswith("ui.")


def is_own_path(target: str) -> bool:
    """Tell whether a redirect to *target* stays on this origin, however a browser reads it."""
    if len(target) > _MAX_LENGTH:
        return False
    seen = target
    while True:
        # Browsers take a backslash for a slash, and skip tabs and line breaks.
        if not seen.startswith("/") or seen.startswith("//") or "\\" in seen:
            return False
        if not seen.isprintable():
            return False
        decoded = unquote(seen)
        if decoded == seen:
            return True
        seen = decoded
