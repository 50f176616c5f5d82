"""Benchmark of many simultaneous sign-ins: the latency of other requests, and memory.

Password hashes have the default cost of 64 MiB each.
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
_BURSTS = 3
_SIGN_INS = 20
#: The interval between memory readings, which slow the workers slightly.
_MEMORY_SECONDS = 0.05


@dataclass(frozen=True)
class Latency:
    """The latency of reads during a phase, and the peak memory of a worker."""

    name: str
    seconds: float
    reads_p99_ms: float
    reads_max_ms: float
    worker_mb: float


@dataclass
class _Readings:
    milliseconds: list[float] = field(default_factory=list)
    worker_mb: float = 0.0


def measure(server: Process, headers: Mapping[str, str], password: str) -> list[Latency]:
    """Measure reads at a fixed rate, without sign-ins and during three bursts of them."""
    _sign_in_burst(server.url, password)  # initializes each worker
    phases = []
    for name, bursts in (("no sign-ins", 0), (f"{_SIGN_INS} sign-ins at once", _BURSTS)):
        begin = time.perf_counter()
        with _reading(server, headers) as readings:
            for _ in range(bursts):
                _sign_in_burst(server.url, password)
            if not bursts:
                time.sleep(_QUIET_SECONDS)
        seconds = time.perf_counter() - begin
        times = sorted(readings.milliseconds)
        p99, worst = times[int(len(times) * 0.99)], times[-1]
        phases.append(Latency(name, seconds, p99, worst, readings.worker_mb))
    return phases


def print_table(phases: Sequence[Latency]) -> None:
    """Print a table of *phases*."""
    head = f"{_READS_PER_SECOND} reads per second by key"
    print(f"\n  {head:26}{'seconds':>10}{'p99 ms':>9}{'worst':>9}{'a worker, MB':>15}")
    for phase in phases:
        print(
            f"  {phase.name:26}{phase.seconds:>10.1f}{phase.reads_p99_ms:>9.1f}"
            f"{phase.reads_max_ms:>9.1f}{phase.worker_mb:>15.0f}"
        )


def _sign_in_burst(url: str, password: str) -> None:
    """Sign in on many connections at once, with a minimal client so that it is not the limit."""
    body = json.dumps({"email": DEFAULT_ADMIN_EMAIL, "password": password})

    def sign_in(client: http.client.HTTPConnection) -> None:
        client.request("POST", "/auth/login", body, {"Content-Type": "application/json"})
        response = client.getresponse()
        if response.status != http.HTTPStatus.NO_CONTENT:
            raise SystemExit(f"a sign-in returned {response.status}: {response.read()!r}")

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
    """Read on several connections and monitor memory while the block runs."""
    readings, done = _Readings(), threading.Event()
    threads = [
        threading.Thread(target=_read, args=(server.url, headers, number, done, readings))
        for number in range(_CONNECTIONS)
    ]
    threads.append(threading.Thread(target=_monitor, args=(server, done, readings)))
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
    """Request at a fixed rate, measuring from the scheduled time."""
    client = _connected(url)  # not measured
    pause = _CONNECTIONS / _READS_PER_SECOND
    due = time.perf_counter() + pause * number / _CONNECTIONS
    while not done.is_set():
        time.sleep(max(0.0, due - time.perf_counter()))
        client.request("GET", "/v1/user", headers=dict(headers))
        response = client.getresponse()
        response.read()
        if response.status != http.HTTPStatus.OK:
            raise SystemExit(f"GET /v1/user returned {response.status} during sign-ins")
        readings.milliseconds.append((time.perf_counter() - due) * 1000)
        due += pause
    client.close()


def _monitor(server: Process, done: threading.Event, readings: _Readings) -> None:
    while not done.wait(_MEMORY_SECONDS):
        readings.worker_mb = max(readings.worker_mb, server.worker_pss_mb())
