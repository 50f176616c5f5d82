"""`/auth/password-reset-email` and `/auth/password-reset`: resets by a one-time link."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import WithJsonSchema

from phoenix_web.api.declaring import declares
from phoenix_web.api.payloads import Payload, Text, no_content
from phoenix_web.errors import Invalid, InvalidCredential, NotConfigured
from phoenix_web.rate_limits import PASSWORD_RESET, PASSWORD_RESET_EMAIL
from phoenix_web.web.guard import current_actor, limited, public
from phoenix_web.web.services import services

routes = Blueprint("passwords", __name__)


class PasswordResetRequestBody(Payload):
    """A new password, and the token of a one-time link."""

    password: Text = ""
    #: Any JSON value: the contract answers 401, not 422, to an invalid token.
    token: Annotated[Any, WithJsonSchema({"type": "string"})] = ""


class PasswordResetEmailRequestBody(Payload):
    """The e-mail address of the account."""

    email: Text = ""


@routes.post("/password-reset-email")
@public
@limited(PASSWORD_RESET_EMAIL)
@declares(errors=[HTTPStatus.SERVICE_UNAVAILABLE])
def send_reset_mail(body: PasswordResetEmailRequestBody) -> Response:
    """Request a password reset e-mail.

    Response and timing do not reveal whether the address belongs to an account.
    """
    if not body.email.strip():
        raise Invalid("Email required")
    mail = services().mail
    if mail is None:
        raise NotConfigured("SMTP server not configured")
    with services().database.transaction() as session:
        mail.outbox.request_reset(session, body.email)
    return no_content()


@routes.post("/password-reset")
@public
@limited(PASSWORD_RESET)
@declares(errors=[HTTPStatus.UNAUTHORIZED])
def reset_password(body: PasswordResetRequestBody) -> Response:
    """Set a password with a one-time link.

    Consumes the link and ends all sessions of its user.
    """
    if not body.password:
        raise Invalid("Password required")
    if not isinstance(body.token, str):
        raise InvalidCredential("no password link")
    services().password_links.redeem(body.token, body.password, current_actor())
    return no_content()
