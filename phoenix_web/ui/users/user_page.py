"""The page of one user."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import make_response, request
from pydantic import field_validator

from phoenix_web.auth.passwords.links import may_choose_password
from phoenix_web.errors import UserNotFound
from phoenix_web.global_ids import encode
from phoenix_web.policy import Role
from phoenix_web.store.accounts.keys import KeyStore
from phoenix_web.store.accounts.password_links import LinkInfo, PasswordLinkStore
from phoenix_web.store.accounts.user_lists import AccountStatus, account_status
from phoenix_web.store.accounts.users import SYSTEM_EMAIL, UserInfo, UserStore
from phoenix_web.ui import forms, htmx
from phoenix_web.ui.filters import require_id
from phoenix_web.ui.session_lists import SessionList, listed
from phoenix_web.web.guard import current_principal
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response
    from sqlalchemy.orm import Session

#: The roles that a form offers, in order of their rights.
ROLES: Final = tuple(role.value for role in (Role.VIEWER, Role.MEMBER, Role.ADMIN))
#: Notices after an action, by the value of `done` in the address.
DONE: Final = {
    "saved": "Changes saved.",
    "role": "Changes saved. The user must sign in again.",
    "deactivated": "User deactivated. Their sessions have ended and their keys no longer work.",
    "reactivated": "User reactivated. They can sign in again, and their keys work.",
    "two-step": "Two-step sign-in reset. All their sessions have ended.",
    "session": "Session ended.",
    "sessions": "User signed out everywhere.",
}
#: The dialogs that the address can open.
_DIALOGS: Final = {"deactivate", "delete", "reset", "two-step"}


class UserForm(forms.NameForm):
    """A change of a user; an empty role keeps the current one."""

    #: The version of the account that the page showed.
    version: str = ""
    role: str = ""

    @field_validator("role")
    @classmethod
    def _check_role(cls, value: str) -> str:
        if value and value not in ROLES:
            raise forms.fault("Choose a role.")
        return value


@dataclass(frozen=True, slots=True)
class UserPage:
    """The contents of the page of a user."""

    #: The GlobalID.
    id: str
    user: UserInfo
    #: Whether the user has a password and so can sign in.
    has_password: bool
    link: LinkInfo | None
    key_count: int
    sessions: SessionList

    @property
    def status(self) -> AccountStatus:
        """Return the status of the account."""
        link = self.link
        return account_status(
            self.user,
            has_password=self.has_password,
            purpose=link.purpose if link else None,
            expires_at=link.expires_at if link else None,
        )

    @property
    def is_self(self) -> bool:
        """Return whether it is the administrator's own account."""
        return self.user.id == current_principal().user_id

    @property
    def may_be_changed(self) -> bool:
        """Return whether this administrator may change the role and the status."""
        return not (self.is_self or self.user.is_built_in)

    @property
    def may_lose_second_factor(self) -> bool:
        """Return whether this administrator may reset the user's second factor."""
        return self.user.mfa_enrolled_at is not None and not self.is_self

    @property
    def may_get_link(self) -> bool:
        """Return whether this administrator may create a password link for the user."""
        return not self.is_self and may_choose_password(self.user)


def find_user(session: Session, user_id: str) -> UserInfo:
    """Return the user with the GlobalID *user_id*; raise `UserNotFound`."""
    user = UserStore(session).find(require_id("User", user_id))
    if user is None or user.email == SYSTEM_EMAIL:
        raise UserNotFound
    return user


def find_user_page(session: Session, user_id: str) -> UserPage:
    """Return the contents of the page of *user_id*, a GlobalID; raise `UserNotFound`."""
    user = find_user(session, user_id)
    return UserPage(
        encode("User", user.id),
        user,
        UserStore(session).password_hash(user.id) is not None,
        PasswordLinkStore(session).find_for(user.id),
        len(KeyStore(session).list_for(user.id)),
        listed(session, user.id),
    )


def render_user_page(
    user_id: str,
    fragment: str,
    submission: forms.Submission[UserForm] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    **context: Any,
) -> Response:
    """Return the page of the user, or *fragment* of it, with *context* for the template."""
    with services().database.reading() as session:
        page = find_user_page(session, user_id)
    dialog = request.args.get("ask", "")
    context = {
        "page": page,
        "form": submission or _stored(page.user),
        "roles": ROLES,
        "open_dialog": dialog if dialog in _DIALOGS else None,
        "notice": DONE.get(request.args.get("done", "")),
        **context,
    }
    return make_response(htmx.render("settings/users/user.html", fragment, **context), status)


def _stored(user: UserInfo) -> forms.Submission[UserForm]:
    return forms.Submission({"username": user.username, "role": user.role.value})
