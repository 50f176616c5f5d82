"""Benchmark command: routes compared with a bare Flask route, start-up, memory, large datasets."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from bench import datasets, sign_ins
from bench.load import Target, compare
from bench.processes import BARE, SERVE, serving
from bench.seed import access_token, add_datasets, add_keys
from tests.support.servers import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_PASSWORD = "correct horse battery staple 1"  # noqa: S105 - of a temporary server
_DATASETS = 10_000


@click.command()
@click.option("--rounds", default=5, help="Rounds per median.")
@click.option("--seconds", default=2, help="Duration of a round.")
@click.option("--connections", default=16, help="Simultaneous connections.")
@click.option("--keys", default=100_000, help="API keys in the database.")
@click.option("--examples", default=100_000, help="Examples in a large dataset.")
@click.option(
    "--database", "kinds", multiple=True, type=click.Choice(["sqlite", "postgresql"]),
    default=["sqlite", "postgresql"], help="Database to use; may be repeated.",
)  # fmt: skip
@click.option(
    "--json", "path", type=click.Path(path_type=Path), help="Also write the figures to this file."
)
def main(  # noqa: PLR0913, PLR0917 - one argument per option
    rounds: int,
    seconds: int,
    connections: int,
    keys: int,
    examples: int,
    kinds: tuple[str, ...],
    path: Path | None,
) -> None:
    """Measure routes and a bare Flask route in one run with the same gunicorn settings."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (on Debian: apt-get install wrk)")
    figures = {}
    for kind in kinds:
        with _database(kind) as (folder, url):
            figures[kind] = _measure(
                kind, folder, url, (keys, examples), (rounds, seconds, connections)
            )
    if path is not None:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _database(kind: str) -> Iterator[tuple[Path, str]]:
    """Yield a working directory and the URL of an empty database."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if kind == "sqlite":
            yield folder, f"sqlite:///{folder / 'phoenix.db'}"
        else:
            with running_postgres(is_durable=True) as server, server.new_database() as url:
                yield folder, url


def _measure(
    kind: str,
    folder: Path,
    database_url: str,
    counts: tuple[int, int],
    load: tuple[int, int, int],
) -> dict[str, Any]:
    keys, examples = counts
    environment = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_SQL_DATABASE_URL": database_url,
        "PHOENIX_SECRET": "the-secret-of-a-benchmark-0123456789",
        "PHOENIX_DEFAULT_ADMIN_INITIAL_PASSWORD": _PASSWORD,
        "PHOENIX_ACCESS_TOKEN_EXPIRY_MINUTES": "600",
    }
    log = folder / "log"
    with serving(SERVE, "/healthz", environment, log) as server:
        empty = server.seconds
    starts = []
    for _ in range(3):
        with serving(SERVE, "/healthz", environment, log) as server:
            starts.append(server.seconds)
    text = add_keys(database_url, keys)
    add_datasets(database_url, _DATASETS)
    by_key = {"Authorization": f"Bearer {text}"}
    with (
        serving(SERVE, "/healthz", environment, log) as server,
        serving(BARE, "/bare", environment, log) as bare,
    ):
        token = access_token(server.url, _PASSWORD)
        user = "/v1/user"
        targets = [
            Target("GET /v1/user by key", server, user, by_key),
            Target(
                "GET /v1/user by access token", server, user, {"Authorization": f"Bearer {token}"}
            ),
            Target(
                "GET /v1/user by cookie", server, user, {"Cookie": f"phoenix-access-token={token}"}
            ),
            Target("GET /v1/datasets?limit=10 by key", server, "/v1/datasets?limit=10", by_key),
        ]
        routes = compare(Target("bare Flask route", bare, "/bare", {}), targets, *load)
        memory = server.worker_pss_mb()
    unlimited = {**environment, "PHOENIX_DISABLE_RATE_LIMIT": "true"}
    with serving(SERVE, "/healthz", unlimited, log) as server:
        latencies = sign_ins.measure(server, by_key, _PASSWORD)
    with serving(SERVE, "/healthz", {**environment, "PHOENIX_WORKERS": "1"}, log) as server:
        steps = datasets.measure(server, by_key, examples)
    print(
        f"\n{kind}, {keys:,} keys, {_DATASETS:,} datasets, {load[2]} connections, "
        f"median of {load[0]} rounds\n"
    )
    print(f"  {'':34}{'requests/s':>11}{'p99 ms':>9}{'of bare':>9}{'CPU us':>9}{'of bare':>9}")
    for name, route in routes.items():
        print(
            f"  {name:34}{route.requests_per_second:>11,.0f}{route.p99_ms:>9.1f}"
            f"{route.of_bare:>9.2f}{route.cpu_us:>9.0f}{route.of_bare_by_cpu:>9.2f}"
        )
    print(f"\n  first response: {median(starts):.2f} s, with an empty database {empty:.2f} s")
    print(f"  memory of a worker: {memory:.0f} MB (PSS)")
    sign_ins.print_table(latencies)
    print(f"\n  {examples:,} examples{'':16}{'seconds':>9}{'MB more':>9}{'p99 of reads':>15}")
    for step in steps:
        print(
            f"  {step.name:24}{step.seconds:>12.3f}{step.growth_mb:>9.0f}{step.reads_p99_ms:>27.0f}"
        )
    return {
        "datasets": [asdict(step) for step in steps],
        "sign_ins": [asdict(phase) for phase in latencies],
        "routes": {name: asdict(route) for name, route in routes.items()},
        "first_answer_seconds": median(starts),
        "first_answer_on_empty_database_seconds": empty,
        "worker_pss_mb": memory,
    }


main()
