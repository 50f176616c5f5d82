"""`/auth/login`, `/auth/refresh` and `/auth/logout`, for browsers and programs."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final

from flask import Blueprint, Response, request
from pydantic import Field

from phoenix_web.api.declaring import declares
from phoenix_web.api.payloads import Payload, Text, no_content, respond
from phoenix_web.auth.sign_in.login import CodeRequired
from phoenix_web.errors import InvalidCredential
from phoenix_web.rate_limits import REFRESH, SIGN_IN
from phoenix_web.web import cookies
from phoenix_web.web.guard import (
    REFRESH_COOKIE,
    bearer,
    current_actor,
    device_cookie,
    limited,
    public,
    session_cookie,
    session_of,
    session_of_cookies,
)
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from phoenix_web.auth.sign_in.sessions import TokenPair

routes = Blueprint("sign_in", __name__)
CODE_REQUIRED: Final = "Verification code required"


class LoginRequestBody(Payload):
    """Credentials of a user; the e-mail address is trimmed and case-insensitive."""

    email: Text = ""
    password: Text = ""
    code: Annotated[
        Text | None,
        Field(description="Code of the authenticator app or a recovery code, when required"),
    ] = None


class RefreshRequestBody(Payload):
    """A refresh token, for programs without cookies."""

    refresh_token: str


class TokenResponse(Payload):
    """The token response of RFC 6749 section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the token type of RFC 6750
    expires_in: Annotated[int, Field(description="Seconds until the access token expires")]
    refresh_token: str


@routes.post("/login")
@public
@limited(SIGN_IN)
@declares(TokenResponse, empty_status=HTTPStatus.NO_CONTENT, errors=[HTTPStatus.UNAUTHORIZED])
def log_in(body: LoginRequestBody) -> Response:
    """Sign in with e-mail and password.

    Browsers get 204 and cookies, programs a token response. A user with a second factor gets 401
    `Verification code required` for the correct password without a code.
    """
    if not body.email.strip() or not body.password:
        raise InvalidCredential("no e-mail or no password", "Email and password required")
    code = (body.code or "").strip() or None
    tokens = services().login.log_in(
        body.email, body.password, current_actor(), device_cookie(), code
    )
    if isinstance(tokens, CodeRequired):
        raise InvalidCredential("right password without a code", CODE_REQUIRED)
    return _respond_tokens(tokens)


@routes.post("/refresh")
@public
@declares(
    TokenResponse,
    empty_status=HTTPStatus.NO_CONTENT,
    errors=[HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS],
)
def refresh(body: RefreshRequestBody | None) -> Response:
    """Exchange a refresh token for new tokens.

    The token is in the body or, without a body, in the cookie. New tokens are returned the same
    way, so that scripts in a page cannot read the tokens of a cookie.
    """
    refresh_token = body.refresh_token if body else _refresh_cookie()
    found = services().sessions.find_refresh_token(refresh_token)
    if found is not None:
        services().rate_limits.acquire(REFRESH, f"session {found.session_id}")
    renewal = services().sessions.refresh(refresh_token, current_actor())
    if renewal.tokens is None:
        # A concurrent request exchanged it a few seconds ago and received the new tokens.
        raise InvalidCredential("refresh token consumed just now", "Invalid refresh token")
    return _respond_tokens(renewal.tokens) if body else _respond_cookies(renewal.tokens)


@routes.route("/logout", methods=["GET", "POST"])
@public
@declares(status=HTTPStatus.FOUND)
def log_out() -> Response:
    """Sign out everywhere.

    Ends all sessions of the user and redirects to the login page. API keys are ignored: a leaked
    key must not sign its owner out.
    """
    # HEAD must not have side effects.
    found = None if request.method == "HEAD" else _session_of_request()
    if found is not None:
        services().sessions.sign_out(*found, current_actor(), is_everywhere=True)
    response = Response(status=HTTPStatus.FOUND)
    response.location = f"{services().settings.host_root_path}/login"
    del response.headers["Content-Type"]
    cookies.clear_session_cookies(response)
    return response


def token_response(tokens: TokenPair) -> TokenResponse:
    """Return *tokens* as a token response."""
    return TokenResponse(
        access_token=tokens.access_token,
        expires_in=int(tokens.access_lifetime.total_seconds()),
        refresh_token=tokens.refresh_token,
    )


def _session_of_request() -> tuple[int, int] | None:
    """Return *(user id, session id)* of the header or cookies, even if expired, or None."""
    header = request.environ.get("HTTP_AUTHORIZATION")
    if not header:
        return session_of_cookies()
    try:
        return session_of(services().verifier.verify_session(bearer(header), allow_expired=True))
    except InvalidCredential:
        return None


def _refresh_cookie() -> str:
    token = session_cookie(REFRESH_COOKIE)
    if not token:
        raise InvalidCredential("no refresh token", "Missing refresh token")
    return token


def _respond_tokens(tokens: TokenPair) -> Response:
    """Respond with cookies, or with a token response if the request accepts only JSON.

    Browsers and most clients accept `*/*`, and get tokens that scripts cannot read.
    """
    accepted = {value for value, _ in request.accept_mimetypes}
    if "application/json" in accepted and "*/*" not in accepted:
        return respond(token_response(tokens))
    return _respond_cookies(tokens)


def _respond_cookies(tokens: TokenPair) -> Response:
    response = no_content()
    cookies.set_session_cookies(response, tokens)
    return response
