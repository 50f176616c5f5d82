"""`/auth/password-reset`: choosing a password by a one-time link."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from phoenix_web.api.auth import come_from_here
from phoenix_web.api.operations import Operation, Payload, Text, declares, no_content
from phoenix_web.errors import Invalid, InvalidCredential
from phoenix_web.guard import public
from phoenix_web.services import services

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("passwords", __name__, url_prefix="/auth")
routes.before_request(come_from_here)


class PasswordResetRequestBody(Payload):
    """A new password, and the text of a one-time link."""

    password: Text = ""
    token: Any = None


@routes.post("/password-reset")
@public
@declares(
    Operation(
        "Choose a password by a one-time link",
        "auth",
        body=PasswordResetRequestBody,
        answers={HTTPStatus.NO_CONTENT: None},
        refusals=(HTTPStatus.UNAUTHORIZED,),
    )
)
def reset_password(body: PasswordResetRequestBody) -> Response:
    """Set the password, and end the link and all sessions of its user."""
    if not body.password:
        raise Invalid("Password required")
    if not isinstance(body.token, str):
        raise InvalidCredential("no password link")
    services().password_links.redeem(body.token, body.password)
    return no_content()
