"""`/v1/user` and `/v1/users`: the profile of the caller, users and sessions."""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.api.users import users, viewer

routes = Blueprint("users", __name__, url_prefix="/v1")
for _part in (users, viewer):
    routes.register_blueprint(_part.routes)
