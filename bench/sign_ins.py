"""A storm of sign-ins: how long reads by key take beside it, and how large a worker becomes.

The hashes are those of a real server, 64 MiB each.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from phoenix_web.store.accounts.users import DEFAULT_ADMIN_EMAIL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.processes import Process

_READS_PER_SECOND = 200
_CONNECTIONS = 8
_QUIET_SECONDS = 3.0
_STORMS = 3
_SIGN_INS = 20
#: How often the memory of the workers is read; each time costs them a little.
_MEMORY_SECONDS = 0.05


@dataclass(frozen=True)
class Weather:
    """What the reads met, and what a worker took at most."""

    name: str
    seconds: float
    reads_p99_ms: float
    reads_max_ms: float
    worker_mb: float


@dataclass
class _Readings:
    milliseconds: list[float] = field(default_factory=list)
    worker_mb: float = 0.0


def measure(server: Process, headers: Mapping[str, str], password: str) -> list[Weather]:
    """Read at a steady pace, without sign-ins and then while 20 at once come three times."""
    _storm(server.url, password)  # the first hashes make what each worker makes once
    weathers = []
    for name, storms in (("no sign-ins", 0), (f"{_SIGN_INS} sign-ins at once", _STORMS)):
        begin = time.perf_counter()
        with _reading(server, headers) as readings:
            for _ in range(storms):
                _storm(server.url, password)
            if not storms:
                time.sleep(_QUIET_SECONDS)
        seconds = time.perf_counter() - begin
        times = sorted(readings.milliseconds)
        p99, worst = times[int(len(times) * 0.99)], times[-1]
        weathers.append(Weather(name, seconds, p99, worst, readings.worker_mb))
    return weathers


def show(weathers: Sequence[Weather]) -> None:
    """Print a table of *weathers*."""
    head = f"{_READS_PER_SECOND} reads a second by key"
    print(f"\n  {head:26}{'seconds':>10}{'p99 ms':>9}{'worst':>9}{'a worker, MB':>15}")
    for weather in weathers:
        print(
            f"  {weather.name:26}{weather.seconds:>10.1f}{weather.reads_p99_ms:>9.1f}"
            f"{weather.reads_max_ms:>9.1f}{weather.worker_mb:>15.0f}"
        )


def _storm(url: str, password: str) -> None:
    """Sign in on 20 connections at once; bare ones, so that it is not the client that is slow."""
    body = json.dumps({"email": DEFAULT_ADMIN_EMAIL, "password": password})

    def sign_in(client: http.client.HTTPConnection) -> None:
        client.request("POST", "/auth/login", body, {"Content-Type": "application/json"})
        answer = client.getresponse()
        if answer.status != http.HTTPStatus.NO_CONTENT:
            raise SystemExit(f"a sign-in was answered {answer.status}: {answer.read()!r}")

    clients = [_connected(url) for _ in range(_SIGN_INS)]
    with ThreadPoolExecutor(_SIGN_INS) as pool:
        list(pool.map(sign_in, clients))
    for client in clients:
        client.close()


def _connected(url: str) -> http.client.HTTPConnection:
    client = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    client.connect()
    return client


@contextmanager
def _reading(server: Process, headers: Mapping[str, str]) -> Iterator[_Readings]:
    """Read on several connections, and watch the workers, until the block ends."""
    readings, done = _Readings(), threading.Event()
    threads = [
        threading.Thread(target=_read, args=(server.url, headers, number, done, readings))
        for number in range(_CONNECTIONS)
    ]
    threads.append(threading.Thread(target=_watch, args=(server, done, readings)))
    for thread in threads:
        thread.start()
    try:
        yield readings
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _read(
    url: str, headers: Mapping[str, str], number: int, done: threading.Event, readings: _Readings
) -> None:
    """Ask at a steady pace; a late answer delays no later question, and counts from when due."""
    client = _connected(url)  # which is not what is measured
    pause = _CONNECTIONS / _READS_PER_SECOND
    due = time.perf_counter() + pause * number / _CONNECTIONS
    while not done.is_set():
        time.sleep(max(0.0, due - time.perf_counter()))
        client.request("GET", "/v1/user", headers=dict(headers))
        answer = client.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise SystemExit(f"GET /v1/user answered {answer.status} beside sign-ins")
        readings.milliseconds.append((time.perf_counter() - due) * 1000)
        due += pause
    client.close()


def _watch(server: Process, done: threading.Event, readings: _Readings) -> None:
    while not done.wait(_MEMORY_SECONDS):
        readings.worker_mb = max(readings.worker_mb, server.worker_pss_mb())
