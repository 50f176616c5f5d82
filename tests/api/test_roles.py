"""Who may do what: the contract's table of roles, complete, by every kind of credential."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest

from phoenix_web.global_ids import encode
from phoenix_web.policy import Refusal
from tests.factories import ADMIN_SECRET, add_key

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from tests.conftest import MakeApp, MakeKey, MakeUser
    from tests.factories import SignedIn

ADMINS_ONLY: Final = Refusal.ADMINS_ONLY
NEEDS_AUTHENTICATION: Final = Refusal.NEEDS_AUTHENTICATION
NOT_FOR_KEYS: Final = Refusal.NOT_FOR_KEYS
NOT_FOR_SYSTEM_KEYS: Final = Refusal.NOT_FOR_SYSTEM_KEYS
NOT_FOR_VIEWERS: Final = Refusal.NOT_FOR_VIEWERS
SESSIONS_ONLY: Final = Refusal.SESSIONS_ONLY
ANONYMOUS: Final = "Invalid token"
MISSING: Final = "API key not found"
NO_SYSTEM_KEY: Final = "System API key not found"
NO_USER: Final = "User not found"
NO_SESSION: Final = "Session not found"
NO_CHANGE: Final = "No fields to update"
#: What each caller gets: a status for an answer, a text for a refusal. The order of callers is
#: that of `CALLERS`.
CALLERS: Final = (
    "nobody",
    "a bad token",
    "viewer session",
    "viewer key",
    "member session",
    "member key",
    "admin session",
    "admin key",
    "system key",
    "admin secret",
)
_no: Final[list[int | str]] = [ANONYMOUS, ANONYMOUS]
_session_only: Final[list[int | str]] = [201, NOT_FOR_KEYS] * 3
_session_reads: Final[list[int | str]] = [200, SESSIONS_ONLY] * 3
_admins: Final[list[int | str]] = [ADMINS_ONLY] * 4
_missing_session: Final[list[int | str]] = [NO_SESSION, SESSIONS_ONLY] * 3
_no_change: Final[list[int | str]] = [NO_CHANGE, SESSIONS_ONLY] * 3
_missing_user: Final[list[int | str]] = [NO_USER, NO_USER, ADMINS_ONLY, NO_USER]
TABLE: Final[dict[str, list[int | str]]] = {
    "GET /v1/user": [*_no, 200, 200, 200, 200, 200, 200, 200, 200],
    "GET /v1/users": [*_no, *_admins, 200, 200, ADMINS_ONLY, 200],
    "POST /v1/users": [
        *_no,
        *[NOT_FOR_VIEWERS] * 2,
        *[ADMINS_ONLY] * 2,
        201,
        201,
        ADMINS_ONLY,
        201,
    ],
    "DELETE /v1/users/{absent}": [
        *_no,
        *[NOT_FOR_VIEWERS] * 2,
        *[ADMINS_ONLY] * 2,
        *_missing_user,
    ],
    "GET /v1/users/{absent}": [*_no, *_admins, *_missing_user],
    "PATCH /v1/users/{absent}": [
        *_no,
        *[NOT_FOR_VIEWERS] * 2,
        *[ADMINS_ONLY] * 2,
        *[NO_USER, SESSIONS_ONLY, ADMINS_ONLY, NO_USER],
    ],
    "PATCH /v1/user": [*_no, *_no_change, SESSIONS_ONLY, SESSIONS_ONLY],
    "GET /v1/user/sessions": [*_no, *_session_reads, SESSIONS_ONLY, SESSIONS_ONLY],
    "DELETE /v1/user/sessions/{absent}": [
        *_no,
        *_missing_session,
        SESSIONS_ONLY,
        SESSIONS_ONLY,
    ],
    "GET /v1/users/{absent}/sessions": [*_no, *_admins, *_missing_user],
    "DELETE /v1/users/{absent}/sessions": [
        *_no,
        *_admins,
        *[NO_USER, SESSIONS_ONLY, ADMINS_ONLY, NO_USER],
    ],
    "GET /v1/user/api_keys": [*_no, 200, 200, 200, 200, 200, 200, 200, 200],
    "POST /v1/user/api_keys": [*_no, *_session_only, NOT_FOR_KEYS, NOT_FOR_KEYS],
    "DELETE /v1/user/api_keys/{absent}": [*_no, *[MISSING] * 6, NOT_FOR_SYSTEM_KEYS, MISSING],
    "DELETE /v1/user/api_keys/{another's}": [
        *_no,
        *[MISSING] * 4,
        204,
        204,
        NOT_FOR_SYSTEM_KEYS,
        204,
    ],
    "GET /v1/users/api_keys": [*_no, *_admins, 200, 200, ADMINS_ONLY, 200],
    "GET /v1/system/api_keys": [*_no, *_admins, 200, 200, ADMINS_ONLY, 200],
    "POST /v1/system/api_keys": [*_no, *_admins, 201, NOT_FOR_KEYS, ADMINS_ONLY, 201],
    "DELETE /v1/system/api_keys/{absent}": [
        *_no,
        *_admins,
        *[NO_SYSTEM_KEY, NO_SYSTEM_KEY, ADMINS_ONLY, NO_SYSTEM_KEY],
    ],
    "GET /v1/audit_events": [*_no, *_admins, 200, 200, ADMINS_ONLY, 200],
    "GET /v1/datasets": [*_no, 200, 200, 200, 200, 200, 200, 200, 200],
    "POST /v1/datasets/upload": [*_no, *[NOT_FOR_VIEWERS] * 2, 200, 200, 200, 200, 200, 200],
    "GET /auth/logout": [302] * 10,
    "POST /auth/refresh": ["Missing refresh token"] * 10,
    "GET /healthz": [200] * 10,
    "GET /readyz": [200] * 10,
    "GET /arize_phoenix_version": [200] * 10,
    "GET /openapi.json": [200] * 10,
    "GET /config": [200] * 10,
}
_numbers = count(1)


def _body(call: str) -> Any:
    name = f"made-{next(_numbers)}"
    if call == "POST /v1/users":
        user = {"email": f"{name}@example.com", "username": name, "role": "MEMBER"}
        return {"user": {**user, "auth_method": "LOCAL"}}
    if call.startswith("PATCH"):
        return {"role": "VIEWER"}
    if call == "POST /v1/datasets/upload":
        return {"action": "create", "name": name, "inputs": [{"question": "?"}]}
    return {"data": {"name": name}} if call.startswith("POST /v1") else None


def _told(client: FlaskClient, call: str, path: str, headers: dict[str, str]) -> int | str:
    body = _body(call)
    how: dict[str, Any] = {} if body is None else {"json": body}
    response = client.open(path, method=call.partition(" ")[0], headers=headers, **how)
    return response.status_code if response.status_code < 400 else response.text


@pytest.fixture
def callers(
    admin: SignedIn, member: SignedIn, viewer: SignedIn, make_key: MakeKey
) -> dict[str, dict[str, str]]:
    """Return the headers of each of `CALLERS`."""
    headers = [
        {},
        {"Authorization": "Bearer wrong"},
        *(who.headers for user in (viewer, member, admin) for who in (user, make_key(user))),
        make_key().headers,
        {"Authorization": f"Bearer {ADMIN_SECRET}"},
    ]
    return dict(zip(CALLERS, headers, strict=True))


@pytest.mark.parametrize("call", TABLE)
def test_every_caller_gets_what_the_table_of_roles_says(
    app: Flask, callers: dict[str, dict[str, str]], make_user: MakeUser, call: str
) -> None:
    client = app.test_client(use_cookies=False)
    stranger = make_user()
    told = {}
    kinds = {
        "/v1/users/": "User",
        "/v1/user/api_keys/": "UserApiKey",
        "/v1/user/sessions/": "UserSession",
        "/v1/system/api_keys/": "SystemApiKey",
    }
    for caller, headers in callers.items():
        path = call.partition(" ")[2]
        if "{absent}" in path:
            path = path.replace("{absent}", encode(kinds[path.partition("{")[0]], 9999))
        elif "{another's}" in path:
            path = path.replace("{another's}", add_key(app, stranger).global_id)
        told[caller] = _told(client, call, path, headers)

    assert told == dict(zip(CALLERS, TABLE[call], strict=True))


@pytest.mark.parametrize("caller", ["nobody", "a bad token", "a key", "a session"])
def test_without_authentication_data_is_open_and_credentials_are_closed(
    make_app: MakeApp, member: SignedIn, make_key: MakeKey, caller: str
) -> None:
    client = make_app(enable_auth=False).test_client(use_cookies=False)
    headers = {
        "nobody": {},
        "a bad token": {"Authorization": "Basic x"},
        "a key": make_key(member).headers,
        "a session": member.headers,
    }[caller]
    open_to_all: dict[str, int | str] = dict.fromkeys(
        ("GET /v1/user", "GET /v1/users", "GET /v1/datasets", "POST /v1/datasets/upload"), 200
    )
    open_to_all["GET /v1/users/{absent}"] = "Invalid User GlobalID format: {absent}"
    told = {
        call: _told(client, call, call.partition(" ")[2], headers)
        for call in TABLE
        if "/v1/" in call
    }

    assert told == {call: open_to_all.get(call, NEEDS_AUTHENTICATION) for call in told}


def test_without_authentication_the_caller_is_anonymous(make_app: MakeApp) -> None:
    client = make_app(enable_auth=False).test_client()

    assert client.get("/v1/user").json == {"data": {"auth_method": "ANONYMOUS"}}
    assert client.get("/config").json["authentication_enabled"] is False  # type: ignore[index]  # it is an object


def test_without_authentication_nobody_can_sign_in(make_app: MakeApp) -> None:
    client = make_app(enable_auth=False).test_client()

    for path in ("/auth/login", "/auth/refresh", "/auth/logout"):
        assert client.post(path, json={}).status_code == 404


def test_a_role_counts_before_the_input_is_looked_at(
    client: FlaskClient, member: SignedIn, make_key: MakeKey
) -> None:
    key = make_key(member)

    for response in (
        client.get("/v1/users?limit=0", headers=member.headers),
        client.post("/v1/system/api_keys", json={}, headers=member.headers),
        client.post("/v1/user/api_keys", data="{bad", headers=key.headers),
        client.delete("/v1/users/not-an-id", headers=member.headers),
    ):
        assert response.status_code == 403


def test_nobodys_input_is_looked_at_before_they_are_known(client: FlaskClient) -> None:
    for response in (
        client.post("/v1/users", data="{bad", content_type="application/json"),
        client.post("/v1/users", data="x" * 5_000_000, content_type="text/plain"),
        client.get("/v1/users?limit=0"),
        client.delete("/v1/user/api_keys/not-an-id"),
    ):
        assert response.status_code == 401
