"""Load generation with wrk in short rounds."""

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
    """A route of a server, with the headers of its requests."""

    name: str
    server: Process
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Round:
    """The results of one round."""

    requests_per_second: float
    p99_ms: float
    cpu_us: float


@dataclass(frozen=True)
class Figures:
    """The medians of a target, and their ratios to the bare route."""

    requests_per_second: float
    p99_ms: float
    of_bare: float
    #: CPU time per request, which other programs affect less than the rate.
    cpu_us: float
    of_bare_by_cpu: float


def run_round(target: Target, seconds: int, connections: int) -> Round:
    """Load *target* for *seconds*; exit on any response but success."""
    headers = [f"--header={name}: {value}" for name, value in target.headers.items()]
    options = [f"--duration={seconds}s", f"--connections={connections}", "--threads=1"]
    url = target.server.url + target.path
    before = target.server.cpu_seconds()
    output = subprocess.run(
        ["wrk", "--latency", *options, *headers, url],  # noqa: S607 - found in PATH
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    cpu_seconds = target.server.cpu_seconds() - before
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(f"{target.name} failed under load:\n{output}")
    speed = re.search(r"Requests/sec:\s+([\d.]+)", output)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", output)
    count = re.search(r"(\d+) requests in", output)
    if speed is None or p99 is None or count is None:
        raise SystemExit(f"The output of wrk has an unknown format:\n{output}")
    p99_ms = float(p99[1]) * _MILLISECONDS[p99[2]]
    return Round(float(speed[1]), p99_ms, cpu_seconds / int(count[1]) * 1e6)


def compare(
    bare: Target, targets: Sequence[Target], rounds: int, seconds: int, connections: int
) -> dict[str, Figures]:
    """Return the figures of each target by name, *bare* first, as medians of *rounds*.

    Each ratio is to the bare rounds directly before and after, because the load of the machine
    varies.
    """
    measured: dict[str, list[Round]] = {target.name: [] for target in (bare, *targets)}
    ratios: dict[str, list[float]] = {target.name: [] for target in targets}
    for target in (bare, *targets):
        run_round(target, 1, connections)  # opens connections
    for _ in range(rounds):
        before = run_round(bare, seconds, connections)
        for target in targets:
            result = run_round(target, seconds, connections)
            after = run_round(bare, seconds, connections)
            mean = (before.requests_per_second + after.requests_per_second) / 2
            measured[bare.name].append(before)
            measured[target.name].append(result)
            ratios[target.name].append(result.requests_per_second / mean)
            before = after
    bare_cpu = median(result.cpu_us for result in measured[bare.name])
    figures = {}
    for name, results in measured.items():
        cpu = median(result.cpu_us for result in results)
        figures[name] = Figures(
            requests_per_second=median(result.requests_per_second for result in results),
            p99_ms=median(result.p99_ms for result in results),
            of_bare=median(ratios.get(name, [1.0])),
            cpu_us=cpu,
            of_bare_by_cpu=bare_cpu / cpu,
        )
    return figures
