"""Actions on the caller's own sessions on the profile page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, make_response, render_template

from phoenix_web.auth.sign_in.sessions import end_session, end_sessions
from phoenix_web.errors import NotFound
from phoenix_web.policy import Permission
from phoenix_web.ui import cookie_auth, htmx, links
from phoenix_web.ui.session_lists import END_PATH, listed
from phoenix_web.web.guard import current_actor, current_principal, requires, signed_in_user
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response


routes = Blueprint("sessions", __name__)
#: Notices after an action, by the value of `done` in the address.
DONE: Final = {
    "session": "Session ended.",
    "others": "All other sessions ended.",
}


@routes.post(END_PATH)
@requires(Permission.ACCOUNT_MANAGE)
def end(session_id: int) -> Response:
    """End a session of the caller; raise `NotFound` if the caller has no such session."""
    principal = current_principal()
    with services().database.transaction() as session:
        if not end_session(session, signed_in_user(), session_id, current_actor()):
            raise NotFound("This session does not exist. It may already have ended.")
    if session_id == principal.session_id:
        cookie_auth.forget()
        return htmx.redirect(links.url_for("ui.login.show"))
    return _updated_list("session")


@routes.post("/sessions/end-others")
@requires(Permission.ACCOUNT_MANAGE)
def end_others() -> Response:
    """End all sessions of the caller except this one."""
    principal = current_principal()
    with services().database.transaction() as session:
        end_sessions(
            session, signed_in_user(), current_actor(), except_session=principal.session_id
        )
    return _updated_list("others")


def _updated_list(done: str) -> Response:
    if not htmx.is_htmx():
        return htmx.redirect(links.url_for("ui.profile.show", done=done))
    with services().database.reading() as session:
        sessions = listed(session, current_principal().user_id)
    body = render_template(
        "settings/profile/_own_sessions.html", sessions=sessions, notice=DONE[done]
    )
    return make_response(body)
