"""The pages of users, for administrators: the list, a new one, and one user."""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.ui.users import actions, creating, details, listing

routes = Blueprint("users", __name__, url_prefix="/settings/users")
for _part in (actions, creating, details):
    routes.register_blueprint(_part.routes)
# Not in a part of its own, so that the list is `ui.users.index`, as every page's start is.
routes.add_url_rule("", view_func=listing.index)
