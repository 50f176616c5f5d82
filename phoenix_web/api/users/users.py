"""`/v1/users`: management of users."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from phoenix_web.api.declaring import declares
from phoenix_web.api.identifiers import require_id
from phoenix_web.api.json_bodies import value_fault
from phoenix_web.api.paging import PageQuery, respond_page
from phoenix_web.api.payloads import no_content, respond
from phoenix_web.api.users.payloads import (
    CreateUserRequestBody,
    LocalUserData,
    PatchUserRequestBody,
    UserDetailsResponse,
    UserResponse,
    UsersResponse,
    to_detailed_payload,
    to_payload,
)
from phoenix_web.auth import account_rules, accounts
from phoenix_web.auth.passwords.links import may_choose_password
from phoenix_web.errors import Invalid, UserNotFound, ValidationFailed
from phoenix_web.policy import Permission, Role
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.web.guard import acting_admin_id, current_actor, current_principal, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo

routes = Blueprint("users", __name__)


@routes.get("/users")
@requires(Permission.USER_READ)
@declares(UsersResponse)
def list_users(query: PageQuery) -> Response:
    """List users."""
    cursor = query.first_id("User")
    with services().database.reading() as session:
        page = UserStore(session).page(query.limit, cursor)
    return respond_page(UsersResponse, "User", page, to_payload)


@routes.post("/users")
@requires(Permission.USER_WRITE)
@declares(UserResponse, HTTPStatus.CREATED, errors=[HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT])
def create_user(body: CreateUserRequestBody) -> Response:
    """Create a user.

    The response has no password. If mail is configured, an invitation with a one-time link is sent.
    """
    data = body.user
    # Checked before the password, as in the contract.
    account_rules.refuse_system_role(Role(data.role))
    new = accounts.NewAccount(
        **data.model_dump(exclude={"role", "password"}),
        role=Role(data.role),
        password_hash=_password_hash(data) if isinstance(data, LocalUserData) else None,
    )
    actor = current_actor()
    with services().database.transaction() as session:
        user = accounts.create(session, new, actor, acting_admin_id=acting_admin_id())
        mail = services().mail
        if mail is not None and body.send_welcome_email and may_choose_password(user):
            mail.outbox.send_link(session, user, LinkPurpose.INVITATION, actor)
    return respond(UserResponse(data=to_payload(user)), HTTPStatus.CREATED)


@routes.get("/users/<user_id>")
@requires(Permission.USER_READ)
@declares(UserDetailsResponse, errors=[HTTPStatus.UNPROCESSABLE_ENTITY])
def get_user(user_id: str) -> Response:
    """Get a user.

    The `ETag` is the version of the user.
    """
    with services().database.reading() as session:
        user = UserStore(session).find(require_id("User", user_id))
    if user is None:
        raise UserNotFound
    return _with_version(user)


@routes.patch("/users/<user_id>")
@requires(Permission.USER_WRITE)
@declares(UserDetailsResponse, reads_if_match=True, errors=[HTTPStatus.CONFLICT])
def patch_user(user_id: str, body: PatchUserRequestBody) -> Response:
    """Update a user.

    With `If-Match`, raises `StaleVersion` if the version has changed. A key may not change fields
    that end the user's sessions: a leaked key could otherwise take over another account.
    """
    if any(value is not None for value in (body.role, body.password, body.is_active)):
        current_principal().require(Permission.SESSION_END_ALL)
    number = require_id("User", user_id)
    if not body.model_dump(exclude_none=True):
        raise Invalid(account_rules.NOTHING_TO_CHANGE)
    change = accounts.AccountChange(
        username=body.username,
        role=None if body.role is None else Role(body.role),
        is_active=body.is_active,
        password_hash=None if body.password is None else _new_hash(number, body),
    )
    with services().database.transaction() as session:
        user = accounts.change(
            session,
            number,
            change,
            current_actor(),
            acting_admin_id=acting_admin_id(),
            if_match=_if_match_versions(),
        )
    return _with_version(user)


@routes.delete("/users/<user_id>")
@requires(Permission.USER_WRITE)
@declares(errors=[HTTPStatus.CONFLICT])
def delete_user(user_id: str) -> Response:
    """Delete a user with their sessions and API keys."""
    number = require_id("User", user_id)
    with services().database.transaction() as session:
        accounts.delete(session, number, current_actor(), acting_admin_id=acting_admin_id())
    return no_content()


@routes.delete("/users/<user_id>/mfa")
@requires(Permission.SESSION_END_ALL)
@declares(errors=[HTTPStatus.CONFLICT])
def reset_second_factor(user_id: str) -> Response:
    """Reset two-step sign-in of a user.

    Ends their sessions. They sign in with only their password until they set it up again.
    """
    number = require_id("User", user_id)
    with services().database.transaction() as session:
        accounts.reset_second_factor(
            session, number, current_actor(), acting_admin_id=acting_admin_id()
        )
    return no_content()


def _password_hash(data: LocalUserData) -> str:
    passwords = services().passwords
    # An empty password means none, as in the contract; the random one is never disclosed.
    password = data.password or passwords.generate()
    if fault := passwords.fault(password, data.email, data.username):
        raise ValidationFailed([value_fault(["body", "user", "LOCAL", "password"], fault)])
    return passwords.hash(password)


def _new_hash(user_id: int, body: PatchUserRequestBody) -> str:
    """Return the hash of the password in *body*; raise `ValidationFailed` if it is too weak."""
    with services().database.reading() as session:
        user = UserStore(session).find(user_id)
    if user is None:
        raise UserNotFound
    password, passwords = body.password or "", services().passwords
    if fault := passwords.fault(password, user.email, body.username or user.username):
        raise ValidationFailed([value_fault(["body", "password"], fault)])
    return passwords.hash(password)


def _with_version(user: UserInfo) -> Response:
    response = respond(UserDetailsResponse(data=to_detailed_payload(user)))
    response.set_etag(user.version)
    return response


def _if_match_versions() -> frozenset[str] | None:
    """Return the versions in `If-Match`, or None if all match."""
    allowed = request.if_match
    if "If-Match" not in request.headers or allowed.star_tag:
        return None
    return frozenset(allowed.as_set())  # weak tags never match (RFC 9110 section 13.1.1)
