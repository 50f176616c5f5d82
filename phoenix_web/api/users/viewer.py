"""`/v1/user`: the profile of the caller."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from phoenix_web.api.auth.sign_in import token_response
from phoenix_web.api.declaring import declares
from phoenix_web.api.json_bodies import value_fault
from phoenix_web.api.payloads import respond
from phoenix_web.api.users.payloads import (
    PatchedViewerResponse,
    PatchViewerRequestBody,
    User,
    UserResponse,
    to_payload,
)
from phoenix_web.auth import account_rules, accounts
from phoenix_web.errors import Invalid, InvalidCredential, ValidationFailed
from phoenix_web.policy import Permission
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.web import cookies
from phoenix_web.web.guard import (
    current_actor,
    current_principal,
    device_cookie,
    requires,
    signed_in_user,
    uses_cookie_auth,
)
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from phoenix_web.auth.sign_in.sessions import TokenPair
    from phoenix_web.store.accounts.users import UserInfo

routes = Blueprint("viewer", __name__)

NEEDS_PASSWORD = "Valid current password is required to modify password"  # noqa: S105 - a text


@routes.get("/user")
@requires(Permission.PROFILE_READ)
@declares(UserResponse)
def get_viewer() -> Response:
    """Get the current user.

    The principal already contains the user, so no query is needed.
    """
    user = current_principal().user
    if user is None:
        return respond(UserResponse(data=User(auth_method="ANONYMOUS")))
    return respond(UserResponse(data=to_payload(user)))


@routes.patch("/user")
@requires(Permission.ACCOUNT_MANAGE)
@declares(PatchedViewerResponse, errors=[HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS])
def patch_viewer(body: PatchViewerRequestBody) -> Response:
    """Update the name or password of the current user.

    A new password ends all other sessions.
    """
    user = signed_in_user()
    tokens = None
    if body.password is not None:
        tokens = _change_password(user, body)
    elif body.username is not None:
        with services().database.transaction() as session:
            accounts.rename(session, user, body.username, current_actor())
    else:
        raise Invalid(account_rules.NOTHING_TO_CHANGE)
    with services().database.reading() as session:
        changed = UserStore(session).find(user.id)
    if changed is None:
        raise InvalidCredential(f"user {user.id} was deleted in the meantime")
    if tokens is None or uses_cookie_auth():
        response = respond(PatchedViewerResponse(data=to_payload(changed)))
        if tokens is not None:
            cookies.set_session_cookies(response, tokens)
        return response
    return respond(PatchedViewerResponse(data=to_payload(changed), tokens=token_response(tokens)))


def _change_password(user: UserInfo, body: PatchViewerRequestBody) -> TokenPair:
    """Change the password and the name, and return the tokens of a new session."""
    if user.auth_method != "LOCAL":
        raise Invalid(account_rules.NO_PASSWORD)
    if not body.current_password:
        raise Invalid(NEEDS_PASSWORD)
    password = body.password or ""
    fault = services().passwords.fault(password, user.email, body.username or user.username)
    if fault is None and password == body.current_password:
        fault = "Password must not be the current one"
    if fault is not None:
        raise ValidationFailed([value_fault(["body", "password"], fault)])
    try:
        return services().login.change_password(
            user,
            current=body.current_password,
            new=password,
            actor=current_actor(),
            device_cookie=device_cookie(),
            username=body.username,
        )
    except InvalidCredential as error:
        # Not 401, which would mean that the access token is invalid.
        raise Invalid(NEEDS_PASSWORD) from error
