"""`/auth/password-reset`: asking for a one-time link, and choosing a password by it."""

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
    """A new password, and the text of a one-time link."""

    password: Text = ""
    #: Whatever it is, a token that is none is refused as such.
    token: Annotated[Any, WithJsonSchema({"type": "string"})] = ""


class PasswordResetEmailRequestBody(Payload):
    """The address of whoever has lost their password."""

    email: Text = ""


@routes.post("/password-reset-email")
@public
@limited(PASSWORD_RESET_EMAIL)
@declares(refusals=[HTTPStatus.SERVICE_UNAVAILABLE])
def send_reset_mail(body: PasswordResetEmailRequestBody) -> Response:
    """Ask for a one-time link by mail.

    Answer and timing do not reveal whether the address belongs to an account.
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
@declares(refusals=[HTTPStatus.UNAUTHORIZED])
def reset_password(body: PasswordResetRequestBody) -> Response:
    """Choose a password by a one-time link.

    The link and all sessions of its user end.
    """
    if not body.password:
        raise Invalid("Password required")
    if not isinstance(body.token, str):
        raise InvalidCredential("no password link")
    services().password_links.redeem(body.token, body.password, current_actor())
    return no_content()
