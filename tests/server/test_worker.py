"""What gunicorn's worker leaves open; it reads no database, so SQLite stands for both."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.support.live import environment_of, http_request, running_server
from tests.support.processes import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.live import LiveServer

LOGIN = (
    b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\n"
)
BODY = b'{"email": "user@example.com", "password": "correct horse battery staple"}'
WHOLE = LOGIN + f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the variables of a server on SQLite; it prepares its database itself."""
    folder = tmp_path_factory.mktemp("serving")
    return environment_of(factories.make_settings(f"sqlite:///{folder / 'phoenix.db'}", folder))


@pytest.fixture(scope="module")
def server(environment: dict[str, str]) -> Iterator[LiveServer]:
    """Serve with four workers, for all tests of this module."""
    with running_server(environment) as server:
        yield server


def connection(server: LiveServer) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)


def everything(client: socket.socket) -> bytes:
    with client:
        return b"".join(iter(lambda: client.recv(4096), b""))


def is_ready(server: LiveServer) -> bool:
    return http_request("GET", f"{server.url}/readyz").status_code == 200


@pytest.mark.parametrize("sent", [b"", WHOLE[:40], WHOLE[:-5]], ids=["nothing", "head", "body"])
def test_three_hundred_slow_clients_do_not_stop_the_others(server: LiveServer, sent: bytes) -> None:
    slow = [connection(server) for _ in range(300)]
    try:
        for client in slow:
            client.sendall(sent)
        assert all(is_ready(server) for _ in range(20))
    finally:
        for client in slow:
            client.close()


def test_a_request_in_many_small_parts_is_answered(server: LiveServer) -> None:
    client = connection(server)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for place in range(0, len(WHOLE), 20):
        client.sendall(WHOLE[place : place + 20])
        time.sleep(0.002)  # so that the parts arrive as parts

    assert everything(client).startswith(b"HTTP/1.1 401 ")


def test_requests_that_come_at_once_are_answered_in_turn(server: LiveServer) -> None:
    """The second one and a half have been read with the first one."""
    ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    client = connection(server)
    client.sendall(ask + ask + WHOLE[:30])
    time.sleep(0.1)  # so that the rest comes later
    client.sendall(WHOLE[30:])
    answers = everything(client)

    assert answers.count(b"HTTP/1.1 200 ") == 2
    assert answers.count(b"HTTP/1.1 401 ") == 1


def test_a_large_body_is_read_to_its_end(server: LiveServer) -> None:
    padding = b" " * 200_000
    client = connection(server)
    length = f"Content-Length: {len(BODY) + len(padding)}\r\n\r\n".encode()
    client.sendall(LOGIN + length + padding + BODY)

    assert everything(client).startswith(b"HTTP/1.1 401 ")


def test_who_asks_before_sending_a_body_is_told_to_go_on(server: LiveServer) -> None:
    client = connection(server)
    client.sendall(LOGIN + f"Content-Length: {len(BODY)}\r\nExpect: 100-continue\r\n\r\n".encode())
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(BODY)

    assert everything(client).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 200", BODY),
        (b"Transfer-Encoding: chunked", b"zz\r\n{}\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked", b"2\r\n{}..0\r\n\r\n"),
        (b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\nbare: lf\n\n\r\n\r\n"),
        (b"Transfer-Encoding: chunked", b"200\r\n{}"),
    ],
    ids=["cut short", "chunk size", "chunk end", "trailer", "chunk cut short"],
)
def test_a_body_that_is_not_whole_is_refused(server: LiveServer, head: bytes, body: bytes) -> None:
    client = connection(server)
    client.sendall(LOGIN + head + b"\r\n\r\n" + body)
    client.shutdown(socket.SHUT_WR)

    assert everything(client).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"GET /?token=phx_u_secretsecretsecret\x00 HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nAuthorization : Bearer very secret\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nAuthorization: Bearer phx_u_secretsecret\x01\r\n\r\n", 400),
        (b"GET /secret" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nCookie: secret" + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: secret\r\n" * 101 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: secret\r\n\r\n", 400),
    ],
    ids=["line", "name", "value", "long line", "long header", "many headers", "coding"],
)
def test_what_is_no_http_is_refused_and_told_to_nobody(
    server: LiveServer, text: bytes, expected: int
) -> None:
    client = connection(server)
    client.sendall(text)
    answer = everything(client)

    assert answer.startswith(f"HTTP/1.1 {expected} ".encode())
    assert b"secret" not in answer
    assert "secret" not in server.output.read_text()


def test_a_worker_that_is_told_to_end_while_it_starts_ends_at_once() -> None:
    master = """\
import os, signal, time

from phoenix_web.server.worker import allow_sigterm_at_fork

received = []
signal.signal(signal.SIGTERM, lambda *_: received.append("end"))
allow_sigterm_at_fork(None)
child = os.fork()
if child == 0:
    time.sleep(20)  # it has not set up its own handlers yet
    os._exit(1)
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os.kill(os.getpid(), signal.SIGTERM)
print(received)
"""
    ended = subprocess.run(
        [sys.executable, "-c", master],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert ended.stdout == f"{-signal.SIGTERM}\n['end']\n"
