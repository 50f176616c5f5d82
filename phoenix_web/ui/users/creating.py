"""The page that creates a user, who chooses a password with a one-time link."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, render_template
from pydantic import field_validator

from phoenix_web.auth import accounts
from phoenix_web.errors import EmailTaken, UsernameTaken
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission, Role
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.ui import forms
from phoenix_web.ui.passwords import links
from phoenix_web.ui.users.user_page import ROLES
from phoenix_web.web.guard import acting_admin_id, current_actor, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("creating", __name__, url_prefix="/new")


class NewUserForm(forms.NameForm):
    """A user to create."""

    email: forms.Email = ""
    role: str = ""

    @field_validator("role")
    @classmethod
    def _check_role(cls, value: str) -> str:
        if value not in ROLES:
            raise forms.fault("Choose a role.")
        return value


@routes.get("")
@requires(Permission.USER_WRITE)
def show() -> Response:
    """Show the form."""
    return _page(forms.Submission({"role": Role.MEMBER.value}))


@routes.post("")
@requires(Permission.USER_WRITE)
def create() -> Response:
    """Create the user and show their invitation link once."""
    submission = forms.submitted(NewUserForm)
    form = submission.form
    if form is None:
        return _page(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        with services().database.transaction() as session:
            # Without a password, the user cannot sign in before using the link.
            new = accounts.NewAccount(form.email, form.username, Role(form.role))
            user = accounts.create(session, new, current_actor(), acting_admin_id=acting_admin_id())
            link = links.issue(session, user, LinkPurpose.INVITATION)
    except UsernameTaken as error:
        return _page(submission.refused("username", forms.NAME_TAKEN), error.status)
    except EmailTaken as error:
        taken = submission.refused(
            "email", "This e-mail address is already taken. Enter another one."
        )
        return _page(taken, error.status)
    body = render_template(
        "settings/users/link.html",
        user=user,
        user_id=encode("User", user.id),
        link=link,
        is_invitation=True,
        is_added=True,
    )
    return make_response(body)


def _page(
    submission: forms.Submission[NewUserForm], status: HTTPStatus = HTTPStatus.OK
) -> Response:
    body = render_template("settings/users/new.html", form=submission, roles=ROLES)
    return make_response(body, status)
