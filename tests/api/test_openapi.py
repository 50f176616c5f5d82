"""The description of the API, made of what the routes declare."""

from __future__ import annotations

import difflib
import json
import re
import sys
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from phoenix_web import create_app
from phoenix_web.version import VERSION
from tests.factories import make_settings, services_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

#: The description as it was last changed on purpose. `make openapi` writes it again.
COPY: Final = Path(__file__).with_name("openapi.json")


@pytest.fixture
def bare_app(tmp_path: Path) -> Iterator[Flask]:
    """Return an application that needs no tables."""
    app = create_app(make_settings(f"sqlite:///{tmp_path}/none.db", tmp_path))
    yield app
    services_of(app).database.dispose()


@pytest.fixture
def document(bare_app: Flask) -> dict[str, Any]:
    """Return the description as a client reads it."""
    told: dict[str, Any] = bare_app.test_client().get("/openapi.json").get_json()
    return told


def _printed(document: dict[str, Any]) -> str:
    """Return *document* as the stored copy has it: indented, without the number of a release."""
    assert document["info"].pop("version") == VERSION
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def test_the_document_is_the_stored_one(document: dict[str, Any]) -> None:
    stored = COPY.read_text(encoding="utf-8")
    made = _printed(document)

    if stored != made:
        lines = difflib.unified_diff(stored.splitlines(), made.splitlines(), "stored", "made")
        difference = "\n".join(line.rstrip("\n") for line in lines)
        pytest.fail(f"If this change is intended, run `make openapi`:\n{difference}", pytrace=False)


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_route_of_the_api_is_described_and_nothing_else(
    bare_app: Flask, document: dict[str, Any]
) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in bare_app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, method, _ in _operations(document)} == routes


def test_operations_have_unique_names_and_a_summary(document: dict[str, Any]) -> None:
    names = [(operation["operationId"], method) for _, method, operation in _operations(document)]

    assert len({name for name, _ in names}) == len(names)
    assert all(operation["summary"] for _, _, operation in _operations(document))


def test_a_route_that_needs_a_credential_says_so(bare_app: Flask, document: dict[str, Any]) -> None:
    client = bare_app.test_client()
    for path, method, operation in _operations(document):
        is_guarded = "401" in operation["responses"] and bool(operation["security"])
        if not path.startswith(("/v1/", "/auth/")):
            assert not operation["security"], path
        elif path.startswith("/v1/"):
            assert is_guarded, path
            answer = client.open(re.sub(r"{\w+}", "x", path), method=method.upper())
            assert answer.status_code == HTTPStatus.UNAUTHORIZED


def test_the_scheme_is_bearer(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]

    assert (schemes["Bearer"]["type"], schemes["Bearer"]["scheme"]) == ("http", "bearer")


def test_no_schema_is_there_for_nothing(document: dict[str, Any]) -> None:
    text = str(document)

    for name in document["components"]["schemas"]:
        assert f"#/components/schemas/{name}'" in text, name


def test_new_keys_alone_carry_their_text(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert {name for name, schema in schemas.items() if "key" in schema.get("properties", {})} == {
        "CreatedApiKey"
    }
    assert not [name for name, schema in schemas.items() if "password_hash" in str(schema)]


def test_an_upload_is_described_as_json_and_as_a_form_with_a_file(document: dict[str, Any]) -> None:
    body = document["paths"]["/v1/datasets/upload"]["post"]["requestBody"]
    name = body["content"]["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]
    form = document["components"]["schemas"][name]

    assert set(body["content"]) == {"application/json", "multipart/form-data"}
    assert form["required"] == ["name", "file"]
    assert form["properties"]["file"]["format"] == "binary"
    assert {"input_keys[]", "output_keys[]", "split_key", "flatten_keys[]"} <= set(
        form["properties"]
    )


if __name__ == "__main__":  # make openapi
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        app = create_app(make_settings(f"sqlite:///{folder}/none.db", folder))
        text = app.test_client().get("/openapi.json").text
    sys.stdout.write(_printed(json.loads(text)))
