"""The `@declares` decorator, which parses the input of API routes and describes them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from flask import request

from phoenix_web.api.json_bodies import parse, parse_body
from phoenix_web.web.guard import mark
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import BaseModel

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Operation:
    """The parameters and responses of a view, for the OpenAPI document."""

    summary: str
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    form: type[BaseModel] | None
    is_body_optional: bool
    reads_if_match: bool
    #: Response model by success status; None for an empty or plain text response.
    responses: Mapping[HTTPStatus, type[BaseModel] | None]
    #: Error statuses that do not follow from the rest.
    errors: Sequence[HTTPStatus]


def declares(  # noqa: PLR0913 - each describes what a signature cannot
    response: type[BaseModel] | None = None,
    status: HTTPStatus | None = None,
    *,
    empty_status: HTTPStatus | None = None,
    errors: Sequence[HTTPStatus] = (),
    own_body: type[BaseModel] | None = None,
    own_form: type[BaseModel] | None = None,
    has_large_body: bool = False,
    reads_if_match: bool = False,
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Describe a view, and parse the `body` and `query` parameters of its signature.

    The first line of the docstring is the summary. *status* defaults to 200 with the model
    *response*, to 204 without one; *empty_status* is for an alternative response without content. A
    body annotated `Model | None` is optional; one with *has_large_body* may be as large as an
    upload. The view itself reads *own_body* and *own_form*. *errors* adds error statuses to the
    implied ones: 401 and 403 for `@requires`, 404 for an id in the path, 422 for a body or query,
    429 for `@limited`.

    Place it below `@requires`, so that the input of unauthorized callers is not read. Raises
    `ValidationFailed` for an invalid body or query.
    """

    def decorate(view: Callable[..., Result]) -> Callable[..., Result]:
        hints = get_type_hints(view)
        query, body = hints.get("query"), hints.get("body")
        is_body_optional = bool(get_args(body))
        body_model: type[BaseModel] | None = get_args(body)[0] if is_body_optional else body

        @wraps(view)
        def declared(*args: Any, **values: Any) -> Result:
            if query is not None:
                # The last value of a repeated parameter counts.
                last = {name: texts[-1] for name, texts in request.args.lists()}
                values["query"] = parse(query, last, "query")
            if body_model is not None:
                if has_large_body:
                    request.max_content_length = services().upload_limits.max_bytes
                is_missing = is_body_optional and not request.get_data()
                values["body"] = None if is_missing else parse_body(body_model)
            return view(*args, **values)

        success = status or (HTTPStatus.OK if response else HTTPStatus.NO_CONTENT)
        operation = Operation(
            summary=(inspect.getdoc(view) or "").partition("\n")[0].removesuffix("."),
            query=query,
            body=body_model or own_body,
            form=own_form,
            is_body_optional=is_body_optional,
            reads_if_match=reads_if_match,
            responses={**({empty_status: None} if empty_status else {}), success: response},
            errors=errors,
        )
        return mark(declared, operation=operation)

    return decorate
