"""Public routes of the server: health, version, configuration and API description."""

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
    """Public configuration of the server."""

    authentication_enabled: bool
    version: str
    phoenix_version: str
    #: Whether `POST /auth/password-reset-email` can send mail.
    password_reset_email_enabled: bool


class ReadyResponse(Payload):
    """An empty object: the server is ready."""


def _text(body: str) -> Response:
    return Response(body, mimetype="text/plain")


@routes.get("/healthz")
@public
@declares(status=HTTPStatus.OK)
def health() -> Response:
    """Check that the process is running.

    Does not access the database.
    """
    return _text("OK")


@routes.get("/readyz")
@public
@declares(ReadyResponse, errors=[HTTPStatus.SERVICE_UNAVAILABLE])
def ready() -> Response:
    """Check that the database is reachable."""
    with services().database.reading() as session:
        session.execute(text("SELECT 1"))
    return respond(ReadyResponse())


@routes.get("/arize_phoenix_version")
@public
@declares(status=HTTPStatus.OK)
def phoenix_version() -> Response:
    """Get the supported version of the Phoenix API.

    Clients use it to enable features.
    """
    return _text(PHOENIX_VERSION)


@routes.get("/config")
@public
@declares(ConfigResponse)
def config() -> Response:
    """Get the public configuration."""
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
    """Get the OpenAPI description of this API."""
    return Response(openapi.document(current_app), mimetype="application/json")
