"""The OpenAPI 3.1 description of the API, made of what the routes declare."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from phoenix_web.version import VERSION

if TYPE_CHECKING:
    from flask import Flask
    from pydantic import BaseModel
    from werkzeug.routing import Rule

    from phoenix_web.api.operations import Operation

_TEMPLATE: Final = "#/components/schemas/{model}"
_GUARDED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_DOCUMENT: Final = "openapi_document"
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` that was read; another version by now is 409",
    "schema": {"type": "string"},
}


def document(app: Flask) -> bytes:
    """Return the description of *app* as JSON; it is made once."""
    if _DOCUMENT not in app.extensions:
        app.extensions[_DOCUMENT] = json.dumps(_document(app)).encode()
    made: bytes = app.extensions[_DOCUMENT]
    return made


def _document(app: Flask) -> dict[str, Any]:
    rules = [rule for rule in app.url_map.iter_rules() if _operation(app, rule)]
    inputs, outputs = _models(app, rules)
    references, schemas = models_json_schema(
        [(model, "validation") for model in inputs]
        + [(model, "serialization") for model in outputs],
        ref_template=_TEMPLATE,
    )
    paths: dict[str, Any] = {}
    for rule in rules:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        methods = sorted({*(rule.methods or ())} - {"HEAD", "OPTIONS"})
        for method in methods:
            described = _described(app, rule, references, schemas)
            if len(methods) > 1:  # one view, but each operation has a name of its own
                described["operationId"] += f"_{method.lower()}"
            paths.setdefault(path, {})[method.lower()] = described
    # Their fields are parameters; several routes may have the same ones.
    operations = [operation for rule in rules if (operation := _operation(app, rule))]
    for query in {operation.query for operation in operations if operation.query}:
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


def _operation(app: Flask, rule: Rule) -> Operation | None:
    return getattr(app.view_functions[rule.endpoint], "operation", None)


def _models(app: Flask, rules: list[Rule]) -> tuple[list[type[BaseModel]], list[type[BaseModel]]]:
    """Return the models that routes read, and those that they answer; each once."""
    operations = [operation for rule in rules if (operation := _operation(app, rule))]
    read = [
        model
        for o in operations
        for model in (o.body, o.own_body, o.own_form, o.optional_body, o.query)
        if model
    ]
    answered = [model for o in operations for model in o.answers.values() if model]
    return list(dict.fromkeys(read)), list(dict.fromkeys(answered))


def _described(
    app: Flask, rule: Rule, references: dict[Any, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    operation: Operation = getattr(view, "operation")  # noqa: B009 - mypy knows no such attribute
    is_public = getattr(view, "is_public", False)
    described: dict[str, Any] = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [
            *_in_path(rule),
            *_in_query(operation, references, schemas),
            *([_IF_MATCH] if operation.reads_if_match else []),
        ],
        "responses": _responses(operation, references, is_public=is_public),
        "security": [] if is_public else [{"Bearer": []}, {"Cookie": []}],
    }
    body = operation.body or operation.own_body or operation.optional_body
    if body is not None:
        content = _json(references[body, "validation"])
        if operation.own_form is not None:
            content["multipart/form-data"] = {
                "schema": references[operation.own_form, "validation"]
            }
        described["requestBody"] = {
            "required": operation.optional_body is None,
            "content": content,
        }
    return described


def _in_path(rule: Rule) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in sorted(rule.arguments)
    ]


def _in_query(
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


def _responses(
    operation: Operation, references: dict[Any, Any], *, is_public: bool
) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, model in operation.answers.items():
        responses[str(int(status))] = {"description": status.phrase}
        if model is not None:
            content = _json(references[model, "serialization"])
            responses[str(int(status))]["content"] = content
    reads = operation.body or operation.own_body or operation.optional_body or operation.query
    refusals = {*operation.refusals, *(() if is_public else _GUARDED)}
    if reads:
        refusals.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    for status in sorted(refusals):
        responses[str(int(status))] = {
            "description": status.phrase,
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    return responses


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
