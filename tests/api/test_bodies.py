"""What is read of a request: JSON of a bounded size and depth, and nothing that breaks a server."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

JSON: Final = {"Content-Type": "application/json"}
ROUTES: Final = ("/auth/login", "/auth/refresh", "/v1/users", "/v1/user/api_keys")
#: Every path that takes a parameter, for whatever an attacker puts there.
STRANGE: Final = ("%00", "%ff%fe", "%F0%9F%92%A9", "..%2f..%2fetc%2fpasswd", "%0d%0aX: y", "'--")


def _deep(levels: int) -> str:
    return "[" * levels + "]" * levels


BAD_BODIES: Final = {
    "malformed": "{bad",
    "empty string": '""',
    "array": "[]",
    "number": "5",
    "null": "null",
    "two documents": "{} {}",
    "not UTF-8": b"\xff\xfe{}",
    "UTF-7": b"+AHs-",
    "NaN": '{"email": NaN}',
    "infinity": '{"data": {"name": "x", "expires_at": Infinity}}',
    "huge number": f'{{"email": {"9" * 5000}}}',
    "huge exponent": '{"email": 1e999999}',
    "lone surrogate": '{"email": "\\ud800", "password": "\\udfff"}',
    "surrogate key": '{"\\ud800": 1}',
    "NUL": '{"email": "\\u0000", "password": "\\u0000"}',
    "NUL byte": b'{"email": "\x00"}',
    "deep": _deep(201),
    "deeper": _deep(100_000),
    "deep object": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "unfinished": "[" * 100_000,
    "comment": "{/**/}",
    "byte order mark": b"\xef\xbb\xbf{}",
    "form": "email=a&password=b",
}


def test_every_bad_body_is_refused_by_every_route(client: FlaskClient, admin: SignedIn) -> None:
    for path in ROUTES:
        for name, body in BAD_BODIES.items():
            answer = client.post(path, data=body, headers={**JSON, **admin.headers})
            assert answer.status_code in {401, 422}, (path, name)
            assert "Traceback" not in answer.text
            if answer.status_code == 422:
                assert list(answer.get_json()) == ["detail"], (path, name)


def test_json_routes_take_nothing_else(client: FlaskClient, admin: SignedIn) -> None:
    headers = {**admin.headers, "Origin": "http://localhost"}
    for path in ROUTES:
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "text/json",
            "",
        ):
            answer = client.post(path, data="{}", headers=headers, content_type=kind)
            assert answer.status_code == 415, (path, kind)
            assert answer.text.startswith("Unsupported content type: ")


def test_a_parameter_of_the_content_type_changes_nothing(
    client: FlaskClient, member: SignedIn
) -> None:
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        answer = client.post(
            "/v1/user/api_keys",
            data='{"data": {"name": "x"}}',
            content_type=kind,
            headers=member.headers,
        )
        assert answer.status_code == 201


def test_a_compressed_body_is_refused(client: FlaskClient, member: SignedIn) -> None:
    for encoding in ("gzip", "br", "identity, gzip"):
        answer = client.post(
            "/v1/user/api_keys",
            data=gzip.compress(b'{"data": {"name": "x"}}'),
            headers={**JSON, **member.headers, "Content-Encoding": encoding},
        )
        assert (answer.status_code, answer.text[:28]) == (415, "Unsupported content encoding")


def test_a_large_body_is_refused_before_it_is_parsed(make_app: MakeApp, member: SignedIn) -> None:
    client = make_app(max_body_bytes=2048).test_client(use_cookies=False)
    large = json.dumps({"data": {"name": "x", "description": "y" * 2048}})
    for path in ROUTES:
        answer = client.post(path, data=large, headers={**JSON, **member.headers})
        expected = 403 if path == "/v1/users" else 413
        assert answer.status_code == expected, path
    assert client.get("/v1/user", headers=member.headers).status_code == 200


def test_a_body_as_deep_as_allowed_is_read(client: FlaskClient, member: SignedIn) -> None:
    for levels, status in ((100, 201), (300, 422)):
        body = f'{{"data": {{"name": "x"}}, "ignored": {_deep(levels)}}}'
        answer = client.post("/v1/user/api_keys", data=body, headers={**JSON, **member.headers})
        assert answer.status_code == status


def test_no_secret_in_a_wrong_body_is_told_back(client: FlaskClient, member: SignedIn) -> None:
    secret = "s3cret-s3cret"
    bodies: list[tuple[str, Any]] = [
        ("/auth/login", {"email": 5, "password": secret}),
        ("/auth/login", {"email": "a", "password": [secret]}),
        ("/auth/login", [{"password": secret}]),
        ("/auth/refresh", {"refresh_token": [secret]}),
        ("/auth/refresh", {"refresh_token": {"token": secret}}),
        ("/v1/user/api_keys", {"password": secret}),
        ("/v1/user/api_keys", {"data": {"key": secret}}),
    ]
    for path, body in bodies:
        answer = client.post(path, json=body, headers=member.headers)
        assert answer.status_code == 422, body
        assert secret not in answer.text, body


def test_a_malformed_body_is_not_told_back(client: FlaskClient) -> None:
    answer = client.post("/auth/login", data='{"password": "s3cret"', headers=JSON)

    assert answer.status_code == 422
    assert "s3cret" not in answer.text


def test_strange_paths_and_queries_are_refused_and_break_nothing(
    client: FlaskClient, admin: SignedIn
) -> None:
    for strange in STRANGE:
        for method, path in (
            ("DELETE", f"/v1/users/{strange}"),
            ("DELETE", f"/v1/user/api_keys/{strange}"),
            ("DELETE", f"/v1/system/api_keys/{strange}"),
            ("GET", f"/v1/users?cursor={strange}&limit=5"),
            ("GET", f"/v1/users/api_keys?cursor={strange}"),
            ("GET", f"/v1/users?limit={strange}"),
            ("GET", f"/v1/{strange}"),
            ("GET", f"/{strange}"),
        ):
            answer = client.open(path, method=method, headers=admin.headers)
            assert answer.status_code in {404, 422}, path
            assert "\r" not in str(answer.headers).replace("\r\n", "")


def test_wrong_methods_get_a_true_allow(client: FlaskClient, admin: SignedIn) -> None:
    for path, allowed in (
        ("/v1/user", {"GET", "HEAD", "OPTIONS", "PATCH"}),
        ("/v1/users", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("/v1/users/x", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH"}),
        ("/v1/user/sessions/x", {"DELETE", "OPTIONS"}),
        ("/auth/login", {"OPTIONS", "POST"}),
        ("/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("/openapi.json", {"GET", "HEAD", "OPTIONS"}),
    ):
        for method in {"PUT", "PATCH", "TRACE", "PROPFIND"} - allowed:
            answer = client.open(path, method=method, headers=admin.headers)
            assert (answer.status_code, answer.text) == (405, "Method Not Allowed")
            assert set(answer.headers["Allow"].split(", ")) == allowed


def test_unknown_paths_of_the_api_are_plain_404s(client: FlaskClient, admin: SignedIn) -> None:
    for path in ("/v1/nope", "/v1/", "/v1/users/", "/v1/user/api_keys/", "/auth/nope", "/auth/"):
        for method in ("GET", "POST", "DELETE"):
            answer = client.open(path, method=method, headers=admin.headers)
            assert (answer.status_code, answer.text) == (404, "Not Found"), path


def test_head_answers_as_get_without_a_body(client: FlaskClient, member: SignedIn) -> None:
    for path in ("/v1/user", "/v1/user/api_keys", "/healthz", "/openapi.json"):
        head = client.head(path, headers=member.headers)
        got = client.get(path, headers=member.headers)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Length"] == str(len(got.data))


@pytest.mark.parametrize("repeated", ["limit=2&limit=1", "limit=x&limit=1"])
def test_the_last_of_repeated_parameters_counts(
    client: FlaskClient, admin: SignedIn, repeated: str
) -> None:
    assert len(client.get(f"/v1/users?{repeated}", headers=admin.headers).get_json()["data"]) == 1
