"""The load generator: wrk, one short round at a time."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.processes import Process

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Target:
    """What is asked, again and again."""

    name: str
    server: Process
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Round:
    """What one round gave."""

    requests_per_second: float
    p99_ms: float
    cpu_us: float


@dataclass(frozen=True)
class Figures:
    """The medians of one target; the ratios are to the bare route."""

    requests_per_second: float
    p99_ms: float
    of_bare: float
    #: Processor time a request; noise of other programs touches it less than the speed.
    cpu_us: float
    of_bare_by_cpu: float


def round_of(target: Target, seconds: int, connections: int) -> Round:
    """Ask *target* for so long; exit when it answers anything but success."""
    headers = [f"--header={name}: {value}" for name, value in target.headers.items()]
    options = [f"--duration={seconds}s", f"--connections={connections}", "--threads=1"]
    url = target.server.url + target.path
    before = target.server.cpu_seconds()
    printed = subprocess.run(
        ["wrk", "--latency", *options, *headers, url],  # noqa: S607 - wherever it is installed
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    taken = target.server.cpu_seconds() - before
    if "Non-2xx" in printed or "Socket errors" in printed:
        raise SystemExit(f"{target.name} failed under load:\n{printed}")
    speed = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", printed)
    count = re.search(r"(\d+) requests in", printed)
    if speed is None or p99 is None or count is None:
        raise SystemExit(f"wrk says what nobody understands:\n{printed}")
    p99_ms = float(p99[1]) * _MILLISECONDS[p99[2]]
    return Round(float(speed[1]), p99_ms, taken / int(count[1]) * 1e6)


def compare(
    bare: Target, targets: Sequence[Target], rounds: int, seconds: int, connections: int
) -> dict[str, Figures]:
    """Return the figures of each by its name, *bare* first.

    Each is the median of *rounds*; each ratio is to the bare rounds just before and after, because
    the machine has other things to do as well.
    """
    measured: dict[str, list[Round]] = {target.name: [] for target in (bare, *targets)}
    ratios: dict[str, list[float]] = {target.name: [] for target in targets}
    for target in (bare, *targets):
        round_of(target, 1, connections)  # the first requests open connections
    for _ in range(rounds):
        before = round_of(bare, seconds, connections)
        for target in targets:
            asked = round_of(target, seconds, connections)
            after = round_of(bare, seconds, connections)
            mean = (before.requests_per_second + after.requests_per_second) / 2
            measured[bare.name].append(before)
            measured[target.name].append(asked)
            ratios[target.name].append(asked.requests_per_second / mean)
            before = after
    bare_cpu = median(found.cpu_us for found in measured[bare.name])
    figures = {}
    for name, found in measured.items():
        cpu = median(one.cpu_us for one in found)
        figures[name] = Figures(
            requests_per_second=median(one.requests_per_second for one in found),
            p99_ms=median(one.p99_ms for one in found),
            of_bare=median(ratios.get(name, [1.0])),
            cpu_us=cpu,
            of_bare_by_cpu=bare_cpu / cpu,
        )
    return figures
