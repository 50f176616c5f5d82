"""Real programs for the tests: what is installed, and servers of our own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis

from tests.support.processes import running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Debian keeps the server's programs off the PATH; the newest version is tried first.
POSTGRES_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)

_numbers = count(1)


def program(name: str) -> str:
    """Path of an installed program; without it the test skips, or fails with CI=true."""
    path = os.pathsep.join([*map(str, POSTGRES_FOLDERS), os.environ.get("PATH", "")])
    return shutil.which(name, path=path) or pytest.skip(f"{name} is not installed")


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server that listens on a socket in its own folder only."""

    folder: Path
    pid: int

    def url(self, database: str) -> str:
        """Return the URL of one of its databases, as SQLAlchemy reads it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run one statement as the superuser."""
        with psycopg.connect(
            host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def new_database(self, template: str | None = None) -> Iterator[str]:
        """Yield the URL of a new database, empty or a copy of *template*."""
        name = f"test_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template or 'template1'}")
        yield self.url(name)
        # A test may leave connections open, for example those of a server that it killed.
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running_postgres(*, is_durable: bool = False) -> Iterator[Postgres]:
    """Start a PostgreSQL server in a temporary folder, and end it with all that it holds.

    Only when it *is_durable* it waits for the disk: no test has to survive a power cut.
    """
    initdb, postgres = program("initdb"), program("postgres")
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    groups: list[str] | None = [] if user else None
    # A socket needs a short path (107 bytes), so the folder lies right in the temporary directory.
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user, user)
        data, log = folder / "data", folder / "log"
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        subprocess.run(
            [initdb, f"--pgdata={data}", "--no-sync", *options],
            user=user,
            group=user,
            extra_groups=groups,
            cwd=folder,
            check=True,
            capture_output=True,
        )
        settings = {
            "unix_socket_directories": folder,
            "listen_addresses": "",
            "max_connections": 200,
            "fsync": "on" if is_durable else "off",
        }
        with (
            log.open("w") as output,
            running(
                [postgres, "-D", data, *(f"--{name}={value}" for name, value in settings.items())],
                end=signal.SIGINT,  # "fast": disconnects clients, then stops cleanly
                user=user,
                group=user,
                extra_groups=groups,
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            server = Postgres(folder, process.pid)
            wait_until(lambda: _answers(server, process, log), log.read_text)
            yield server


def _answers(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    with suppress(psycopg.OperationalError):
        server.execute("SELECT 1")
        return True
    return False


@contextmanager
def running_redis(folder: Path, port: int, password: str = "") -> Iterator[str]:
    """Start a Redis server on loopback, which keeps nothing, and yield its URL."""
    options = {
        "bind": "127.0.0.1",
        "port": port,
        "dir": folder,
        "save": "",
        "requirepass": password,
    }
    command = [program("redis-server")]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    with (
        running(command, stdout=subprocess.DEVNULL) as process,
        closing(redis.Redis(port=port, password=password or None)) as client,
    ):

        def answers() -> bool:
            assert process.poll() is None
            with suppress(redis.ConnectionError):
                return bool(client.ping())
            return False

        wait_until(answers)
        yield f"redis://:{password}@127.0.0.1:{port}/0"
