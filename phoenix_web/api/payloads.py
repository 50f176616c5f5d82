"""Base of what the API reads and answers, types of its fields, and answers made of it."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer


class Payload(BaseModel):
    """A body of a request or an answer; unknown fields are ignored, as clients expect."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def storable(text: str) -> str:
    """Return *text* when every database can store it, else raise `ValueError`."""
    # PostgreSQL's text cannot hold it, and what one database refuses the other refuses too.
    if "\x00" in text:
        raise ValueError("The character U+0000 is not allowed")
    # JSON can escape half of a pair of surrogates, which no encoding can write.
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("Text with half a surrogate pair is not allowed")
    return text


#: Text that every database can store.
Text = Annotated[str, AfterValidator(storable)]
#: ISO 8601 with a numeric offset: the Python client reads no `Z` before Python 3.11.
Moment = Annotated[datetime, PlainSerializer(datetime.isoformat, return_type=str)]


def is_absent(value: object) -> bool:
    """Tell whether an optional field is left out of an answer."""
    return value is None


def respond(payload: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Answer with *payload* as JSON."""
    return Response(payload.model_dump_json(), status, mimetype="application/json")


def no_content() -> Response:
    """Answer 204 without a body."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"]
    return response
