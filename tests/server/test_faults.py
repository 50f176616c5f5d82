from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phoenix_web import create_app
from phoenix_web.server.bootstrap import prepare
from tests import factories
from tests.support.live import environment_of, http_request, running_server, workers_of
from tests.support.processes import PATIENCE_SECONDS, wait_until
from tests.support.servers import running_postgres

if TYPE_CHECKING:
    from flask import Flask

    from phoenix_web.settings import Settings
    from tests.conftest import MakeKey, MakeUser
    from tests.support.live import LiveServer

OTHER_SECRET = "another-secret-behind-all-sessions-2"


def status(server: LiveServer, headers: dict[str, str], path: str = "/v1/user") -> int:
    url = server.url + path
    return http_request("GET", url, headers=headers).status_code


def connection(server: LiveServer) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)


def login(server: LiveServer, password: str = factories.PASSWORD) -> bytes:
    body = f'{{"email": "user@example.com", "password": "{password}"}}'.encode()
    host = server.url.removeprefix("http://")
    return (
        f"POST /auth/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body


def everything(client: socket.socket) -> bytes:
    with client:
        return b"".join(iter(lambda: client.recv(4096), b""))


def test_a_key_that_was_answered_outlives_a_killed_server(
    environment: dict[str, str], make_user: MakeUser
) -> None:
    user = make_user()
    with running_server(environment) as server:
        workers = workers_of(server)
        answer = http_request(
            "POST",
            f"{server.url}/v1/user/api_keys",
            headers=user.headers,
            json={"data": {"name": "made at the last moment"}},
        )
        for pid in (server.pid, *workers):
            os.kill(pid, signal.SIGKILL)
        assert answer.status_code == 201

    with running_server(environment) as server:
        key = answer.json()["data"]["key"]
        assert status(server, {"Authorization": f"Bearer {key}"}) == 200


def test_a_restart_keeps_sessions_and_another_secret_ends_them(
    environment: dict[str, str], make_user: MakeUser, make_key: MakeKey
) -> None:
    user = make_user()
    key = make_key(user)

    with running_server(environment, workers=1) as server:
        assert status(server, user.headers) == 200
    with running_server({**environment, "PHOENIX_SECRET": OTHER_SECRET}, workers=1) as server:
        assert status(server, user.headers) == 401
        refresh = f"{server.url}/auth/refresh"
        assert http_request("POST", refresh, headers=user.refresh_cookie).status_code == 401
        assert status(server, key.headers) == 200


def test_a_generated_secret_outlives_a_restart(tmp_path: Path) -> None:
    settings = factories.make_settings(f"sqlite:///{tmp_path / 'phoenix.db'}", tmp_path)
    environment = environment_of(settings)
    del environment["PHOENIX_SECRET"]
    email, password = "admin@localhost", factories.DEFAULT_ADMIN_PASSWORD
    with running_server(environment, workers=1) as server:
        answer = http_request(
            "POST", f"{server.url}/auth/login", json={"email": email, "password": password}
        )
    secret = tmp_path / "secret"

    with running_server(environment, workers=1) as server:
        cookie = f"phoenix-access-token={answer.cookies['phoenix-access-token']}"
        assert status(server, {"Cookie": cookie}) == 200
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text() not in server.output.read_text()


def test_a_request_in_flight_is_answered_when_the_server_is_told_to_end(
    environment: dict[str, str],
) -> None:
    with running_server(environment, workers=1) as server:
        client = connection(server)
        request = login(server)
        client.sendall(request[:-5])
        # Another answer tells that the server had time to begin with this one.
        assert status(server, {}, "/healthz") == 200
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.5)  # so long it would take to end at once
        client.sendall(request[-5:])
        answer = everything(client)

    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_killed_worker_is_replaced(server: LiveServer) -> None:
    workers = workers_of(server)
    os.kill(workers[0], signal.SIGKILL)

    def is_replaced() -> bool:
        assert status(server, {}, "/healthz") == 200
        return workers[0] not in workers_of(server) and len(workers_of(server)) == 4

    wait_until(is_replaced)


def test_a_hung_worker_does_not_stop_the_others(server: LiveServer) -> None:
    hung = workers_of(server)[0]
    os.kill(hung, signal.SIGSTOP)
    try:
        assert [status(server, {}, "/readyz") for _ in range(50)] == [200] * 50
    finally:
        os.kill(hung, signal.SIGCONT)


@pytest.mark.postgres
def test_a_restarted_postgresql_costs_no_request_a_defect(tmp_path: Path) -> None:
    with running_postgres() as postgres, postgres.new_database() as url:
        settings = factories.make_settings(url, tmp_path)
        prepare(settings)
        app = create_app(settings)
        key = factories.add_key(app)
        with running_server(environment_of(settings)) as server:
            assert [status(server, key.headers) for _ in range(20)] == [200] * 20
            _crash_a_backend(postgres.pid)
            seen: set[int] = set()

            def is_over() -> bool:
                found = {status(server, key.headers) for _ in range(20)}
                seen.update(found)
                return found == {200}

            wait_until(is_over)
            assert seen <= {200, 503}
        factories.services_of(app).database.dispose()


def _crash_a_backend(postmaster: int) -> None:
    """Make the PostgreSQL server end all connections and start anew, as after a crash."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for child in children:
        if b"test_" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
            return
    pytest.fail("no connection to the server")


def test_requests_go_on_while_another_process_writes(
    app: Flask, settings: Settings, server: LiveServer, make_user: MakeUser
) -> None:
    """Under a write lock reads go on; a write waits, or gets 503 with `Retry-After`."""
    user = make_user()
    held = threading.Event()
    done = threading.Event()

    def hold() -> None:
        with factories.services_of(app).database.transaction() as session:
            session.connection()
            held.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    try:
        assert [status(server, user.headers) for _ in range(20)] == [200] * 20
        answer = http_request(
            "POST",
            f"{server.url}/v1/user/api_keys",
            headers=user.headers,
            json={"data": {"name": "in between"}},
        )
    finally:
        done.set()
        holder.join()
    expected = (503, "1") if settings.database_url.startswith("sqlite:") else (201, None)
    assert (answer.status_code, answer.headers.get("Retry-After")) == expected
