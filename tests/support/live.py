"""The server as a user starts it: `phoenix-web serve` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import SecretStr

from tests.support.processes import PATIENCE_SECONDS, reserved_port, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from phoenix_web.settings import Settings

COMMAND = Path(sysconfig.get_path("scripts")) / "phoenix-web"


@dataclass(frozen=True)
class LiveServer:
    """A running server; `pid` is gunicorn's master, `output` the file with all it printed."""

    url: str
    pid: int
    output: Path


@contextmanager
def running_server(
    environment: Mapping[str, str],
    workers: int = 4,
    command: Path = COMMAND,
    folder: Path | None = None,
) -> Iterator[LiveServer]:
    """Serve by *command*, from *folder* or where the tests run, until the block ends.

    The environment must name `PHOENIX_WORKING_DIR`, so that no test touches the checkout's own
    data; `{port}` in it stands for the server's port. What the server prints is added to a file
    beside that folder, which outlives the server.
    """
    working_dir = Path(environment["PHOENIX_WORKING_DIR"])
    output = working_dir.with_name(f"{working_dir.name}.log")
    # Settings of the environment must not configure the server under test.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PHOENIX_")}
    with reserved_port() as port, output.open("ab") as printed:
        address = {"PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port)}
        filled = {name: value.replace("{port}", str(port)) for name, value in environment.items()}
        with running(
            [command, "serve"],
            cwd=folder,
            env={**inherited, **address, "PHOENIX_WORKERS": str(workers), **filled},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        ) as process:
            server = LiveServer(f"http://127.0.0.1:{port}", process.pid, output)
            wait_until_healthy(server, process)
            yield server


def http_request(method: str, url: str, **options: Any) -> httpx.Response:
    """Send one request past every proxy, and wait for its answer as long as it takes."""
    return httpx.request(method, url, trust_env=False, timeout=PATIENCE_SECONDS, **options)


def wait_until_healthy(server: LiveServer, process: subprocess.Popen[bytes]) -> None:
    """Return once *server* answers; fail with its output when its *process* ends instead."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE_SECONDS, trust_env=False) as client:

        def answers() -> bool:
            assert process.poll() is None, server.output.read_text()
            with suppress(httpx.TransportError):
                return client.get("/healthz").is_success
            return False

        wait_until(answers, server.output.read_text)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables by which a server gets *settings*."""
    environment = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        environment[f"PHOENIX_{name.upper()}"] = str(text)
    return environment


def workers_of(server: LiveServer) -> list[int]:
    """Return the process ids of the workers of *server*."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(child) for child in children]
