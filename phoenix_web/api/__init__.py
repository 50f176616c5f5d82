"""The API's door: `/v1`, `/auth` and what a client asks before it signs in.

Every view here says `@requires` or `@public`, and declares what it reads and answers.
"""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.api import audit, auth, dataset_labels, datasets, server, users
from phoenix_web.api.datasets import splits
from phoenix_web.api.keys import keys
from phoenix_web.api.users import sessions
from phoenix_web.web.guard import authenticate_api

#: A blueprint of the door is a noun: it names the tag of its routes in the description.
blueprint = Blueprint("api", __name__)
blueprint.before_request(authenticate_api)
for _routes in (audit, auth, dataset_labels, datasets, keys, server, sessions, splits, users):
    blueprint.register_blueprint(_routes.routes)
