"""The API's door: `/v1`, `/auth` and what a client asks before it signs in.

Every view here says `@requires` or `@public`, and declares what it reads and answers.
"""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.api import audit, datasets, server, users
from phoenix_web.api.auth import passwords, sign_in
from phoenix_web.api.dataset_labels import labels
from phoenix_web.api.keys import keys
from phoenix_web.web.guard import authenticate_api

door = Blueprint("api", __name__)
door.before_request(authenticate_api)
for _routes in (audit, sign_in, labels, datasets, keys, passwords, server, users):
    door.register_blueprint(_routes.routes)
