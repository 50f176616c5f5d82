"""Making an account: its owner chooses the password by a link, so nobody else ever knows it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, render_template

from phoenix_web.auth import accounts
from phoenix_web.auth.account_events import user_created
from phoenix_web.errors import Conflict
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission, Role
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.audit.log import record
from phoenix_web.ui import forms
from phoenix_web.ui.account_forms import ROLES, NewUserForm
from phoenix_web.ui.passwords import links
from phoenix_web.web.guard import acting_admin_id, current_actor, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("creating", __name__, url_prefix="/new")


@routes.get("")
@requires(Permission.USER_WRITE)
def show() -> Response:
    """Show the form."""
    return _page(forms.Submission({"role": Role.MEMBER.value}))


@routes.post("")
@requires(Permission.USER_WRITE)
def create() -> Response:
    """Make the account, and show the link by which its owner gets in, this once."""
    submission = forms.submitted(NewUserForm)
    form = submission.form
    if form is None:
        return _page(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        with services().database.transaction() as session:
            accounts.lock_acting_administrator(session, acting_admin_id())
            # Without a password nobody gets in before the link was used.
            user = UserStore(session).add(
                email=form.email, username=form.username, role=Role(form.role)
            )
            record(session, user_created(user, current_actor()))
            link = links.issue(session, user, LinkPurpose.INVITATION)
    except Conflict as error:
        is_name = error.message.startswith("Username")
        field, what = ("username", "name") if is_name else ("email", "e-mail address")
        taken = submission.refused(field, f"This {what} is already taken. Enter another one.")
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
