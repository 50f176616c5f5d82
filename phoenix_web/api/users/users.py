"""`/v1/user` and `/v1/users`: who the caller is, and the administration of users."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import AfterValidator, Field

from phoenix_web.api.operations import (
    Moment,
    Operation,
    Payload,
    Text,
    declares,
    is_absent,
    no_content,
    respond,
    value_fault,
)
from phoenix_web.auth.password_links import may_choose_password
from phoenix_web.errors import BadRequest, Forbidden, Invalid, NotFound, ValidationFailed
from phoenix_web.global_ids import encode, number_of
from phoenix_web.guard import current_principal, requires
from phoenix_web.mail_addresses import is_address
from phoenix_web.policy import Permission, Role
from phoenix_web.services import services
from phoenix_web.store.password_links import Purpose
from phoenix_web.store.users import UserStore, normal_email

if TYPE_CHECKING:
    from phoenix_web.store.users import UserInfo

routes = Blueprint("users", __name__)

MAX_NAME_LENGTH = 256


def _address(text: str) -> str:
    email = normal_email(text)
    if not is_address(email):
        raise ValueError("Email must be a mail address")
    return email


def _username(text: str) -> str:
    username = text.strip()
    if not username:
        raise ValueError("Username cannot be empty")
    return username


class _NewUser(Payload):
    email: Annotated[Text, AfterValidator(_address)]
    username: Annotated[Text, Field(max_length=MAX_NAME_LENGTH), AfterValidator(_username)]
    role: Literal["SYSTEM", "ADMIN", "MEMBER", "VIEWER"]


class LocalUserData(_NewUser):
    """A user who signs in with a password; without one a random password is set."""

    auth_method: Literal["LOCAL"]
    password: Text = ""


class OAuth2UserData(_NewUser):
    """A user who signs in through an identity provider."""

    auth_method: Literal["OAUTH2"]
    oauth2_client_id: Text | None = None
    oauth2_user_id: Text | None = None


class LDAPUserData(_NewUser):
    """A user who signs in through a directory."""

    auth_method: Literal["LDAP"]


class CreateUserRequestBody(Payload):
    """A user to create."""

    user: Annotated[
        LocalUserData | OAuth2UserData | LDAPUserData, Field(discriminator="auth_method")
    ]
    send_welcome_email: bool = True


class User(Payload):
    """A user; a field without a value is left out."""

    id: str | None = Field(None, exclude_if=is_absent)
    created_at: Moment | None = Field(None, exclude_if=is_absent)
    updated_at: Moment | None = Field(None, exclude_if=is_absent)
    email: str | None = Field(None, exclude_if=is_absent)
    username: str | None = Field(None, exclude_if=is_absent)
    role: Role | None = Field(None, exclude_if=is_absent)
    auth_method: Literal["LOCAL", "OAUTH2", "LDAP", "ANONYMOUS"]
    oauth2_client_id: str | None = Field(None, exclude_if=is_absent)
    oauth2_user_id: str | None = Field(None, exclude_if=is_absent)
    profile_picture_url: str | None = Field(None, exclude_if=is_absent)
    password_needs_reset: bool | None = Field(None, exclude_if=is_absent)


class UserResponse(Payload):
    """One user."""

    data: User


class UsersResponse(Payload):
    """A page of users, newest first; `next_cursor` names the first one of the next page."""

    data: list[User]
    next_cursor: str | None


class UsersQuery(Payload):
    """Which page of users."""

    limit: int = Field(100, gt=0, le=1000)
    cursor: str = ""


@routes.get("/user")
@requires(Permission.PROFILE_READ)
@declares(Operation("Tell who the caller is", "users", answers={HTTPStatus.OK: UserResponse}))
def get_viewer() -> Response:
    """Answer the caller's user; the principal carries it, so nothing more is read."""
    user = current_principal().user
    if user is None:
        return respond(UserResponse(data=User(auth_method="ANONYMOUS")))
    return respond(UserResponse(data=_told(user)))


