"""A person with a browser, as the pages see one: cookies, and the headers that browsers send."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

from phoenix_web.web.guard import ACCESS_COOKIE, REFRESH_COOKIE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.factories import SignedIn

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
HTMX = {"HX-Request": "true"}


@dataclass(frozen=True)
class Visitor:
    """Asks for pages and sends forms; it follows no redirect by itself."""

    client: FlaskClient

    def get(self, path: str, **headers: str) -> TestResponse:
        """Ask for a page."""
        return self.client.get(path, headers=headers)

    def post(
        self, path: str, fields: Mapping[str, Any] | None = None, *, htmx: bool = False
    ) -> TestResponse:
        """Send a form from a page of this server."""
        headers = {**SAME_ORIGIN, **(HTMX if htmx else {})}
        return self.client.post(path, data=fields or {}, headers=headers)

    def sign_in(self, email: str, password: str, query: str = "") -> TestResponse:
        """Send the form of the sign-in page."""
        return self.post(f"/login{query}", {"email": email, "password": password})

    def create_key(
        self, page: str = "/settings/keys", *, htmx: bool = False, **fields: str
    ) -> TestResponse:
        """Send the form of a page of keys as it stands there, with *fields* filled in."""
        form = {"form_token": form_token(self.get(page).text), "expiry": "90", **fields}
        return self.post(page, form, htmx=htmx)

    @property
    def cookies(self) -> dict[str, str]:
        """Return what the browser keeps: the name and the value of each cookie."""
        names = (ACCESS_COOKIE, REFRESH_COOKIE, "session", "remember_token")
        found = {name: self.client.get_cookie(name) for name in names}
        return {name: cookie.value for name, cookie in found.items() if cookie}


def visitor(app: Flask, user: SignedIn | None = None) -> Visitor:
    """Return a browser that visits *app*, with the session of *user*."""
    client = app.test_client()
    if user is not None:
        client.set_cookie(ACCESS_COOKIE, user.access_token)
        client.set_cookie(REFRESH_COOKIE, user.refresh_token)
    return Visitor(client)


def form_token(page: str) -> str:
    """Return the hidden token of the form on *page*."""
    return found(r'name="form_token" value="([^"]+)"', page)


def key_text(page: str) -> str:
    """Return the key that *page* shows in its panel."""
    return found(r'id="key-text"[^>]* value="([^"]+)"', page)


def faults(page: str) -> dict[str, str]:
    """Return the faults that *page* tells, by field."""
    return dict(re.findall(r'id="(\w+)-fault">([^<]+)<', page))


def found(pattern: str, page: str) -> str:
    """Return what *pattern* captures on *page*; fail when it is not there."""
    match = re.search(pattern, page)
    assert match, f"{pattern} is not on the page"
    return unescape(match[1])
