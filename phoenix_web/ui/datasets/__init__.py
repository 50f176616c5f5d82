"""Pages of datasets: the list, a dataset, and the upload of a file."""

from __future__ import annotations

from flask import Blueprint

from phoenix_web.ui.datasets import dataset, listing
from phoenix_web.ui.datasets.upload import pages

routes = Blueprint("datasets", __name__, url_prefix="/datasets")
for _part in (dataset, pages):
    routes.register_blueprint(_part.routes)
# Registered here, so that the endpoint is `ui.datasets.index`, as for the other sections.
routes.add_url_rule("", view_func=listing.index)
