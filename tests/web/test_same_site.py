"""No other site can act through its visitor's cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp, MakeKey
    from tests.factories import SignedIn

HERE: Final = "http://localhost"
FOREIGN: Final[dict[str, dict[str, str]]] = {
    "Origin": {"Origin": "https://evil.example"},
    "Origin null": {"Origin": "null"},
    "another port": {"Origin": "http://localhost:8080"},
    "another scheme": {"Origin": "https://localhost"},
    "a subdomain": {"Origin": "http://sub.localhost"},
    "a longer name": {"Origin": "http://localhost.evil.example"},
    "a user name": {"Origin": "http://localhost@evil.example"},
    "junk": {"Origin": "junk"},
    "no port": {"Origin": "http://localhost:x"},
    "empty host": {"Origin": "http://"},
    "file": {"Origin": "file://"},
    "brackets": {"Origin": "http://[localhost"},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "an unknown word": {"Sec-Fetch-Site": "trust-me"},
    "Sec-Fetch-Site against Origin": {"Sec-Fetch-Site": "cross-site", "Origin": HERE},
    "Origin against Sec-Fetch-Site": {
        "Sec-Fetch-Site": "same-origin",
        "Origin": "https://evil.example",
    },
    "Referer": {"Referer": "https://evil.example/page"},
    "Referer against Origin": {"Origin": HERE, "Referer": "https://evil.example/page"},
}
OURS: Final[dict[str, dict[str, str]]] = {
    "nothing": {},
    "same-origin": {"Sec-Fetch-Site": "same-origin"},
    "typed": {"Sec-Fetch-Site": "none"},
    "Origin": {"Origin": HERE},
    "Origin with its port": {"Origin": "http://localhost:80"},
    "upper case": {"Origin": "HTTP://LOCALHOST"},
    "all three": {"Origin": HERE, "Sec-Fetch-Site": "same-origin", "Referer": f"{HERE}/x"},
}


def _create(client: FlaskClient, headers: dict[str, str]) -> TestResponse:
    body = {"data": {"name": "x"}}
    return client.post("/v1/user/api_keys", json=body, headers=headers)


def test_a_foreign_site_changes_nothing_by_cookie(client: FlaskClient, member: SignedIn) -> None:
    for name, headers in FOREIGN.items():
        answer = _create(client, {**member.cookie, **headers})
        assert answer.status_code == 403, name
        assert "did not come from a page of this server" in answer.text
    assert client.get("/v1/user/api_keys", headers=member.headers).json == {"data": []}


def test_our_own_pages_and_programs_act_by_cookie(client: FlaskClient, member: SignedIn) -> None:
    for name, headers in OURS.items():
        assert _create(client, {**member.cookie, **headers}).status_code == 201, name


def test_a_bearer_request_may_come_from_anywhere(
    client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    for name, headers in FOREIGN.items():
        assert _create(client, {**member.headers, **headers}).status_code == 201, name
        read = client.get("/v1/user", headers={**make_key(member).headers, **headers})
        assert read.status_code == 200, name


def test_reading_by_cookie_needs_no_proof(client: FlaskClient, member: SignedIn) -> None:
    for headers in FOREIGN.values():
        assert client.get("/v1/user", headers={**member.cookie, **headers}).status_code == 200


@pytest.mark.parametrize("path", ["/auth/login", "/auth/refresh", "/auth/logout"])
def test_a_foreign_site_signs_nobody_in_or_out(
    client: FlaskClient, member: SignedIn, path: str
) -> None:
    body = {"email": member.email, "password": member.password}
    how: dict[str, Any] = {"json": body} if path == "/auth/login" else {}
    for name, headers in FOREIGN.items():
        answer = client.post(path, headers={**member.both_cookies, **headers}, **how)
        assert answer.status_code == 403, name
        assert "Set-Cookie" not in answer.headers
    assert client.get("/v1/user", headers=member.cookie).status_code == 200
    assert client.post("/auth/refresh", headers=member.refresh_cookie).status_code == 204


def test_a_form_without_origin_is_no_program(client: FlaskClient, member: SignedIn) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        for path in ("/auth/login", "/auth/refresh", "/v1/user/api_keys"):
            answer = client.post(path, data="{}", content_type=kind, headers=member.both_cookies)
            assert answer.status_code == 403, (kind, path)


def test_the_root_url_says_who_we_are(make_app: MakeApp, member: SignedIn) -> None:
    app = make_app(root_url="https://phoenix.example:8443/base")
    client = app.test_client(use_cookies=False)
    login = {"email": member.email, "password": member.password}
    for origin, status in (
        ("https://phoenix.example:8443", 204),
        ("https://phoenix.example", 403),
        ("http://phoenix.example:8443", 403),
        (HERE, 403),
    ):
        headers = {"Origin": origin, "Host": "localhost", "X-Forwarded-Host": "localhost"}
        assert client.post("/auth/login", json=login, headers=headers).status_code == status, origin


def test_a_forwarded_host_counts_only_behind_a_trusted_proxy(
    make_app: MakeApp, member: SignedIn
) -> None:
    headers = {"Origin": "https://phoenix.example"}
    headers |= {"X-Forwarded-Host": "phoenix.example", "X-Forwarded-Proto": "https"}
    for hops, status in ((0, 403), (1, 201)):
        client = make_app(trusted_proxy_hops=hops).test_client(use_cookies=False)
        assert _create(client, {**member.cookie, **headers}).status_code == status


def test_trusted_origins_may_act_and_others_may_not(make_app: MakeApp, member: SignedIn) -> None:
    app = make_app(csrf_trusted_origins="https://app.example,http://other.example:8080")
    client = app.test_client(use_cookies=False)
    for headers, status in (
        ({"Origin": "https://app.example"}, 201),
        ({"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}, 201),
        ({"Origin": "http://other.example:8080", "Referer": "http://other.example:8080/x"}, 201),
        ({"Origin": "http://app.example"}, 403),
        ({"Origin": "http://other.example"}, 403),
        ({"Origin": HERE}, 201),
    ):
        assert _create(client, {**member.cookie, **headers}).status_code == status, headers
