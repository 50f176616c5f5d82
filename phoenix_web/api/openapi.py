"""The OpenAPI 3.1 document of the API, generated from `@declares`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from phoenix_web.version import VERSION

if TYPE_CHECKING:
    from flask import Flask
    from pydantic import BaseModel
    from werkzeug.routing import Rule

    from phoenix_web.api.declaring import Operation

_TEMPLATE: Final = "#/components/schemas/{model}"
_DOCUMENT: Final = "openapi_document"
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the expected version; 409 if the version has changed",
    "schema": {"type": "string"},
}


def document(app: Flask) -> bytes:
    """Return the OpenAPI document of *app* as JSON, generated on first use."""
    if _DOCUMENT not in app.extensions:
        app.extensions[_DOCUMENT] = json.dumps(_document(app)).encode()
    content: bytes = app.extensions[_DOCUMENT]
    return content


@dataclass(frozen=True, slots=True)
class _Route:
    rule: Rule
    operation: Operation
    is_public: bool
    is_limited: bool


def _document(app: Flask) -> dict[str, Any]:
    routes = _routes(app)
    inputs, outputs = _models([route.operation for route in routes])
    references, schemas = models_json_schema(
        [(model, "validation") for model in inputs]
        + [(model, "serialization") for model in outputs],
        ref_template=_TEMPLATE,
    )
    paths: dict[str, Any] = {}
    for route in routes:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule.rule)
        methods = sorted({*(route.rule.methods or ())} - {"HEAD", "OPTIONS"})
        for method in methods:
            described = _operation(route, references, schemas)
            if len(methods) > 1:  # operation ids must be unique
                described["operationId"] += f"_{method.lower()}"
            paths.setdefault(path, {})[method.lower()] = described
    # The fields of query models are described as parameters, not as schemas.
    for query in {route.operation.query for route in routes if route.operation.query}:
        schemas["$defs"].pop(references[query, "validation"]["$ref"].rpartition("/")[2])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "phoenix_web",
            "version": VERSION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "Bearer": {"type": "http", "scheme": "bearer"},
                "Cookie": {"type": "apiKey", "in": "cookie", "name": "phoenix-access-token"},
            },
        },
    }


def _routes(app: Flask) -> list[_Route]:
    """Return the routes of *app* that have `@declares`."""
    return [
        _Route(
            rule,
            view.operation,
            is_public=getattr(view, "is_public", False),
            is_limited=getattr(view, "is_limited", False),
        )
        for rule in app.url_map.iter_rules()
        if hasattr(view := app.view_functions[rule.endpoint], "operation")
    ]


def _models(operations: list[Operation]) -> tuple[list[type[BaseModel]], list[type[BaseModel]]]:
    """Return the unique input models and response models of *operations*."""
    read = [model for o in operations for model in (o.body, o.form, o.query) if model]
    written = [model for o in operations for model in o.responses.values() if model]
    return list(dict.fromkeys(read)), list(dict.fromkeys(written))


def _operation(
    route: _Route, references: dict[Any, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    operation = route.operation
    # The endpoint is "api.<tag>. ... .<view>".
    names = route.rule.endpoint.split(".")
    described: dict[str, Any] = {
        "operationId": names[-1],
        "summary": operation.summary,
        "tags": [names[1]],
        "parameters": [
            *_path_parameters(route.rule),
            *_query_parameters(operation, references, schemas),
            *([_IF_MATCH] if operation.reads_if_match else []),
        ],
        "responses": _responses(route, references),
        "security": [] if route.is_public else [{"Bearer": []}, {"Cookie": []}],
    }
    if operation.body is not None:
        content = _json(references[operation.body, "validation"])
        if operation.form is not None:
            form = references[operation.form, "validation"]
            content["multipart/form-data"] = {"schema": form}
        described["requestBody"] = {
            "required": not operation.is_body_optional,
            "content": content,
        }
    return described


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in sorted(rule.arguments)
    ]


def _query_parameters(
    operation: Operation, references: dict[Any, Any], schemas: dict[str, Any]
) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    name = references[operation.query, "validation"]["$ref"].rpartition("/")[2]
    properties = schemas["$defs"][name]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in properties.items()
    ]


def _responses(route: _Route, references: dict[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, model in route.operation.responses.items():
        responses[str(int(status))] = {"description": status.phrase}
        if model is not None:
            content = _json(references[model, "serialization"])
            responses[str(int(status))]["content"] = content
    for status in sorted(_error_statuses(route)):
        responses[str(int(status))] = {
            "description": status.phrase,
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    return responses


def _error_statuses(route: _Route) -> set[HTTPStatus]:
    errors = set(route.operation.errors)
    if not route.is_public:
        errors |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if route.rule.arguments:
        errors.add(HTTPStatus.NOT_FOUND)
    if route.operation.body or route.operation.query:
        errors.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if route.is_limited:
        errors.add(HTTPStatus.TOO_MANY_REQUESTS)
    return errors


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
