"""Authentication of pages by session cookies, for Flask-Login.

An expired access token is refreshed within the request, and the response sets the new cookies. So a
form is not lost if filling it in takes longer than an access token is valid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Request, g, request
from flask_login import UserMixin

from phoenix_web.auth.credentials.principal import ANONYMOUS, Principal
from phoenix_web.errors import ExpiredCredential, InvalidCredential
from phoenix_web.web import cookies
from phoenix_web.web.guard import (
    ACCESS_COOKIE,
    REFRESH_COOKIE,
    current_actor,
    session_cookie,
)
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

    from phoenix_web.auth.sign_in.sessions import TokenPair


class Visitor(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
    """A principal as Flask-Login's current user."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal


def load(_request: Request) -> Visitor | None:
    """Return the owner of the request's cookies, or None; Flask-Login calls it once a request."""
    if not services().settings.enable_auth:
        return Visitor(ANONYMOUS)
    try:
        return Visitor(_principal())
    except InvalidCredential:
        return None


def remember(tokens: TokenPair) -> None:
    """Set the cookies of *tokens* on the response to this request."""
    g.new_tokens = tokens


def forget() -> None:
    """Clear the session cookies that this request sent.

    A request without cookies clears none, because a browser that follows a link from another site
    withholds valid cookies.
    """
    if ACCESS_COOKIE in request.cookies or REFRESH_COOKIE in request.cookies:
        g.new_tokens = None


def may_withhold_cookies() -> bool:
    """Return whether the browser followed a link from another site and so sent no strict cookie.

    It sends the cookie with a second request that starts on one of our pages.
    """
    headers = request.headers
    return (
        headers.get("Sec-Fetch-Site") == "cross-site"
        and headers.get("Sec-Fetch-Mode") == "navigate"
        and request.method == "GET"
        and ACCESS_COOKIE not in request.cookies
        and REFRESH_COOKIE not in request.cookies
    )


def set_cookies(response: Response) -> Response:
    """Set or clear the cookies on *response* as this request requires."""
    if "new_tokens" in g:
        if g.new_tokens is None:
            cookies.clear_session_cookies(response)
        else:
            cookies.set_session_cookies(response, g.new_tokens)
    return response


def _principal() -> Principal:
    access_token = session_cookie(ACCESS_COOKIE)
    refresh_token = session_cookie(REFRESH_COOKIE)
    if access_token:
        try:
            return services().verifier.verify_session(access_token)
        except ExpiredCredential:
            if not refresh_token:
                raise
    if not refresh_token:
        raise InvalidCredential("no cookie")
    renewal = services().sessions.refresh(refresh_token, current_actor())
    if renewal.tokens is not None:
        remember(renewal.tokens)
    # No tokens: another tab has just refreshed the session and receives the cookies.
    return renewal.principal
