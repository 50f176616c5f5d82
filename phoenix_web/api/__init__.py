"""The JSON API: `/v1`, `/auth` and the public routes of the server.

Every view is `@requires` or `@public`, and declares its parameters and responses.
"""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.api import audit, auth, dataset_labels, datasets, server, users
from phoenix_web.api.datasets import splits
from phoenix_web.api.keys import keys
from phoenix_web.api.users import sessions
from phoenix_web.web.guard import authenticate_api

#: The names of nested blueprints become the tags of their routes in the OpenAPI document.
blueprint = Blueprint("api", __name__)
blueprint.before_request(authenticate_api)
for _routes in (audit, auth, dataset_labels, datasets, keys, server, sessions, splits, users):
    blueprint.register_blueprint(_routes.routes)
