"""How an API route declares itself: what it reads, what it answers; parsing follows from it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from flask import Response, request
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    ValidationError,
)

from phoenix_web.errors import UnsupportedMediaType, ValidationFailed
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SECRET_FIELDS: Final = frozenset(
    {"password", "current_password", "code", "token", "refresh_token", "key"}
)
_MASK: Final = "**********"

Model = TypeVar("Model", bound=BaseModel)


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


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route declares; `openapi` makes the document of these."""

    summary: str
    tag: str
    body: type[BaseModel] | None = None
    #: A body that may be missing; the view reads it itself by `parse_body`.
    optional_body: type[BaseModel] | None = None
    #: A body that the view reads itself, in a way of its own.
    own_body: type[BaseModel] | None = None
    #: A multipart form that may come in the place of `own_body`, likewise.
    own_form: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    #: Whether the view minds the header `If-Match`.
    reads_if_match: bool = False
    #: The model of the answer for each status of success; None for an empty or plain answer.
    answers: Mapping[HTTPStatus, type[BaseModel] | None] = field(default_factory=dict)
    #: The statuses of refusal beyond those that every guarded route has.
    refusals: tuple[HTTPStatus, ...] = ()


def declares(operation: Operation) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give the view its parsed `body` and `query`; raise `ValidationFailed` when they are wrong.

    It stands below `@requires`, so that nobody's input is read before they are known and allowed.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def declared(*args: Any, **values: Any) -> Any:
            if operation.query is not None:
                values["query"] = _parse(operation.query, _last_values(), "query")
            if operation.body is not None:
                values["body"] = parse_body(operation.body)
            return view(*args, **values)

        declared.operation = operation  # type: ignore[attr-defined]  # functions take attributes
        return declared

    return decorate


def parse_body(model: type[Model]) -> Model:
    """Return the JSON body of the request as *model*; raise `ValidationFailed` when it is not."""
    return _parse(model, _read_json(), "body")


def respond(payload: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Answer with *payload* as JSON."""
    return Response(payload.model_dump_json(), status, mimetype="application/json")


def no_content() -> Response:
    """Answer 204 without a body."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    del response.headers["Content-Type"]
    return response


def _read_json() -> Any:
    """Return the JSON body of the request.

    Raises `UnsupportedMediaType` for another content type, `ValidationFailed` for a body that is
    missing or malformed.
    """
    if request.content_encoding:
        raise UnsupportedMediaType(f"Unsupported content encoding: {request.content_encoding}")
    raw = request.get_data(cache=False)
    if not raw:
        raise ValidationFailed([_fault("missing", ["body"], "Field required", None)])
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(f"Unsupported content type: {request.mimetype or 'none'}")
    try:
        value = json.loads(raw, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise _malformed(error.pos, error.msg) from error
    except RecursionError as error:
        raise _malformed(0, "Nested too deeply") from error
    except ValueError as error:  # not UTF-8, or a number with too many digits
        raise _malformed(0, "Not a JSON text in UTF-8") from error
    if _is_deeper(value, services().settings.max_json_depth):
        raise _malformed(0, "Nested too deeply")
    return value


def _no_constant(name: str) -> None:
    """Refuse `NaN` and `Infinity`, which Python reads although JSON (RFC 8259) has them not."""
    raise ValueError(name)


def _finite(digits: str) -> float:
    """Return the number, which a double can hold: `1e400` could not be told back as JSON."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def _is_deeper(value: object, limit: int) -> bool:
    """Tell whether *value* is nested deeper than *limit* levels; it does not recurse itself."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def value_fault(place: list[str | int], text: str) -> dict[str, Any]:
    """Return the fault that the value at *place* is refused with *text*; it is not echoed."""
    return {**_fault("value_error", place, f"Value error, {text}", _MASK), "ctx": {"error": {}}}


def _malformed(position: int, reason: str) -> ValidationFailed:
    fault = _fault("json_invalid", ["body", position], "JSON decode error", {})
    return ValidationFailed([{**fault, "ctx": {"error": reason}}])


def _fault(kind: str, place: list[str | int], text: str, value: object) -> dict[str, Any]:
    return {"type": kind, "loc": place, "msg": text, "input": value}


def _last_values() -> dict[str, str]:
    """Return the query parameters; of a repeated one the last value counts."""
    return {name: values[-1] for name, values in request.args.lists()}


def _parse(model: type[Model], value: object, place: str) -> Model:
    try:
        return model.model_validate(value, from_attributes=True)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise ValidationFailed([_to_fault(dict(fault), place) for fault in faults]) from error


def _to_fault(fault: dict[str, Any], place: str) -> dict[str, Any]:
    """Return *fault* as clients know it: with its whole place, without a secret."""
    location = [place, *fault["loc"]]
    fault["loc"] = location
    fault["input"] = _MASK if location[-1] in _SECRET_FIELDS else _masked(fault["input"])
    if "ctx" in fault:
        fault["ctx"] = {
            name: {} if isinstance(value, Exception) else value
            for name, value in fault["ctx"].items()
        }
    return fault


def _masked(value: object) -> object:
    """Return *value* with the secrets in it blacked out."""
    if isinstance(value, dict):
        return {
            name: _MASK if name in _SECRET_FIELDS else _masked(inner)
            for name, inner in value.items()
        }
    return [_masked(inner) for inner in value] if isinstance(value, list) else value
