"""The page of one user, with changes of name and role."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint

from phoenix_web.auth import accounts
from phoenix_web.errors import StaleVersion, UsernameTaken
from phoenix_web.policy import Permission, Role
from phoenix_web.ui import forms, htmx, links
from phoenix_web.ui.filters import require_id
from phoenix_web.ui.users.user_page import UserForm, find_user, render_user_page
from phoenix_web.web.guard import acting_admin_id, current_actor, requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("user", __name__, url_prefix="/<user_id>")
_FRAGMENT: Final = "settings/users/_details.html"
_STALE: Final = (
    "Another administrator changed this user while you were editing. Check the current values "
    "above, then save again to replace them."
)


@routes.get("")
@requires(Permission.USER_WRITE)
def show(user_id: str) -> Response:
    """Show the page of the user."""
    return render_user_page(user_id, _FRAGMENT)


@routes.post("")
@requires(Permission.USER_WRITE)
def save(user_id: str) -> Response:
    """Change name and role, unless the user has changed since the page was shown."""
    submission = forms.submitted(UserForm)
    form = submission.form
    if form is None:
        return render_user_page(user_id, _FRAGMENT, submission, HTTPStatus.UNPROCESSABLE_ENTITY)
    changes = accounts.AccountChange(form.username, Role(form.role) if form.role else None)
    try:
        with services().database.transaction() as session:
            before = find_user(session, user_id)
            after = accounts.change(
                session,
                require_id("User", user_id),
                changes,
                current_actor(),
                acting_admin_id=acting_admin_id(),
                if_match={form.version},
            )
    except StaleVersion as error:
        return render_user_page(user_id, _FRAGMENT, submission, error.status, problem=_STALE)
    except UsernameTaken as error:
        taken = submission.refused("username", forms.NAME_TAKEN)
        return render_user_page(user_id, _FRAGMENT, taken, error.status)
    done = "saved" if after.role is before.role else "role"
    return htmx.redirect(links.url_for("ui.users.user.show", user_id=user_id, done=done))
