"""Errors as pages show them."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Response, render_template

from phoenix_web.errors import (
    LastAdministrator,
    PermissionDenied,
    PhoenixError,
    TooManyFailures,
    TooManyRequests,
    UserNotFound,
)
from phoenix_web.policy import Refusal
from phoenix_web.ui import htmx

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
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
#: Page sentences for HTTP errors that this package does not raise.
_SENTENCES: Final = {
    HTTPStatus.BAD_REQUEST: "The server could not read this request. Go back and try again.",
    HTTPStatus.NOT_FOUND: "There is no page at this address. Check the address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This page does not accept this request. Open it again.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "You sent more data than this page accepts.",
}
#: Page sentences for errors whose text is fixed by the API.
_BY_TYPE: Final[dict[type[PhoenixError], str]] = {
    UserNotFound: "This user does not exist. They may have been deleted.",
    LastAdministrator: (
        "This is the last active administrator. Make another user an administrator first."
    ),
    TooManyRequests: "Too many requests.",
    TooManyFailures: "Too many failed attempts.",
}
_BY_REFUSAL: Final = {
    Refusal.ADMINS_ONLY: "Only administrators can do this.",
    Refusal.NOT_FOR_VIEWERS: "Viewers cannot change data. Ask an administrator for another role.",
    Refusal.NEEDS_AUTHENTICATION: (
        "This page needs authentication. To turn it on, set PHOENIX_ENABLE_AUTH to true and "
        "restart the server."
    ),
}


def sentence_for(status: HTTPStatus) -> str:
    """Return the sentence for an error that HTTP defines."""
    return _SENTENCES.get(status, status.phrase)


def respond(status: HTTPStatus, message: str, title: str | None = None) -> Response:
    """Return the error page with *status* and *message*, within the caller's navigation."""
    title = title or _TITLES.get(status, status.phrase)
    body = render_template("error.html", status=status.value, title=title, message=message)
    return htmx.whole_page(Response(body, status))


def respond_error(error: PhoenixError) -> Response:
    """Return the error page for *error*."""
    is_off = isinstance(error, PermissionDenied) and error.refusal is Refusal.NEEDS_AUTHENTICATION
    title = "Authentication is off" if is_off else None
    return respond(error.status, message_for(error), title)


def message_for(error: PhoenixError) -> str:
    """Return the message of *error* for a page, with the time to wait after too many requests."""
    if isinstance(error, PermissionDenied):
        return _BY_REFUSAL.get(error.refusal, error.message)
    message = _BY_TYPE.get(type(error), error.message)
    if isinstance(error, TooManyRequests):
        return f"{message} You can try again in {_in_words(error.retry_after)}."
    return message


def too_many_requests(error: TooManyRequests, show: Callable[[str], Response]) -> Response:
    """Return *show(message)* as a 429 with the headers of *error*."""
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
