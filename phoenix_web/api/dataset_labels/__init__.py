"""Routes of dataset labels and their assignment to datasets."""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.api.dataset_labels import assignments, labels

routes = Blueprint("dataset_labels", __name__, url_prefix="/v1")
for _part in (assignments, labels):
    routes.register_blueprint(_part.routes)
