from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from phoenix_web.store.datasets.datasets import DatasetStore
from tests.factories import DEFAULT_ADMIN_PASSWORD, PASSWORD
from tests.ui.visitor import HTMX, found, visitor

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp, MakeKey
    from tests.factories import SignedIn

PAGES = ["/datasets", "/settings/keys", "/settings/system-keys", "/settings/profile"]
FORMS = [
    "/login",
    "/logout",
    "/settings/keys",
    "/settings/keys/1/revoke",
    "/settings/system-keys",
    "/settings/system-keys/1/revoke",
    "/settings/profile",
]
FOREIGN: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:8080"},
    {"Origin": "https://localhost"},
    {"Origin": "null"},
    {"Referer": "https://evil.example/"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
]


@pytest.mark.parametrize("path", FORMS)
def test_forms_of_other_sites_are_refused(
    app: Flask, client: FlaskClient, admin: SignedIn, path: str
) -> None:
    for headers in FOREIGN:
        sent = {**admin.both_cookies, **headers}
        answer = client.post(path, headers=sent, data={"email": admin.email, "password": PASSWORD})

        assert answer.status_code == 403, headers
        assert "Set-Cookie" not in answer.headers
    assert visitor(app, admin).get("/datasets").status_code == 200


def test_a_browser_without_fetch_metadata_shows_its_origin(
    client: FlaskClient, member: SignedIn
) -> None:
    headers = {**member.both_cookies, "Origin": "http://localhost"}

    assert client.post("/settings/keys", headers=headers).status_code == 422


@pytest.mark.parametrize("path", [*PAGES, "/login", "/nope", "/settings/keys/1/revoke"])
def test_every_page_has_the_headers_of_a_page(app: Flask, admin: SignedIn, path: str) -> None:
    for browser in (visitor(app), visitor(app, admin)):
        headers = browser.get(path).headers

        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Permissions-Policy" in headers


@pytest.mark.parametrize("path", [*PAGES, "/login", "/nope"])
def test_pages_hold_no_script_and_no_style_of_their_own(
    app: Flask, admin: SignedIn, make_key: MakeKey, path: str
) -> None:
    make_key(admin, "x")

    page = visitor(app, admin if path != "/login" else None).get(path).text

    assert page.count("<h1") == 1
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on\w+=|javascript:", page)
    assert not re.search(r'(?:src|href|action)="(?!/static/|/|#)', page)


def test_paths_that_lead_on(app: Flask) -> None:
    browser = visitor(app)

    assert browser.get("/").location == "/datasets"
    assert browser.get("/settings").location == "/settings/keys"


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_signing_in(app: Flask, make_app: MakeApp, path: str) -> None:
    assert visitor(app).get(path).location == f"/login?next={path}"
    assert visitor(make_app(host_root_path="/px")).get(path).location == f"/px/login?next={path}"


def test_whoever_must_choose_a_password_gets_nowhere_else(app: Flask) -> None:
    browser = visitor(app)
    browser.sign_in("admin@localhost", DEFAULT_ADMIN_PASSWORD)

    for path in PAGES[:3]:
        assert browser.get(path).location == "/settings/profile"
        assert browser.get(path, **HTMX).headers["HX-Redirect"] == "/settings/profile"
    for path in FORMS[2:-1]:
        assert browser.post(path).location == "/settings/profile"
    page = browser.get("/settings/profile")
    assert page.status_code == 200
    assert "Choose your own password" in page.text
    assert 'href="/datasets"' not in page.text
    assert browser.post("/logout").location == "/login"


def test_a_proxys_path_stands_before_every_address(make_app: MakeApp, admin: SignedIn) -> None:
    browser = visitor(make_app(host_root_path="/px"), admin)

    pages = [browser.get(path).text for path in [*PAGES, "/nope"]]

    for page in pages:
        addresses = re.findall(r'(?:src|href|action|hx-post)="(/[^"]*)"', page)
        assert len(addresses) > 3
        assert all(address.startswith("/px/") for address in addresses)
    assert browser.get("/login?next=/settings/keys").location == "/px/settings/keys"
    assert browser.get("/").location == "/px/datasets"
    assert browser.post("/logout").location == "/px/login"


def test_without_authentication_data_is_open_and_keys_say_why_not(make_app: MakeApp) -> None:
    browser = visitor(make_app(enable_auth=False))

    assert browser.get("/datasets").status_code == 200
    assert "Authentication is off" in browser.get("/datasets").text
    for path in PAGES[1:]:
        answer = browser.get(path)
        assert answer.status_code == 403
        assert "Authentication is off</h1>" in answer.text
        assert "PHOENIX_ENABLE_AUTH" in answer.text
        assert browser.post(path).status_code == 403
    assert browser.get("/login").location == "/datasets"
    assert browser.sign_in("admin@localhost", DEFAULT_ADMIN_PASSWORD).status_code == 404
    assert browser.post("/logout").location == "/login"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nope", 404), ("GET", "/logout", 405), ("PUT", "/datasets", 405)],
)
def test_errors_are_pages(app: Flask, method: str, path: str, status: int) -> None:
    answer = app.test_client().open(path, method=method)

    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert "<h1>" in answer.text
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_defect_tells_nothing(
    app: Flask,
    member: SignedIn,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app.testing = False

    def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError("the secret of the defect")

    monkeypatch.setattr(DatasetStore, "page", fail)
    answer = visitor(app, member).get("/datasets")

    assert answer.status_code == 500
    reference = found(r"quote reference (\w{8})\.", answer.text)
    assert f"GET '/datasets' failed, reference {reference}" in caplog.text
    assert "secret of the defect" not in answer.text
    assert "secret of the defect" in caplog.text
