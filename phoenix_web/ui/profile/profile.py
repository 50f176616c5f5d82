"""The profile page: name, password and sessions."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, make_response, request
from pydantic import ValidationInfo, field_validator

from phoenix_web.auth import accounts
from phoenix_web.errors import InvalidCredential, TooManyRequests, UsernameTaken
from phoenix_web.policy import Permission
from phoenix_web.ui import cookie_auth, error_page, forms, htmx, links
from phoenix_web.ui.profile import sessions as own_sessions
from phoenix_web.ui.profile import two_step
from phoenix_web.ui.session_lists import listed
from phoenix_web.web.guard import current_actor, device_cookie, requires, signed_in_user
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response


routes = Blueprint("profile", __name__, url_prefix="/settings/profile")
routes.register_blueprint(own_sessions.routes)
routes.register_blueprint(two_step.routes)
#: Endpoints for users who must first replace a temporary password.
ENDPOINTS: Final = frozenset({"ui.profile.show", "ui.profile.change_password"})


class PasswordForm(forms.CurrentPasswordForm):
    """A change of the password."""

    new_password: forms.NewPassword = ""
    new_password_again: forms.NewPasswordAgain = ""

    @field_validator("new_password")
    @classmethod
    def _check_new(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("current_password"):
            raise forms.fault("Choose a password that differs from your current one.")
        return value


@routes.get("")
@requires(Permission.ACCOUNT_MANAGE)
def show() -> Response:
    """Show the caller's account."""
    is_changed = "changed" in request.args
    return _page(forms.Submission(), is_changed=is_changed)


@routes.post("")
@requires(Permission.ACCOUNT_MANAGE)
def change_password() -> Response:
    """Change the password, which ends all sessions, and start a new session here."""
    user = signed_in_user()
    submission = forms.submitted(
        PasswordForm,
        lambda password: services().passwords.fault(password, user.email, user.username),
    )
    form = submission.form
    if form is None:
        return _page(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        tokens = services().login.change_password(
            user,
            current=form.current_password,
            new=form.new_password,
            actor=current_actor(),
            device_cookie=device_cookie(),
        )
    except InvalidCredential:
        refused = submission.refused("current_password", "Wrong password.")
        return _page(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    except TooManyRequests as error:
        return error_page.too_many_requests(
            error, lambda fault: _page(submission.refused("current_password", fault))
        )
    cookie_auth.remember(tokens)
    return htmx.redirect(links.url_for("ui.profile.show", changed="yes"))


@routes.post("/name")
@requires(Permission.ACCOUNT_MANAGE)
def change_name() -> Response:
    """Change the username of the caller."""
    submission = forms.submitted(forms.NameForm)
    if submission.form is None:
        return _account(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        with services().database.transaction() as session:
            accounts.rename(session, signed_in_user(), submission.form.username, current_actor())
    except UsernameTaken as error:
        taken = submission.refused("username", forms.NAME_TAKEN)
        return _account(taken, error.status)
    return htmx.redirect(links.url_for("ui.profile.show", done="name"))


def _account(submission: forms.Submission[forms.NameForm], status: HTTPStatus) -> Response:
    return _render("settings/profile/_account.html", status, name_form=submission)


def _page(
    submission: forms.Submission[PasswordForm],
    status: HTTPStatus = HTTPStatus.OK,
    *,
    is_changed: bool = False,
) -> Response:
    return _render(
        "settings/profile/_password.html", status, form=submission, is_changed=is_changed
    )


def _render(fragment: str, status: HTTPStatus, **context: object) -> Response:
    """Return the page, or *fragment* of it, with *context* for the template."""
    user = signed_in_user()
    done = request.args.get("done", "")
    with services().database.reading() as session:
        sessions = listed(session, user.id)
    context = {
        "user": user,
        "sessions": sessions,
        "notice": own_sessions.DONE.get(done),
        "is_renamed": done == "name",
        "form": forms.Submission(),
        "name_form": forms.Submission({"username": user.username}),
        **context,
    }
    return make_response(htmx.render("settings/profile/profile.html", fragment, **context), status)
