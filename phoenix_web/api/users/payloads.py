"""Request and response models of the routes of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from phoenix_web.api.auth.sign_in import TokenResponse
from phoenix_web.api.payloads import Payload, Text, Timestamp, checked, is_absent
from phoenix_web.auth import account_rules
from phoenix_web.global_ids import encode
from phoenix_web.policy import Role

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo


_Username = Annotated[
    Text, Field(max_length=account_rules.MAX_USERNAME_LENGTH), checked(account_rules.username)
]


class _NewUser(Payload):
    email: Annotated[Text, checked(account_rules.email)]
    username: _Username
    role: Literal["SYSTEM", "ADMIN", "MEMBER", "VIEWER"]


class LocalUserData(_NewUser):
    """A user who signs in with a password; by default a random one is set."""

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
    """A user; fields without a value are omitted."""

    id: str | None = Field(None, exclude_if=is_absent)
    created_at: Timestamp | None = Field(None, exclude_if=is_absent)
    updated_at: Timestamp | None = Field(None, exclude_if=is_absent)
    email: str | None = Field(None, exclude_if=is_absent)
    username: str | None = Field(None, exclude_if=is_absent)
    role: Role | None = Field(None, exclude_if=is_absent)
    auth_method: Literal["LOCAL", "OAUTH2", "LDAP", "ANONYMOUS"]
    oauth2_client_id: str | None = Field(None, exclude_if=is_absent)
    oauth2_user_id: str | None = Field(None, exclude_if=is_absent)
    profile_picture_url: str | None = Field(None, exclude_if=is_absent)
    password_needs_reset: bool | None = Field(None, exclude_if=is_absent)
    is_active: bool | None = Field(
        None,
        exclude_if=is_absent,
        description="Only present, and false, if the user is deactivated",
    )


class UserResponse(Payload):
    """A user."""

    data: User


class UserDetails(User):
    """A user with fields for administrators; fields without a value are omitted."""

    is_active: bool
    deactivated_at: Timestamp | None = Field(None, exclude_if=is_absent)
    last_sign_in_at: Timestamp | None = Field(None, exclude_if=is_absent)
    mfa_enrolled_at: Timestamp | None = Field(
        None, exclude_if=is_absent, description="Start of two-step sign-in"
    )


class UserDetailsResponse(Payload):
    """A user with fields for administrators."""

    data: UserDetails


class PatchUserRequestBody(Payload):
    """Changes to a user; omitted or null fields keep their values."""

    username: _Username | None = None
    role: Literal["ADMIN", "MEMBER", "VIEWER"] | None = None
    is_active: Annotated[bool, Field(strict=True)] | None = None
    password: Annotated[
        Text | None, Field(description="Ends the user's sessions; they must change it at sign-in")
    ] = None


class PatchViewerRequestBody(Payload):
    """Changes to the current user; omitted or null fields keep their values."""

    username: _Username | None = None
    password: Annotated[
        Text | None, Field(description="Ends all other sessions; requires `current_password`")
    ] = None
    current_password: Text | None = None


class PatchedViewerResponse(UserResponse):
    """The current user and, after a password change, new tokens."""

    tokens: TokenResponse | None = Field(
        None,
        exclude_if=is_absent,
        description="For requests with a bearer token; others get cookies",
    )


class UsersResponse(Payload):
    """A page of users, newest first; `next_cursor` is the first user of the next page."""

    data: list[User]
    next_cursor: str | None


def to_payload(user: UserInfo) -> User:
    """Return *user* as a payload of the contract."""
    return User(**_fields(user), is_active=None if user.is_active else False)


def to_detailed_payload(user: UserInfo) -> UserDetails:
    """Return *user* as a payload for administrators."""
    return UserDetails(
        **_fields(user),
        is_active=user.is_active,
        deactivated_at=user.deactivated_at,
        last_sign_in_at=user.last_sign_in_at,
        mfa_enrolled_at=user.mfa_enrolled_at,
    )


def _fields(user: UserInfo) -> dict[str, Any]:
    return {
        "id": encode("User", user.id),
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "email": user.email,
        "username": user.username,
        "role": user.role,
        "auth_method": user.auth_method,
        "oauth2_client_id": user.oauth2_client_id,
        "oauth2_user_id": user.oauth2_user_id,
        "profile_picture_url": user.profile_picture_url,
        "password_needs_reset": user.password_needs_reset if user.auth_method == "LOCAL" else None,
    }
