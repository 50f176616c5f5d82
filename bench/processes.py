"""The measured server processes: start-up time, CPU time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from tests.support.processes import reserved_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TICKS = os.sysconf("SC_CLK_TCK")
_SCRIPTS = Path(sysconfig.get_path("scripts"))
SERVE = (str(_SCRIPTS / "phoenix-web"), "serve")
#: The bare route under the same gunicorn configuration.
BARE = (str(_SCRIPTS / "gunicorn"), "--config", "python:phoenix_web.serving", "bench.bare:app")

_without_proxy = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Process:
    """A running server; `seconds` is the time from its start to the first response."""

    url: str
    pid: int
    seconds: float

    def worker_pss_mb(self) -> float:
        """Return the proportional set size of the largest worker in MB."""
        return max(_pss_mb(worker) for worker in self._workers())

    def cpu_seconds(self) -> float:
        """Return the CPU time of the workers so far."""
        stats = [_stat(worker) for worker in self._workers()]
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / _TICKS

    def _workers(self) -> list[str]:
        return Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()


@contextmanager
def serving(
    command: Sequence[str], path: str, environment: Mapping[str, str], log: Path
) -> Iterator[Process]:
    """Run *command* while the block runs, which starts once *path* responds."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PHOENIX_")}
    with reserved_port() as port, log.open("ab") as printed:
        begin = time.perf_counter()
        with running(
            command,
            env={
                **inherited,
                **environment,
                "PHOENIX_HOST": "127.0.0.1",
                "PHOENIX_PORT": str(port),
            },
            stdout=printed,
            stderr=subprocess.STDOUT,
        ) as process:
            url = f"http://127.0.0.1:{port}"
            while not _answers(url + path):
                if process.poll() is not None:
                    sys.exit(f"{command[0]} ended:\n{log.read_text()}")
                time.sleep(0.005)
            yield Process(url, process.pid, time.perf_counter() - begin)


def _answers(url: str) -> bool:
    try:
        with _without_proxy.open(url, timeout=5):
            return True
    except (URLError, ConnectionError):
        return False


def _stat(pid: str) -> list[str]:
    # The second field, the name in parentheses, may contain spaces.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _pss_mb(pid: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
