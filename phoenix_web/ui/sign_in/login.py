"""The sign-in page with its second step, and sign-out."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final

from flask import Blueprint, make_response, render_template, request
from flask_login import current_user

from phoenix_web.auth.sign_in.login import CodeRequired
from phoenix_web.errors import InvalidCredential, NotFound, TooManyRequests, WrongCode
from phoenix_web.rate_limits import SIGN_IN, SIGN_IN_CODE
from phoenix_web.ui import cookie_auth, error_page, forms, htmx, links
from phoenix_web.web.guard import (
    check_rate_limit,
    current_actor,
    device_cookie,
    public,
    session_of_cookies,
)
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("login", __name__)
EVERYWHERE: Final = "everywhere"
CHOSEN: Final = "password-set"
WRONG_CODE: Final = "Wrong or already used code. Wait for the next code and try again."
_WRONG: Final = "Wrong e-mail or password."
_EXPIRED: Final = "Sign-in expired, or your password changed. Sign in again."


class LoginForm(forms.Form):
    """An e-mail address and a password."""

    email: Annotated[str, forms.required("Enter your e-mail address.")] = ""
    password: forms.Password = ""


@routes.get("/login")
@public
def show() -> Response:
    """Show the form, or redirect a user who is already signed in."""
    # The browser may be signed in as another user than the one who has just set a password.
    is_password_set = CHOSEN in request.args
    if current_user.is_authenticated and not is_password_set:
        return htmx.redirect(_next_page())
    return _page(forms.Submission(), is_password_set=is_password_set)


@routes.post("/login")
@public
def submit() -> Response:
    """Start a session and redirect to the requested page, or show the second step."""
    _refuse_without_auth()
    submission = forms.submitted(LoginForm)
    form = submission.form
    if form is None:
        return _page(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        check_rate_limit(SIGN_IN)
        tokens = services().login.log_in(
            form.email, form.password, current_actor(), device_cookie()
        )
    except InvalidCredential as error:
        return _page(submission, error.status, _WRONG)
    except TooManyRequests as error:
        return error_page.too_many_requests(
            error, lambda problem: _page(submission, problem=problem)
        )
    if isinstance(tokens, CodeRequired):
        return _code_page(tokens.challenge, forms.Submission())
    cookie_auth.remember(tokens)
    return htmx.redirect(_next_page())


@routes.get("/login/code")
@public
def show_code() -> Response:
    """Redirect to the first step, because the second step needs its challenge."""
    return htmx.redirect(_with_next("ui.login.show"))


@routes.post("/login/code")
@public
def submit_code() -> Response:
    """Check the code, start the session and redirect to the requested page."""
    _refuse_without_auth()
    challenge = request.form.get("challenge", "")
    submission = forms.submitted(forms.CodeForm)
    if submission.form is None:
        return _code_page(challenge, submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        check_rate_limit(SIGN_IN_CODE)
        tokens = services().login.verify_code(
            challenge, submission.form.code, current_actor(), device_cookie()
        )
    except WrongCode as error:
        return _code_page(challenge, submission.refused("code", WRONG_CODE), error.status)
    except InvalidCredential as error:
        return _page(forms.Submission(), error.status, _EXPIRED)
    except TooManyRequests as error:
        return error_page.too_many_requests(
            error, lambda problem: _code_page(challenge, submission, problem=problem)
        )
    cookie_auth.remember(tokens)
    return htmx.redirect(_next_page())


@routes.post("/logout")
@public
def log_out() -> Response:
    """End this session, or all sessions of the user, and redirect to the sign-in page."""
    found = session_of_cookies()
    if found is not None:
        is_everywhere = EVERYWHERE in request.form
        services().sessions.sign_out(*found, current_actor(), is_everywhere=is_everywhere)
    cookie_auth.forget()
    return htmx.redirect(links.url_for("ui.login.show"))


def _refuse_without_auth() -> None:
    if not services().settings.enable_auth:
        raise NotFound("Authentication is off, so you don't need to sign in.")


def _with_next(endpoint: str) -> str:
    return links.url_for(endpoint, next=_requested_page())


def _requested_page() -> str | None:
    # Phoenix uses `returnUrl`.
    path = request.args.get("next") or request.args.get("returnUrl") or ""
    return path if links.is_own_path(path) and links.is_page(path) else None


def _next_page() -> str:
    path = _requested_page()
    if path is not None:
        return links.root_path() + path
    return links.url_for("ui.datasets.index")


def _page(
    submission: forms.Submission[LoginForm],
    status: HTTPStatus = HTTPStatus.OK,
    problem: str | None = None,
    *,
    is_password_set: bool = False,
) -> Response:
    body = render_template(
        "sign_in/login.html",
        form=submission,
        problem=problem,
        action=_with_next("ui.login.submit"),
        is_password_set=is_password_set,
    )
    return make_response(body, status)


def _code_page(
    challenge: str,
    submission: forms.Submission[forms.CodeForm],
    status: HTTPStatus = HTTPStatus.OK,
    problem: str | None = None,
) -> Response:
    body = render_template(
        "sign_in/code.html",
        challenge=challenge,
        form=submission,
        problem=problem,
        action=_with_next("ui.login.submit_code"),
        start=_with_next("ui.login.show"),
    )
    return make_response(body, status)
