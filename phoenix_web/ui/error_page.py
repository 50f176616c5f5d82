"""Stub: error page, being written."""

from __future__ import annotations
from http import HTTPStatus
from flask import Response


def respond(status: HTTPStatus, message: str) -> Response:
    return Response(message, status, mimetype="text/plain")
