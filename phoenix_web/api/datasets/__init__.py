"""Routes under `/v1/datasets`, except labels and splits."""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.api.datasets import datasets, downloads, examples, uploads, versions

routes = Blueprint("datasets", __name__, url_prefix="/v1/datasets")
for _part in (datasets, downloads, examples, uploads, versions):
    routes.register_blueprint(_part.routes)
