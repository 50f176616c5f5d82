"""The base of request and response models, field types, and JSON responses."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, TypeVar

from flask import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer

from phoenix_web.errors import Invalid
from phoenix_web.text import storage_fault

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class Payload(BaseModel):
    """The body of a request or response; unknown fields are ignored, as in Phoenix."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def storable(text: str) -> str:
    """Return *text*; raise `ValueError` if a database cannot store it."""
    if fault := storage_fault(text):
        raise ValueError(fault)
    return text


def checked(rule: Callable[[Value], Value]) -> AfterValidator:
    """Return *rule*, which raises `Invalid`, as a pydantic validator."""

    def check(value: Value) -> Value:
        try:
            return rule(value)
        except Invalid as error:
            raise ValueError(error.message) from error

    return AfterValidator(check)


#: Text that every database can store.
Text = Annotated[str, AfterValidator(storable)]
#: ISO 8601 with a numeric offset: the Python client cannot parse `Z` before Python 3.11.
Timestamp = Annotated[datetime, PlainSerializer(datetime.isoformat, return_type=str)]


def is_absent(value: object) -> bool:
    """Return whether to omit an optional field from the response."""
    return value is None


def respond(payload: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Respond with *payload* as JSON."""
    return Response(payload.model_dump_json(), status, mimetype="application/json")


def no_content() -> Response:
    """Respond with 204 and no body."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"]
    return response
