"""Redirects from `/` and `/settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from phoenix_web.ui import htmx, links
from phoenix_web.web.guard import public

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("home", __name__)


@routes.get("/")
@public
def index() -> Response:
    """Redirect to the datasets."""
    return htmx.redirect(links.url_for("ui.datasets.index"))


@routes.get("/settings")
@public
def settings() -> Response:
    """Redirect to the caller's keys."""
    return htmx.redirect(links.url_for("ui.keys.index"))
