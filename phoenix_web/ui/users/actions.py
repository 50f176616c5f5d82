"""Actions on the page of a user: status, deletion, password link, second factor, sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, render_template

from phoenix_web.auth import accounts
from phoenix_web.auth.sign_in import sessions
from phoenix_web.errors import NotFound
from phoenix_web.policy import Permission
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.ui import htmx, links
from phoenix_web.ui.filters import require_id
from phoenix_web.ui.passwords import links as password_links
from phoenix_web.ui.session_lists import END_PATH
from phoenix_web.ui.users.user_page import DONE, find_user, render_user_page
from phoenix_web.web.guard import acting_admin_id, current_actor, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("actions", __name__, url_prefix="/<user_id>")


@routes.post("/deactivate")
@requires(Permission.USER_WRITE)
def deactivate(user_id: str) -> Response:
    """Deactivate the user."""
    return _set_active(user_id, is_active=False)


@routes.post("/reactivate")
@requires(Permission.USER_WRITE)
def reactivate(user_id: str) -> Response:
    """Reactivate the user."""
    return _set_active(user_id, is_active=True)


@routes.post("/delete")
@requires(Permission.USER_WRITE)
def delete(user_id: str) -> Response:
    """Delete the user with all their sessions and keys."""
    with services().database.transaction() as session:
        accounts.delete(
            session, require_id("User", user_id), current_actor(), acting_admin_id=acting_admin_id()
        )
    return htmx.redirect(links.url_for("ui.users.index", deleted="yes"))


@routes.post("/link")
@requires(Permission.USER_WRITE)
def make_link(user_id: str) -> Response:
    """Create a one-time link to set the password of the user, and show it once."""
    with services().database.transaction() as session:
        user = accounts.lock_for_link(
            session, require_id("User", user_id), acting_admin_id=acting_admin_id()
        )
        has_password = UserStore(session).password_hash(user.id) is not None
        purpose = LinkPurpose.RESET if has_password else LinkPurpose.INVITATION
        link = password_links.issue(session, user, purpose)
    body = render_template(
        "settings/users/link.html",
        user=user,
        user_id=user_id,
        link=link,
        is_invitation=not has_password,
    )
    return make_response(body)


@routes.post("/two-step/reset")
@requires(Permission.SESSION_END_ALL)
def reset_second_factor(user_id: str) -> Response:
    """Remove the second factor of the user and end their sessions."""
    with services().database.transaction() as session:
        accounts.reset_second_factor(
            session, require_id("User", user_id), current_actor(), acting_admin_id=acting_admin_id()
        )
    return _redirect(user_id, "two-step")


@routes.post(END_PATH)
@requires(Permission.SESSION_END_ALL)
def end_session(user_id: str, session_id: int) -> Response:
    """End a session of the user; raise `NotFound` if the user has no such session."""
    with services().database.transaction() as session:
        user = find_user(session, user_id)
        if not sessions.end_session(session, user, session_id, current_actor()):
            raise NotFound("This session does not exist. It may already have ended.")
    return _sessions(user_id, "session")


@routes.post("/sessions/end")
@requires(Permission.SESSION_END_ALL)
def end_sessions(user_id: str) -> Response:
    """End all sessions of the user."""
    with services().database.transaction() as session:
        sessions.end_sessions(session, find_user(session, user_id), current_actor())
    return _sessions(user_id, "sessions")


def _set_active(user_id: str, *, is_active: bool) -> Response:
    changes = accounts.AccountChange(is_active=is_active)
    with services().database.transaction() as session:
        accounts.change(
            session,
            require_id("User", user_id),
            changes,
            current_actor(),
            acting_admin_id=acting_admin_id(),
        )
    return _redirect(user_id, "reactivated" if is_active else "deactivated")


def _sessions(user_id: str, done: str) -> Response:
    if not htmx.is_htmx():
        return _redirect(user_id, done)
    return render_user_page(
        user_id, "settings/users/_user_sessions.html", session_notice=DONE[done]
    )


def _redirect(user_id: str, done: str) -> Response:
    return htmx.redirect(links.url_for("ui.users.user.show", user_id=user_id, done=done))
