"""The page of two-step sign-in: set-up, recovery codes and turning it off."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, make_response, render_template, request
from markupsafe import Markup

from phoenix_web.errors import (
    Conflict,
    ExpiredCredential,
    InvalidCredential,
    TooManyRequests,
    WrongCode,
)
from phoenix_web.policy import Permission
from phoenix_web.store.accounts.mfa import MfaStore
from phoenix_web.ui import error_page, forms, htmx, links
from phoenix_web.ui.sign_in.login import WRONG_CODE
from phoenix_web.web.guard import (
    current_actor,
    current_principal,
    requires,
    session_of,
    signed_in_user,
)
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

    from phoenix_web.auth.mfa.enrolment import PendingEnrolment

routes = Blueprint("two_step", __name__, url_prefix="/two-step")
#: Endpoints for users who must first turn on two-step sign-in.
ENDPOINTS: Final = frozenset(f"ui.profile.two_step.{name}" for name in ("show", "begin", "confirm"))
_WRONG_PASSWORD: Final = "Wrong password."  # noqa: S105 - a text
_EXPIRED: Final = "Setup expired, or your password changed. Start again with a new QR code."


class SecondFactorForm(forms.CurrentPasswordForm, forms.CodeForm):
    """The current password and a code."""


@routes.get("")
@requires(Permission.ACCOUNT_MANAGE)
def show() -> Response:
    """Show the status of two-step sign-in, with the forms that change it."""
    return _page(forms.Submission())


@routes.post("")
@requires(Permission.ACCOUNT_MANAGE)
def begin() -> Response:
    """Check the password and show a QR code; the first code turns two-step sign-in on."""
    submission = forms.submitted(forms.CurrentPasswordForm)
    if submission.form is None:
        return _page(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        draft = services().enrolment.start(
            signed_in_user(), submission.form.current_password, current_actor()
        )
    except (InvalidCredential, TooManyRequests) as error:
        return _refused(submission, error)
    except Conflict:  # another tab has turned it on
        return _redirect()
    return _draft_page(draft, forms.Submission())


@routes.post("/confirm")
@requires(Permission.ACCOUNT_MANAGE)
def confirm() -> Response:
    """Turn two-step sign-in on with the first code, and show the recovery codes once."""
    user, enrolment = signed_in_user(), services().enrolment
    submission = forms.submitted(forms.CodeForm)
    try:
        draft = enrolment.resume(user, request.form.get("draft", ""))
    except ExpiredCredential:
        return _page(forms.Submission(), HTTPStatus.UNPROCESSABLE_ENTITY, problem=_EXPIRED)
    if submission.form is None:
        return _draft_page(draft, submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        codes = enrolment.confirm(
            user, draft.token, submission.form.code, _session_id(), current_actor()
        )
    except WrongCode:
        refused = submission.refused("code", WRONG_CODE)
        return _draft_page(draft, refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    except ExpiredCredential:
        return _page(forms.Submission(), HTTPStatus.UNPROCESSABLE_ENTITY, problem=_EXPIRED)
    except Conflict:
        return _redirect()
    return _codes_page(codes, is_new=True)


@routes.post("/recovery-codes")
@requires(Permission.ACCOUNT_MANAGE)
def renew() -> Response:
    """Replace the recovery codes, and show the new ones once."""
    submission = forms.submitted(SecondFactorForm)
    form = submission.form
    if form is None:
        return _page(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        codes = services().enrolment.regenerate_recovery_codes(
            signed_in_user(), form.current_password, form.code, current_actor()
        )
    except (InvalidCredential, TooManyRequests) as error:
        return _refused(submission, error)
    except Conflict:
        return _redirect()
    return _codes_page(codes, is_new=False)


@routes.post("/off")
@requires(Permission.ACCOUNT_MANAGE)
def turn_off() -> Response:
    """Turn two-step sign-in off."""
    submission = forms.submitted(SecondFactorForm)
    form = submission.form
    if form is None:
        return _page(submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        services().enrolment.disable(
            signed_in_user(),
            current=form.current_password,
            code=form.code,
            session_id=_session_id(),
            actor=current_actor(),
        )
    except (InvalidCredential, TooManyRequests) as error:
        return _refused(submission, error)
    except Conflict:
        return _redirect()
    return _redirect(done="off")


def _session_id() -> int:
    return session_of(current_principal())[1]


def _redirect(**values: str) -> Response:
    return htmx.redirect(links.url_for("ui.profile.two_step.show", **values))


def _refused(
    submission: forms.Submission[Any], error: InvalidCredential | TooManyRequests
) -> Response:
    """Return the page with *error* beside its field."""
    if isinstance(error, TooManyRequests):
        return error_page.too_many_requests(
            error, lambda fault: _page(submission.refused("current_password", fault))
        )
    field, text = "current_password", _WRONG_PASSWORD
    if isinstance(error, WrongCode):
        field, text = "code", WRONG_CODE
    return _page(submission.refused(field, text), HTTPStatus.UNPROCESSABLE_ENTITY)


def _page(
    submission: forms.Submission[Any],
    status: HTTPStatus = HTTPStatus.OK,
    problem: str | None = None,
) -> Response:
    user = signed_in_user()
    with services().database.reading() as session:
        codes_left = MfaStore(session).count_recovery_codes(user.id)
    body = render_template(
        "settings/profile/two_step.html",
        user=user,
        form=submission,
        codes_left=codes_left,
        is_required=services().settings.require_mfa,
        is_turned_off=request.args.get("done") == "off",
        problem=problem,
    )
    return make_response(body, status)


def _draft_page(
    draft: PendingEnrolment,
    submission: forms.Submission[forms.CodeForm],
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    body = render_template(
        "settings/profile/two_step_draft.html",
        draft=draft,
        form=submission,
        qr_code=_qr_code(draft.uri),
    )
    return make_response(body, status)


def _codes_page(codes: list[str], *, is_new: bool) -> Response:
    body = render_template("settings/profile/recovery_codes.html", codes=codes, is_new=is_new)
    return make_response(body)


def _qr_code(uri: str) -> Markup:
    """Return a QR code of *uri* as SVG, black on white in every color scheme for cameras."""
    import segno  # noqa: PLC0415 - few processes need it

    picture = segno.make(uri, error="m", micro=False).svg_inline(
        border=4, omitsize=True, svgclass=None, lineclass=None, dark="#000", light="#fff"
    )
    return Markup(picture)  # noqa: S704 - markup by segno, without text
