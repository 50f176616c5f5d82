from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.factories import set_role
from tests.support.live import http_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

    from tests.conftest import MakeKey, MakeUser
    from tests.support.live import LiveServer

REQUESTS = 200


def statuses(
    server: LiveServer, headers: Mapping[str, str], path: str = "/v1/user"
) -> Counter[int]:
    """Ask so often, each time on a connection of its own that any worker may take."""
    apart = {**headers, "Connection": "close"}
    with httpx.Client(trust_env=False, timeout=30) as client, ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda url: client.get(url, headers=apart), [server.url + path] * REQUESTS
        )
        return Counter(answer.status_code for answer in answers)


def acknowledged(response: httpx.Response) -> None:
    assert response.is_success or response.is_redirect, response.text


def test_a_revoked_key_is_refused_by_every_worker(
    server: LiveServer, make_user: MakeUser, make_key: MakeKey
) -> None:
    owner = make_user()
    key = make_key(owner)
    other = make_key(owner)
    assert statuses(server, key.headers) == {200: REQUESTS}

    url = f"{server.url}/v1/user/api_keys/{key.global_id}"
    acknowledged(http_request("DELETE", url, headers=owner.headers))

    assert statuses(server, key.headers) == {401: REQUESTS}
    assert statuses(server, other.headers) == {200: REQUESTS}


def test_a_signed_out_session_is_refused_by_every_worker(
    server: LiveServer, make_user: MakeUser
) -> None:
    user = make_user()

    acknowledged(http_request("GET", f"{server.url}/auth/logout", headers=user.both_cookies))

    assert statuses(server, user.headers) == {401: REQUESTS}
    assert statuses(server, user.cookie) == {401: REQUESTS}


def test_a_deleted_users_credentials_are_refused_by_every_worker(
    server: LiveServer, make_user: MakeUser, make_key: MakeKey
) -> None:
    admin, user = make_user("ADMIN"), make_user()
    key = make_key(user)

    url = f"{server.url}/v1/users/{user.global_id}"
    acknowledged(http_request("DELETE", url, headers=admin.headers))

    assert statuses(server, key.headers) == {401: REQUESTS}
    assert statuses(server, user.headers) == {401: REQUESTS}


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "VIEWER"}], ids=str)
def test_a_change_of_an_account_holds_in_every_worker(
    server: LiveServer, make_user: MakeUser, make_key: MakeKey, change: dict[str, Any]
) -> None:
    admin, user = make_user("ADMIN"), make_user("ADMIN")
    key = make_key(user)
    assert statuses(server, key.headers, "/v1/users") == {200: REQUESTS}

    url = f"{server.url}/v1/users/{user.global_id}"
    acknowledged(http_request("PATCH", url, json=change, headers=admin.headers))

    refused = 401 if change == {"is_active": False} else 403
    assert statuses(server, key.headers, "/v1/users") == {refused: REQUESTS}
    assert statuses(server, user.headers) == {401: REQUESTS}


def test_a_role_that_another_host_changed_holds_in_every_worker(
    app: Flask, server: LiveServer, make_user: MakeUser, make_key: MakeKey
) -> None:
    admin = make_user("ADMIN")
    key = make_key(admin)

    set_role(app, admin, "VIEWER")

    assert statuses(server, admin.headers) == {401: REQUESTS}
    assert statuses(server, key.headers, "/v1/users") == {403: REQUESTS}


def test_of_twelve_parallel_refreshes_one_wins(server: LiveServer, make_user: MakeUser) -> None:
    user = make_user()

    with httpx.Client(trust_env=False, timeout=30) as client, ThreadPoolExecutor(12) as pool:
        urls = [f"{server.url}/auth/refresh"] * 12
        answers = list(pool.map(lambda url: client.post(url, headers=user.refresh_cookie), urls))

    assert Counter(answer.status_code for answer in answers) == {204: 1, 401: 11}
    winner = next(answer for answer in answers if answer.status_code == 204)
    assert http_request("GET", f"{server.url}/v1/user", cookies=dict(winner.cookies)).is_success
