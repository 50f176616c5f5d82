"""Errors as pages show them."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Response, render_template

from phoenix_web import policy
from phoenix_web.auth import account_rules
from phoenix_web.errors import PhoenixError, TooManyRequests
from phoenix_web.ui import htmx

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
#: The end of the API's message, for which a page gives the time to wait.
_LATER: Final = " Please try again later."
_TITLES: Final = {
    HTTPStatus.UNAUTHORIZED: "You are not signed in",
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.NOT_FOUND: "Page not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "Method not allowed",
    HTTPStatus.CONFLICT: "This change is not possible",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Invalid request",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something failed",
    HTTPStatus.SERVICE_UNAVAILABLE: "Temporarily unavailable",
    HTTPStatus.INSUFFICIENT_STORAGE: "Storage is full",
}
#: Page sentences for HTTP errors without a text of ours.
_SENTENCES: Final = {
    HTTPStatus.BAD_REQUEST: "The server could not read this request. Go back and try again.",
    HTTPStatus.NOT_FOUND: "There is no page at this address. Check the address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This page does not accept this request. Open it again.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "You sent more data than this page accepts.",
}
#: What a page shows in place of a text that clients of the API match on.
_BETTER: Final = {
    policy.ADMINS_ONLY: "Only administrators can do this.",
    policy.NOT_FOR_VIEWERS: "Viewers cannot change data. Ask an administrator for another role.",
    policy.NEEDS_AUTHENTICATION: (
        "This page needs authentication. To turn it on, set PHOENIX_ENABLE_AUTH to true and "
        "restart the server."
    ),
    account_rules.NOT_FOUND: "This user does not exist. They may have been deleted.",
    account_rules.LAST_ADMINISTRATOR: (
        "This is the last active administrator. Make another user an administrator first."
    ),
}


def sentence_for(status: HTTPStatus) -> str:
    """Return the sentence for an error that HTTP defines."""
    return _SENTENCES.get(status, status.phrase)


def respond(status: HTTPStatus, message: str) -> Response:
    """Return the error page with *status* and *message*, within the caller's navigation."""
    title = _TITLES.get(status, status.phrase)
    if message == policy.NEEDS_AUTHENTICATION:
        title = "Authentication is off"
    message = _BETTER.get(message, message)
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
