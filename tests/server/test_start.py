from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import sysconfig
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.support.live import (
    LiveServer,
    environment_of,
    http_request,
    running_server,
    wait_until_healthy,
    workers_of,
)
from tests.support.processes import reserved_port, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.empty_database

ROOT = Path(__file__).parents[2]
GUNICORN = Path(sysconfig.get_path("scripts")) / "gunicorn"
PASSWORD = re.compile(r"admin@localhost, password (\S+)")


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Return the variables of a server on an empty database, without an initial password."""
    working_dir = tmp_path / "work"
    environment = environment_of(factories.make_settings(database_url, working_dir))
    del environment["PHOENIX_DEFAULT_ADMIN_INITIAL_PASSWORD"]
    return environment


@contextmanager
def running_gunicorn(environment: dict[str, str], *options: str) -> Iterator[tuple[str, Path]]:
    """Serve `wsgi:app` by gunicorn's own command; yield the address and the file with its output.

    It starts in the checkout, as a deployment without our command would.
    """
    home = Path(environment["PHOENIX_WORKING_DIR"]).with_name("home")
    home.mkdir(exist_ok=True)
    output = home.with_name("gunicorn.log")
    with (
        reserved_port() as port,
        output.open("wb") as printed,
        running(
            [GUNICORN, *(option.format(port=port) for option in options), "wsgi:app"],
            env={**os.environ, **environment, "HOME": str(home), "PHOENIX_PORT": str(port)},
            cwd=ROOT,
            stdout=printed,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        server = LiveServer(f"http://127.0.0.1:{port}", process.pid, output)
        wait_until_healthy(server, process)
        yield server.url, output


def sign_in(url: str, password: str) -> int:
    body = {"email": "admin@localhost", "password": password}
    answer = http_request("POST", f"{url}/auth/login", json=body)
    return answer.status_code


def test_the_first_start_prints_address_and_password_once(empty: dict[str, str]) -> None:
    with running_server(empty) as server:
        first = server.output.read_text()
        [password] = PASSWORD.findall(first)
        assert sign_in(server.url, password) == 204
        assert f"http://localhost:{server.url.rpartition(':')[2]}\n" in first
        assert "the database is at revision " in first
        assert "alembic" not in first
    with running_server(empty) as server:
        second = server.output.read_text().removeprefix(first)

    assert "password" not in second
    assert "revision" not in second


def test_plain_gunicorn_may_start_four_workers_at_once(empty: dict[str, str]) -> None:
    options = ("--bind=127.0.0.1:{port}", "--workers=4", "--no-control-socket")
    with running_gunicorn(empty, *options) as (url, output):
        wait_until(lambda: PASSWORD.search(output.read_text()))
        passwords = PASSWORD.findall(output.read_text())
        assert [sign_in(url, password) for password in passwords] == [204]
    assert "Traceback" not in output.read_text()


def test_gunicorn_takes_our_settings_by_the_name_of_the_module(empty: dict[str, str]) -> None:
    environment = {**empty, "PHOENIX_HOST": "127.0.0.1", "PHOENIX_WORKERS": "2"}
    with running_gunicorn(environment, "--config=python:phoenix_web.serving") as (url, output):
        [password] = PASSWORD.findall(output.read_text())
        assert sign_in(url, password) == 204
        assert url.removeprefix("http://127.0.0.1") in output.read_text()
    home = Path(empty["PHOENIX_WORKING_DIR"]).with_name("home")
    assert list(home.iterdir()) == []


def test_wrong_settings_stop_gunicorn_with_every_fault_and_no_traceback(
    empty: dict[str, str],
) -> None:
    command = [str(GUNICORN), "--config=python:phoenix_web.serving", "wsgi:app"]
    wrong = {**os.environ, **empty, "PHOENIX_PORT": "many", "PHOENIX_WORKERS": "none"}
    answer = subprocess.run(
        command, env=wrong, cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 1
    assert "PHOENIX_PORT" in answer.stderr
    assert "PHOENIX_WORKERS" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_several_hosts_may_start_at_once_on_an_empty_database(
    empty: dict[str, str], tmp_path: Path
) -> None:
    """On SQLite they are several servers of one host."""
    servers = []
    with ExitStack() as stack:
        for number in range(3):
            home = tmp_path / f"host{number}"
            output = home.with_suffix(".out")
            port = stack.enter_context(reserved_port())
            environment = {
                **os.environ,
                **empty,
                "PHOENIX_WORKING_DIR": str(home),
                "PHOENIX_HOST": "127.0.0.1",
                "PHOENIX_PORT": str(port),
                "PHOENIX_WORKERS": "2",
            }
            process = stack.enter_context(
                running(
                    [GUNICORN.with_name("phoenix-web"), "serve"],
                    env=environment,
                    stdout=stack.enter_context(output.open("wb")),
                    stderr=subprocess.STDOUT,
                )
            )
            servers.append((LiveServer(f"http://127.0.0.1:{port}", process.pid, output), process))
        for server, process in servers:
            wait_until_healthy(server, process)
            answer = http_request("GET", f"{server.url}/readyz")
            assert answer.status_code == 200
        printed = "".join(server.output.read_text() for server, _ in servers)
        [password] = PASSWORD.findall(printed)
        assert [sign_in(server.url, password) for server, _ in servers] == [204] * 3


def test_it_serves_every_address_of_ipv6(tmp_path: Path) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    settings = factories.make_settings(f"sqlite:///{tmp_path / 'phoenix.db'}", tmp_path, host="::")
    with running_server(environment_of(settings), workers=1) as server:
        url = server.url.replace("127.0.0.1", "[::1]")
        assert http_request("GET", f"{url}/healthz").status_code == 200


def test_workers_share_no_connection(server: LiveServer) -> None:
    """What the master opened before the fork would be in the hands of all workers."""
    for _ in range(40):
        assert http_request("GET", f"{server.url}/readyz").status_code == 200

    opened = [_sockets_and_databases(pid) for pid in (server.pid, *workers_of(server))]

    master, *workers = opened
    assert not any("phoenix.db" in name for name in master)
    for number, worker in enumerate(workers):
        for other in workers[number + 1 :]:
            assert {name for name in worker & other if name.startswith("socket:")} <= master


def _sockets_and_databases(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return found


def test_nobody_is_believed_about_the_scheme_or_the_caller(
    environment: dict[str, str],
) -> None:
    """Not even a process of this machine, whom gunicorn would believe by itself."""
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "Script-Name": "/x"}
    with running_server(environment, workers=1) as server:
        host = server.url.removeprefix("http://")
        answers = [
            http_request(
                "POST",
                f"{server.url}/auth/login",
                json={"email": "a@example.com", "password": "x"},
                headers={**forged, "Origin": origin},
            ).status_code
            for origin in (f"http://{host}", f"https://{host}", "https://evil.example")
        ]

    assert answers == [401, 403, 403]


def test_a_start_loads_nothing_that_serving_does_not_need() -> None:
    heavy = ["alembic", "numpy", "pandas", "psycopg", "pyarrow"]
    program = f"import sys, phoenix_web.cli; print([m for m in {heavy} if m in sys.modules])"
    command = [sys.executable, "-c", program]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert printed == "[]\n"
