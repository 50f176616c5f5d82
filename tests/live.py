"""The server as a user starts it: `phoenix-web serve` in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sysconfig
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import SecretStr

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
    port = free_port()
    # The variables of whoever runs the tests must not configure the server under test.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PHOENIX_")}
    address = {"PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port)}
    told = {name: value.replace("{port}", str(port)) for name, value in environment.items()}
    with output.open("ab") as printed:
        process = subprocess.Popen(
            [command, "serve"],
            cwd=folder,
            env={**inherited, **address, "PHOENIX_WORKERS": str(workers), **told},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = LiveServer(f"http://127.0.0.1:{port}", process.pid, output)
    try:
        _wait_until_healthy(server, process)
        yield server
    finally:
        _end(process)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables by which a server gets *settings*."""
    environment = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        told = value.get_secret_value() if isinstance(value, SecretStr) else value
        environment[f"PHOENIX_{name.upper()}"] = str(told)
    return environment


def workers_of(server: LiveServer) -> list[int]:
    """Return the process ids of the workers of *server*."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(child) for child in children]


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(
    server: LiveServer, process: subprocess.Popen[bytes], seconds: float = 20
) -> None:
    deadline = time.monotonic() + seconds
    with httpx.Client(base_url=server.url, timeout=2, trust_env=False) as client:
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if client.get("/healthz").is_success:
                    return
            time.sleep(0.02)
    pytest.fail(f"The server did not become healthy:\n{server.output.read_text()}")


def _end(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    process.terminate()  # does nothing to a server which the test itself has ended and awaited
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode == -signal.SIGKILL:
        # The test killed the master; its workers would notice only after a while.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
