"""Who comes with the cookies, for Flask-Login; an expired access token is renewed on the way.

The new tokens leave with the answer to that same request, whatever it is, so that a form that was
typed for longer than an access token lives is not lost.
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
        """Stand for *principal*."""
        self.principal = principal


def load(_request: Request) -> Visitor | None:
    """Return whom the cookies of the request belong to, or None; asked once a request."""
    if not services().settings.enable_auth:
        return Visitor(ANONYMOUS)
    try:
        return Visitor(_principal())
    except InvalidCredential:
        return None


def remember(tokens: TokenPair) -> None:
    """Let the answer to this request carry *tokens* in its cookies."""
    g.new_tokens = tokens


def forget() -> None:
    """Let the answer to this request take its cookies back.

    Nothing is taken from a browser that has sent none: it keeps good ones to itself when another
    site's link leads here.
    """
    if ACCESS_COOKIE in request.cookies or REFRESH_COOKIE in request.cookies:
        g.new_tokens = None


def may_have_kept_cookies() -> bool:
    """Tell whether the browser comes by another site's link, to which it sends no strict cookie.

    When it then comes again from a page of ours, it sends those that it has.
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
    """Give *response* the cookies that this request has led to."""
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
    # Otherwise another tab has renewed the session a moment ago, and its cookies are on their way.
    return renewal.principal
