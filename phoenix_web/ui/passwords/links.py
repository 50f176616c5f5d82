"""The page of a one-time password link, and links that administrators create."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, make_response, render_template, request

from phoenix_web.auth.passwords.links import PATH
from phoenix_web.errors import InvalidCredential, NotFound, Unavailable
from phoenix_web.rate_limits import PASSWORD_RESET
from phoenix_web.ui import forms, htmx, links
from phoenix_web.ui.sign_in import login
from phoenix_web.web import cookies
from phoenix_web.web.guard import current_actor, device_cookie, limited, public
from phoenix_web.web.same_site import has_opaque_origin
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Response
    from sqlalchemy.orm import Session

    from phoenix_web.store.accounts.password_links import LinkInfo, LinkPurpose
    from phoenix_web.store.accounts.users import UserInfo

routes = Blueprint("password_links", __name__)
_BUSY: Final = "The server is busy. Submit the form again."


class PasswordLinkForm(forms.Form):
    """A new password and the text of the one-time link that allows it."""

    token: str = ""
    new_password: forms.NewPassword = ""
    new_password_again: forms.NewPasswordAgain = ""


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A new link; its URL is shown once and never stored."""

    url: str
    expires_at: datetime
    #: Whether it is also sent by mail.
    is_mailed: bool


def issue(session: Session, user: UserInfo, purpose: LinkPurpose) -> ShownLink:
    """Create a link for *user*, which replaces any older one.

    The link is also mailed if mail is configured. Raises `Invalid` if *user* does not sign in with
    a password.
    """
    mail = services().mail
    is_mailed = mail is not None and not user.is_built_in  # without a mailbox
    actor = current_actor()
    if mail is not None and is_mailed:
        issued = mail.outbox.send_link(session, user, purpose, actor)
    else:
        issued = services().password_links.issue(session, user, purpose, actor)
    return ShownLink(links.password_link(issued.token), issued.expires_at, is_mailed)


@routes.before_request
def _refuse_without_auth() -> None:
    if not services().settings.enable_auth:
        raise NotFound("Authentication is off, so there are no passwords to set.")


@routes.after_request
def _hide_url(response: Response) -> Response:
    """Hide the secret URL of the page from other servers and from access logs of files."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@routes.get(PATH)
@public
def show() -> Response:
    """Show the form without using the link, or that the link does not work."""
    token = request.args.get("token", "")
    try:
        link = services().password_links.verify(token)
    except InvalidCredential:
        return _gone()
    return _page(forms.Submission({"token": token}), link)


@routes.post(PATH)
@public
@limited(PASSWORD_RESET)
def submit() -> Response:
    """Set the password and redirect to the sign-in page."""
    token = request.form.get("token", "")
    try:
        link = services().password_links.verify(token)
        submission = forms.submitted(
            PasswordLinkForm,
            lambda password: services().passwords.fault(
                password, link.user.email, link.user.username
            ),
        )
        form = submission.form
        if form is None:
            return _page(submission, link, HTTPStatus.UNPROCESSABLE_ENTITY)
        known = services().password_links.redeem(
            token, form.new_password, current_actor(), device_cookie()
        )
    except InvalidCredential:
        return _gone()
    except Unavailable as error:
        response = _page(submission, link, error.status, _BUSY)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    response = htmx.redirect(links.url_for("ui.login.show", **{login.CHOSEN: "yes"}))
    # Another site could submit its own link and thereby replace the device cookie of its visitor.
    if not has_opaque_origin():
        cookies.set_device_cookie(response, known)
    return response


def _gone() -> Response:
    """Return the same page for a used, expired or invalid link."""
    return make_response(render_template("passwords/link_gone.html"), HTTPStatus.NOT_FOUND)


def _page(
    submission: forms.Submission[PasswordLinkForm],
    link: LinkInfo,
    status: HTTPStatus = HTTPStatus.OK,
    problem: str | None = None,
) -> Response:
    body = render_template("passwords/link.html", form=submission, link=link, problem=problem)
    return make_response(body, status)
