"""Errors as pages show them."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Response, render_template

from phoenix_web.errors import PhoenixError, TooManyRequests
from phoenix_web.policy import NEEDS_AUTHENTICATION
from phoenix_web.ui import htmx

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
#: The end of the API's message, for which a page gives the time to wait.
_LATER: Final = " Please try again later."
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
    """Return the error page with *status* and *message*, within the caller's navigation."""
    title = _TITLES.get(status, status.phrase)
    if message == NEEDS_AUTHENTICATION:
        title = "Authentication is off"
    body = render_template("error.html", status=status.value, title=title, message=message)
    return htmx.whole_page(Response(body, status))


def message_for(error: PhoenixError) -> str:
    """Return the message of *error* for a page; after too many requests with the time to wait."""
    if not isinstance(error, TooManyRequests):
        return error.message
    what = error.message.removesuffix(_LATER).rstrip(".").capitalize()
    return f"{what}. You can try again in {_in_words(error.retry_after)}."


def too_many_requests(error: TooManyRequests, show: Callable[[str], Response]) -> Response:
    """Return the page that *show* makes of the message for *error*, as the 429 with its headers."""
    response = show(message_for(error))
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


def _in_words(seconds: int) -> str:
    if seconds <= _MINUTE:
        return "a second" if seconds == 1 else f"{seconds} seconds"
    if seconds <= 2 * _HOUR:
        return f"{math.ceil(seconds / _MINUTE)} minutes"
    return f"{math.ceil(seconds / _HOUR)} hours"