@routes.get("/users")
@requires(Permission.USER_READ)
@declares(
    Operation("List users", "users", query=UsersQuery, answers={HTTPStatus.OK: UsersResponse})
)
def list_users(query: UsersQuery) -> Response:
    """Answer a page of users."""
    cursor = number_of("User", query.cursor) if query.cursor else None
    if query.cursor and cursor is None:
        raise Invalid(f"Invalid cursor format: {query.cursor}")
    with services().database.reading() as session:
        users, next_id = UserStore(session).page(query.limit, cursor)
    next_cursor = None if next_id is None else encode("User", next_id)
    return respond(UsersResponse(data=[_told(user) for user in users], next_cursor=next_cursor))


@routes.post("/users")
@requires(Permission.USER_WRITE)
@declares(
    Operation(
        "Create a user",
        "users",
        body=CreateUserRequestBody,
        answers={HTTPStatus.CREATED: UserResponse},
        refusals=(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT),
    )
)
def create_user(body: CreateUserRequestBody) -> Response:
    """Add the user and answer it; a password is never answered.

    Where mail is configured, an invitation brings a link to choose one.
    """
    wanted = body.user
    if wanted.role == Role.SYSTEM:
        raise BadRequest("Cannot create users with SYSTEM role")
    extra: dict[str, Any] = {}
    if isinstance(wanted, LocalUserData):
        extra = {"password_hash": _password_hash(wanted), "password_needs_reset": True}
    elif isinstance(wanted, OAuth2UserData):
        extra = wanted.model_dump(include={"oauth2_client_id", "oauth2_user_id"})
    with services().database.transaction() as session:
        user = UserStore(session).add(
            email=wanted.email,
            username=wanted.username,
            role=Role(wanted.role),
            auth_method=wanted.auth_method,
            **extra,
        )
        mail = services().mail
        if mail is not None and body.send_welcome_email and may_choose_password(user):
            mail.outbox.send_link(session, user, Purpose.INVITATION)
    return respond(UserResponse(data=_told(user)), HTTPStatus.CREATED)


@routes.delete("/users/<user_id>")
@requires(Permission.USER_WRITE)
@declares(
    Operation(
        "Delete a user with all their sessions and keys",
        "users",
        answers={HTTPStatus.NO_CONTENT: None},
        refusals=(HTTPStatus.NOT_FOUND,),
    )
)
def delete_user(user_id: str) -> Response:
    """Delete the user; their sessions and keys end in the same transaction."""
    number = number_of("User", user_id)
    if number is None:
        raise Invalid(f"Invalid User GlobalID format: {user_id}")
    with services().database.transaction() as session:
        users = UserStore(session)
        user = users.find(number)
        if user is None:
            raise NotFound("User not found")
        if user.is_built_in:
            raise Forbidden("Cannot delete the default admin or system user")
        users.delete(number)
    return no_content()


def _password_hash(wanted: LocalUserData) -> str:
    passwords = services().passwords
    # Empty stands for "none given", as in the contract; the random one is disclosed to nobody.
    password = wanted.password or passwords.random()
    if fault := passwords.fault(password, wanted.email, wanted.username):
        raise ValidationFailed([value_fault(["body", "user", "LOCAL", "password"], fault)])
    return passwords.hash(password)


def _told(user: UserInfo) -> User:
    return User(
        id=encode("User", user.id),
        created_at=user.created_at,
        updated_at=user.updated_at,
        email=user.email,
        username=user.username,
        role=user.role,
        auth_method=user.auth_method,
        oauth2_client_id=user.oauth2_client_id,
        oauth2_user_id=user.oauth2_user_id,
        profile_picture_url=user.profile_picture_url,
        password_needs_reset=user.password_needs_reset if user.auth_method == "LOCAL" else None,
    )
