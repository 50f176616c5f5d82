"""What a client may ask before it signs in: health, version, configuration, description."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, current_app
from sqlalchemy import text

from phoenix_web.api import openapi
from phoenix_web.api.declaring import declares
from phoenix_web.api.payloads import Payload, respond
from phoenix_web.version import PHOENIX_VERSION, VERSION
from phoenix_web.web.guard import public
from phoenix_web.web.services import services

routes = Blueprint("server", __name__)


class ConfigResponse(Payload):
    """What a client must know before it signs in."""

    authentication_enabled: bool
    version: str
    phoenix_version: str
    #: Whether `POST /auth/password-reset-email` can send anything.
    password_reset_email_enabled: bool


class ReadyResponse(Payload):
    """An empty object: the server can do its work."""


def _text(body: str) -> Response:
    return Response(body, mimetype="text/plain")


@routes.get("/healthz")
@public
@declares(status=HTTPStatus.OK)
def health() -> Response:
    """Tell that the process runs.

    The database is not asked.
    """
    return _text("OK")


@routes.get("/readyz")
@public
@declares(ReadyResponse, refusals=[HTTPStatus.SERVICE_UNAVAILABLE])
def ready() -> Response:
    """Tell that the database answers."""
    with services().database.reading() as session:
        session.execute(text("SELECT 1"))
    return respond(ReadyResponse())


@routes.get("/arize_phoenix_version")
@public
@declares(status=HTTPStatus.OK)
def phoenix_version() -> Response:
    """Tell the level of the Phoenix API.

    Clients enable their features by these three numbers.
    """
    return _text(PHOENIX_VERSION)


@routes.get("/config")
@public
@declares(ConfigResponse)
def config() -> Response:
    """Tell what a client must know before it signs in."""
    return respond(
        ConfigResponse(
            authentication_enabled=services().settings.enable_auth,
            version=VERSION,
            phoenix_version=PHOENIX_VERSION,
            password_reset_email_enabled=services().mail is not None,
        )
    )


@routes.get("/openapi.json")
@public
@declares(status=HTTPStatus.OK)
def description() -> Response:
    """Describe this API."""
    return Response(openapi.document(current_app), mimetype="application/json")
