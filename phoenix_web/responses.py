"""Error responses of the API and the pages, and headers of all responses."""

from __future__ import annotations

import json
import logging
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Response, request
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    RequestEntityTooLarge,
)

from phoenix_web.errors import (
    InsufficientStorage,
    InvalidCredential,
    PhoenixError,
    TooManyRequests,
    Unavailable,
    ValidationFailed,
)
from phoenix_web.ui import error_page
from phoenix_web.version import PHOENIX_VERSION
from phoenix_web.web.guard import has_credential
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Flask

_log = logging.getLogger(__name__)
#: Paths of the API. A request with an unknown path or method has no blueprint.
_API = (
    "/v1/",
    "/auth/",
    "/healthz",
    "/readyz",
    "/arize_phoenix_version",
    "/config",
    "/openapi.json",
)

_EVERYWHERE: Final = {
    "X-Phoenix-Server-Version": PHOENIX_VERSION,
    "X-Colab-Notebook-Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
}
_PAGES: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_HSTS: Final = "max-age=31536000"


def register(app: Flask) -> None:
    """Register the error handlers of *app* and the headers of all responses."""
    app.register_error_handler(PhoenixError, _respond_error)
    app.register_error_handler(PoolTimeout, _respond_busy)
    app.register_error_handler(HTTPException, _respond_http_error)
    app.register_error_handler(Exception, _respond_unexpected)
    app.after_request(_add_headers)


def is_api_request() -> bool:
    """Return whether the path belongs to the API, even if it does not exist."""
    # Without a valid host, Flask cannot build URLs, and a page needs them.
    is_hostless = isinstance(request.routing_exception, BadRequest)
    return (
        is_hostless or request.path.startswith(_API) or (request.blueprint or "").startswith("api")
    )


def _respond_error(error: PhoenixError) -> Response:
    if isinstance(error, InvalidCredential):
        _log.info("401 %s %r: %s", request.method, request.path, error.reason)
    if not is_api_request():
        return _add_retry_headers(error_page.respond_error(error), error)
    if isinstance(error, ValidationFailed):
        # `json.dumps` escapes lone surrogates in rejected text; pydantic would fail on them.
        body = json.dumps({"detail": error.faults}, separators=(",", ":"), default=str)
        return Response(body, error.status, mimetype="application/json")
    # A message may quote a lone surrogate of the request, which has no UTF-8 encoding.
    text = error.message.encode(errors="backslashreplace")
    response = Response(text, error.status, mimetype="text/plain")
    support_email = services().settings.support_email
    if isinstance(error, InsufficientStorage) and support_email:
        response.set_data(f"{error.message} Need help? Contact us at {support_email}")
    if isinstance(error, InvalidCredential):
        response.headers["WWW-Authenticate"] = _challenge(error)
    return _add_retry_headers(response, error)


def _challenge(error: InvalidCredential) -> str:
    """Return the challenge of RFC 6750 section 3, without text of the request."""
    challenge = 'Bearer realm="Arize Phoenix"'
    if has_credential():
        challenge += f', error="invalid_token", error_description="{error.message}"'
    return challenge


def _add_retry_headers(response: Response, error: PhoenixError) -> Response:
    if isinstance(error, TooManyRequests):
        response.headers.update(error.headers)
    elif isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _respond_busy(_error: PoolTimeout) -> Response:
    return _respond_error(Unavailable("The server is busy. Try again."))


def _respond_http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.response is not None:
        return error
    status = HTTPStatus(error.code)
    message = status.phrase
    if isinstance(error, RequestEntityTooLarge):
        message = f"The request body is larger than {request.max_content_length} bytes"
    if is_api_request():
        response = Response(message, status, mimetype="text/plain")
    else:
        is_ours = error.description != type(error).description
        sentence = error.description if is_ours else error_page.sentence_for(status)
        response = error_page.respond(status, sentence or message)
    for name, value in error.get_headers(request.environ):
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def _respond_unexpected(error: Exception) -> Any:
    # The text of an unexpected exception may contain secrets, so it is only logged.
    reference = secrets.token_hex(4)
    _log.exception(
        "%s %r failed, reference %s", request.method, request.path, reference, exc_info=error
    )
    return _respond_http_error(
        InternalServerError(
            f"Something failed on our side. Try again; if it persists, quote reference {reference}."
        )
    )


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers.update(_EVERYWHERE)
    # Nearly all responses contain data that only this caller may see.
    headers.setdefault("Cache-Control", "no-store")
    if not is_api_request():
        for name, value in _PAGES.items():
            headers.setdefault(name, value)
    root_url = services().settings.root_url
    if root_url and root_url.startswith("https://"):
        headers["Strict-Transport-Security"] = _HSTS
    return response
