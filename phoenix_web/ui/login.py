"""The sign-in page, signing out, and the two addresses that only lead on."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, make_response, render_template, request
from flask_login import current_user

from phoenix_web.errors import InvalidCredential, NotFound, TooManyRequests
from phoenix_web.guard import circumstances, current_device, public, session_of_cookies, spend
from phoenix_web.rate_limits import SIGN_IN
from phoenix_web.services import services
from phoenix_web.ui import forms, htmx, links, sign_in, waits

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("login", __name__)
EVERYWHERE: Final = "everywhere"
CHOSEN: Final = "password-set"


@routes.get("/login")
@public
def show() -> Response:
    """Show the form, or lead on whoever is signed in already."""
    # Who has just chosen a password by a link may be signed in here as somebody else.
    is_password_set = CHOSEN in request.args
    if current_user.is_authenticated and not is_password_set:
        return htmx.redirect(_next_page())
    return _page(forms.Submission(), is_password_set=is_password_set)


@routes.post("/login")
@public
def submit() -> Response:
    """Open a session and lead on to the page that was asked for."""
    if not services().settings.enable_auth:
        raise NotFound("Authentication is off: there is nothing to sign in to.")
    submission = forms.submitted(forms.LoginForm)
    form = submission.form
    if form is None:
        return _page(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        spend(SIGN_IN)
        tokens = services().login.log_in(
            form.email, form.password, current_device(), circumstances()
        )
    except InvalidCredential as error:
        return _page(submission, error.status, error.message)
    except TooManyRequests as error:
        response = _page(submission, error.status, waits.told(error))
        response.headers.update(error.headers)
        return response
    sign_in.remember(tokens)
    return htmx.redirect(_next_page())


@routes.post("/logout")
@public
def log_out() -> Response:
    """End this session, or all of this person's, and show the sign-in page."""
    found = session_of_cookies()
    if found is not None:
        is_everywhere = EVERYWHERE in request.form
        services().sessions.sign_out(*found, circumstances(), is_everywhere=is_everywhere)
    sign_in.forget()
    return htmx.redirect(links.url_for("ui.login.show"))


def _wanted() -> str | None:
    # Phoenix names the same thing `returnUrl`.
    wanted = request.args.get("next") or request.args.get("returnUrl") or ""
    return wanted if links.is_own_path(wanted) and links.is_page(wanted) else None


def _next_page() -> str:
    wanted = _wanted()
    if wanted is not None:
        return links.root_path() + wanted
    return links.url_for("ui.datasets.index")


def _page(
    submission: forms.Submission[forms.LoginForm],
    status: HTTPStatus = HTTPStatus.OK,
    problem: str | None = None,
    *,
    is_password_set: bool = False,
) -> Response:
    body = render_template(
        "login.html",
        form=submission,
        problem=problem,
        action=links.url_for("ui.login.submit", next=_wanted()),
        is_password_set=is_password_set,
    )
    return make_response(body, status)
