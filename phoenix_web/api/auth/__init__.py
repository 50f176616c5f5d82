"""`/auth`: sign-in, token refresh, sign-out and password resets."""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.api.auth import passwords, sign_in
from phoenix_web.errors import NotFound
from phoenix_web.web.same_site import refuse_cross_site
from phoenix_web.web.services import services

routes = Blueprint("auth", __name__, url_prefix="/auth")
for _part in (passwords, sign_in):
    routes.register_blueprint(_part.routes)


@routes.before_request
def refuse_cross_site_requests() -> None:
    """Raise `NotFound` while authentication is off, `Forbidden` for cross-site requests."""
    if not services().settings.enable_auth:
        raise NotFound("Not Found")
    # Even for routes without cookies: another site could sign its visitor in to its account.
    refuse_cross_site(allows_programs=True)
