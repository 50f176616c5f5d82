"""User pages for administrators: the list, a new user, and one user."""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.ui.users import actions, creating, details, listing

routes = Blueprint("users", __name__, url_prefix="/settings/users")
for _part in (actions, creating, details):
    routes.register_blueprint(_part.routes)
# Registered here so that the endpoint is `ui.users.index`, like the start of other pages.
routes.add_url_rule("", view_func=listing.index)
