"""What every answer carries, and what none does."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from phoenix_web.version import PHOENIX_VERSION
from tests.factories import DEFAULT_ADMIN_PASSWORD

if TYPE_CHECKING:
    import pytest
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.conftest import MakeApp, MakeKey
    from tests.factories import SignedIn


def _all_sorts(client: FlaskClient, admin: SignedIn) -> list[TestResponse]:
    login = {"email": "admin@localhost", "password": DEFAULT_ADMIN_PASSWORD}
    return [
        client.get("/healthz"),
        client.get("/readyz"),
        client.get("/openapi.json"),
        client.get("/config"),
        client.get("/v1/user", headers=admin.headers),
        client.get("/v1/user"),
        client.get("/v1/nope"),
        client.put("/v1/user"),
        client.post("/v1/users", json={}, headers=admin.headers),
        client.post("/v1/user/api_keys", json={"data": {"name": "x"}}, headers=admin.headers),
        client.post("/auth/login", json=login),
        client.post("/auth/login", json=login, headers={"Accept": "application/json"}),
        client.post("/auth/refresh"),
        client.get("/auth/logout"),
    ]


def test_every_answer_tells_the_level_of_the_api_and_is_not_sniffed(
    client: FlaskClient, admin: SignedIn
) -> None:
    for answer in _all_sorts(client, admin):
        assert answer.headers["X-Phoenix-Server-Version"] == PHOENIX_VERSION
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_answer_is_stored(client: FlaskClient, admin: SignedIn) -> None:
    for answer in _all_sorts(client, admin):
        assert answer.headers["Cache-Control"] == "no-store"


def test_other_origins_get_no_permission(client: FlaskClient, admin: SignedIn) -> None:
    for origin in ("https://evil.example", "null", "http://localhost"):
        headers = {**admin.headers, "Origin": origin}
        asked = {**headers, "Access-Control-Request-Method": "DELETE"}
        for answer in (
            client.get("/v1/user", headers=headers),
            client.options("/v1/user", headers=asked),
        ):
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_secure_root_url_asks_for_https(make_app: MakeApp) -> None:
    for root_url, expected in (("https://phoenix.example", True), ("http://x.example", False)):
        answer = make_app(root_url=root_url).test_client().get("/healthz")
        assert ("Strict-Transport-Security" in answer.headers) is expected


def test_a_programs_questions_before_it_signs_in_are_answered(client: FlaskClient) -> None:
    assert client.get("/healthz").text == "OK"
    assert client.get("/readyz").json == {}
    assert client.get("/arize_phoenix_version").text == "20.26.1"
    config = client.get("/config").get_json()
    assert config["authentication_enabled"] is True
    assert set(config) == {
        "authentication_enabled",
        "version",
        "phoenix_version",
        "password_reset_email_enabled",
    }


def test_no_credential_reaches_the_log(
    client: FlaskClient, admin: SignedIn, make_key: MakeKey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = make_key(admin)
    texts = [key.text, admin.access_token, admin.refresh_token, admin.password]
    client.get("/v1/user", headers=key.headers)
    client.get("/v1/user", headers={"Authorization": f"Bearer x{key.text}"})
    client.get("/v1/user", headers={"Authorization": f"Bearer {admin.refresh_token}"})
    client.post("/auth/refresh", headers={"Cookie": f"phoenix-refresh-token={admin.access_token}"})
    client.post("/auth/refresh", headers=admin.refresh_cookie)
    client.post("/auth/login", json={"email": admin.email, "password": admin.password})
    client.post("/auth/login", json={"email": admin.password, "password": "wrong"})
    client.delete(f"/v1/user/api_keys/{key.global_id}", headers=key.headers)
    client.get("/v1/user", headers=key.headers)

    assert caplog.records
    for record in caplog.records:
        assert not [text for text in texts if text in record.getMessage()]
