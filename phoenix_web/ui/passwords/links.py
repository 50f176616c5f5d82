"""The page that a one-time link leads to, and links for administrators to hand over."""

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
_CROWDED: Final = "The server is busy. Submit the form again."


class PasswordLinkForm(forms.Form):
    """A new password and the text of the one-time link that allows it."""

    token: str = ""
    new_password: forms.NewPassword = ""
    new_password_again: forms.NewPasswordAgain = ""


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link to hand over: its address is shown once and kept nowhere."""

    url: str
    expires_at: datetime
    #: Whether a mail brings it as well.
    is_mailed: bool


def issue(session: Session, user: UserInfo, purpose: LinkPurpose) -> ShownLink:
    """Give *user* a link in the unit of work *session*, in place of any older one.

    Where mail is configured, a mail brings the same link. Raises `Invalid` for whoever has no
    password to choose.
    """
    mail = services().mail
    is_mailed = mail is not None and not user.is_built_in  # those have no mailbox
    by = current_actor()
    if mail is not None and is_mailed:
        issued = mail.outbox.send_link(session, user, purpose, by)
    else:
        issued = services().password_links.issue(session, user, purpose, by)
    return ShownLink(links.password_link(issued.token), issued.expires_at, is_mailed)


@routes.before_request
def _is_on() -> None:
    if not services().settings.enable_auth:
        raise NotFound("Authentication is off, so there are no passwords to set.")


@routes.after_request
def _keep_to_itself(response: Response) -> Response:
    """Let no other server, nor a log of this one's files, learn the address of the page."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@routes.get(PATH)
@public
def show() -> Response:
    """Show the form, or that the link does not work; the link stays as good as it is."""
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
    """Set the password, and lead on to the sign-in page."""
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
        response = _page(submission, link, error.status, _CROWDED)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    response = htmx.redirect(links.url_for("ui.login.show", **{login.CHOSEN: "yes"}))
    # A foreign page could redeem a link of its own here, and make its visitor a stranger.
    if not has_opaque_origin():
        cookies.set_device_cookie(response, known)
    return response


def _gone() -> Response:
    """Answer alike for a link that was used, has expired or never was one."""
    return make_response(render_template("passwords/link_gone.html"), HTTPStatus.NOT_FOUND)


def _page(
    submission: forms.Submission[PasswordLinkForm],
    link: LinkInfo,
    status: HTTPStatus = HTTPStatus.OK,
    problem: str | None = None,
) -> Response:
    body = render_template("passwords/link.html", form=submission, link=link, problem=problem)
    return make_response(body, status)
