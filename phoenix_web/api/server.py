"""What a client may ask before it signs in: health, version, configuration, description."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, current_app
from sqlalchemy import text

from phoenix_web.api import openapi
from phoenix_web.api.operations import Operation, Payload, declares, respond
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
@declares(Operation("Tell that the process runs", "server", answers={HTTPStatus.OK: None}))
def health() -> Response:
    """Answer `OK`, whatever the database does."""
    return _text("OK")


@routes.get("/readyz")
@public
@declares(
    Operation(
        "Tell that the database answers",
        "server",
        answers={HTTPStatus.OK: ReadyResponse},
        refusals=(HTTPStatus.SERVICE_UNAVAILABLE,),
    )
)
def ready() -> Response:
    """Answer an empty object once the database has answered."""
    with services().database.reading() as session:
        session.execute(text("SELECT 1"))
    return respond(ReadyResponse())


@routes.get("/arize_phoenix_version")
@public
@declares(Operation("Tell the level of the Phoenix API", "server", answers={HTTPStatus.OK: None}))
def phoenix_version() -> Response:
    """Answer the version as three numbers, by which clients enable their features."""
    return _text(PHOENIX_VERSION)


@routes.get("/config")
@public
@declares(
    Operation(
        "Tell what a client must know before it signs in",
        "server",
        answers={HTTPStatus.OK: ConfigResponse},
    )
)
def config() -> Response:
    """Answer whether credentials are needed at all."""
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
@declares(Operation("Describe this API", "server", answers={HTTPStatus.OK: None}))
def description() -> Response:
    """Answer the OpenAPI 3.1 document, made of the routes' own declarations."""
    return Response(openapi.document(current_app), mimetype="application/json")
