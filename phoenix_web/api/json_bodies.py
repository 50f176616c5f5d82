"""Parsing and validation of JSON bodies, with secrets masked in errors."""

from __future__ import annotations

import json
import math
from typing import Any, Final, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from phoenix_web.datasets.limits import is_deeper
from phoenix_web.errors import UnsupportedMediaType, ValidationFailed
from phoenix_web.web.services import services

_SECRET_FIELDS: Final = frozenset(
    {"password", "current_password", "code", "token", "refresh_token", "key"}
)
_MASK: Final = "**********"

Model = TypeVar("Model", bound=BaseModel)


def parse_body(model: type[Model]) -> Model:
    """Parse the JSON body of the request as *model*; raise `ValidationFailed`."""
    return parse(model, _read_json(), "body")


def parse(model: type[Model], value: object, place: str) -> Model:
    """Validate *value*, from *place* ("body" or "query"), as *model*; raise `ValidationFailed`."""
    try:
        return model.model_validate(value, from_attributes=True)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise ValidationFailed([_to_fault(dict(fault), place) for fault in faults]) from error


def value_fault(place: list[str | int], text: str) -> dict[str, Any]:
    """Return a validation fault with *text* for the value at *place*, which is masked."""
    return {**_fault("value_error", place, f"Value error, {text}", _MASK), "ctx": {"error": {}}}


def _read_json() -> Any:
    """Return the JSON body of the request.

    Raises `UnsupportedMediaType` for another content type, `ValidationFailed` for a missing or
    malformed body.
    """
    if request.content_encoding:
        raise UnsupportedMediaType(f"Unsupported content encoding: {request.content_encoding}")
    raw = request.get_data(cache=False)
    if not raw:
        raise ValidationFailed([_fault("missing", ["body"], "Field required", None)])
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(f"Unsupported content type: {request.mimetype or 'none'}")
    try:
        value = json.loads(raw, parse_constant=_reject_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise _malformed(error.pos, error.msg) from error
    except RecursionError as error:
        raise _malformed(0, "Nested too deeply") from error
    except ValueError as error:  # not UTF-8, or a number with too many digits
        raise _malformed(0, "Not a JSON text in UTF-8") from error
    if is_deeper(value, services().settings.max_json_depth):
        raise _malformed(0, "Nested too deeply")
    return value


def _reject_constant(name: str) -> None:
    """Reject `NaN` and `Infinity`, which Python accepts but JSON (RFC 8259) does not."""
    raise ValueError(name)


def _finite(digits: str) -> float:
    """Parse *digits*; reject infinity: `1e400` could not be written back as JSON."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def _malformed(position: int, reason: str) -> ValidationFailed:
    fault = _fault("json_invalid", ["body", position], "JSON decode error", {})
    return ValidationFailed([{**fault, "ctx": {"error": reason}}])


def _fault(kind: str, place: list[str | int], text: str, value: object) -> dict[str, Any]:
    return {"type": kind, "loc": place, "msg": text, "input": value}


def _to_fault(fault: dict[str, Any], place: str) -> dict[str, Any]:
    """Return a pydantic error as the API returns it: with *place* in `loc`, secrets masked."""
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
    """Return *value* with the secrets in it masked."""
    if isinstance(value, dict):
        return {
            name: _MASK if name in _SECRET_FIELDS else _masked(inner)
            for name, inner in value.items()
        }
    return [_masked(inner) for inner in value] if isinstance(value, list) else value
