"""The page to request a password reset by mail."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, render_template, request

from phoenix_web.errors import NotFound, TooManyRequests
from phoenix_web.mail.sender import RESET_SPACING
from phoenix_web.rate_limits import PASSWORD_RESET_EMAIL
from phoenix_web.ui import error_page, forms, htmx, links
from phoenix_web.web.guard import check_rate_limit, public
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

    from phoenix_web.mail.outbox import Outbox

routes = Blueprint("forgot_password", __name__, url_prefix="/forgot-password")


class ForgottenForm(forms.Form):
    """The address of a user who requests a reset mail."""

    email: forms.Email = ""


@routes.get("")
@public
def show() -> Response:
    """Show the form, or the confirmation after it was sent."""
    _outbox()
    return _page(forms.Submission(), is_sent="sent" in request.args)


@routes.post("")
@public
def submit() -> Response:
    """Queue a reset mail; the response is the same for unknown addresses."""
    outbox = _outbox()
    submission = forms.submitted(ForgottenForm)
    form = submission.form
    if form is None:
        return _page(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        check_rate_limit(PASSWORD_RESET_EMAIL)
    except TooManyRequests as error:
        return error_page.too_many_requests(
            error, lambda fault: _page(submission.refused("email", fault))
        )
    with services().database.transaction() as session:
        outbox.request_reset(session, form.email)
    return htmx.redirect(links.url_for("ui.forgot_password.show", sent="yes"))


def _outbox() -> Outbox:
    if not services().settings.enable_auth:
        raise NotFound("Authentication is off, so there are no passwords to reset.")
    mail = services().mail
    if mail is None:
        raise NotFound("This server cannot send mail. Ask an administrator for a link.")
    return mail.outbox


def _page(
    submission: forms.Submission[ForgottenForm],
    status: HTTPStatus = HTTPStatus.OK,
    *,
    is_sent: bool = False,
) -> Response:
    body = render_template(
        "passwords/forgotten.html",
        form=submission,
        is_sent=is_sent,
        spacing=int(RESET_SPACING.total_seconds()) // 60,
    )
    return make_response(body, status)
