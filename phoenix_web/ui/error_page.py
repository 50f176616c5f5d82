"""The page that tells what went wrong."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from flask import Response, render_template

from phoenix_web.policy import NEEDS_AUTHENTICATION
from phoenix_web.ui import htmx

_TITLES: Final = {
    HTTPStatus.BAD_REQUEST: "This request makes no sense",
    HTTPStatus.UNAUTHORIZED: "You are not signed in",
    HTTPStatus.FORBIDDEN: "You may not do this",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "This page cannot do that",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "This is too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "This is not right",
    HTTPStatus.TOO_MANY_REQUESTS: "Please wait a moment",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
    HTTPStatus.SERVICE_UNAVAILABLE: "Please try again",
    HTTPStatus.INSUFFICIENT_STORAGE: "The disk is full",
}


def respond(status: HTTPStatus, message: str) -> Response:
    """Return a page with *status* that tells *message*, within the navigation of who is in."""
    title = _TITLES.get(status, status.phrase)
    if message == NEEDS_AUTHENTICATION:
        title = "Authentication is off"
    body = render_template("error.html", status=status.value, title=title, message=message)
    return htmx.whole_page(Response(body, status))
