"""Benchmark of large uploads and downloads: time, memory and the latency of other requests.

The server has one worker, so that all requests share a process.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.processes import Process

#: The rate of reads on another connection during each step.
_READS_PER_SECOND = 100


@dataclass(frozen=True)
class Step:
    """A large request: its duration, the memory growth and the latency of other requests."""

    name: str
    seconds: float
    growth_mb: float
    reads_p99_ms: float


def measure(server: Process, headers: Mapping[str, str], examples: int) -> list[Step]:
    """Create, fetch, download and extend datasets with *examples* examples."""
    inputs = [{"question": f"What is {n} plus {n}, in words and figures?"} for n in range(examples)]
    outputs = [{"answer": f"It is {2 * n}, " + "and so on " * 8} for n in range(examples)]
    content = json.dumps({"name": "by JSON", "inputs": inputs, "outputs": outputs}).encode()
    rows = [
        f"{i['question']!r},{o['answer']!r}".replace("'", '"')
        for i, o in zip(inputs, outputs, strict=True)
    ]
    csv = "\n".join(["question,answer", *rows]).encode()
    jsonl = "\n".join(json.dumps(i | o) for i, o in zip(inputs, outputs, strict=True)).encode()
    one = {"name": "by JSON", "action": "append", "inputs": [{"question": "Once more?"}]}
    with httpx.Client(
        base_url=server.url, headers=dict(headers), trust_env=False, timeout=600
    ) as client:

        def upload(**body: Any) -> Any:
            response = client.post("/v1/datasets/upload", params={"sync": "true"}, **body)
            response.raise_for_status()
            return response.json()["data"]["dataset_id"]

        def download(path: str) -> None:
            with client.stream("GET", f"/v1/datasets/{dataset_id}/{path}") as response:
                response.raise_for_status()
                for _ in response.iter_raw():
                    pass

        def upload_file(name: str, kind: str, data: bytes) -> Callable[[], Any]:
            fields = {"name": name, "input_keys[]": "question", "output_keys[]": "answer"}
            return lambda: upload(data=fields, files={"file": (name, data, kind)})

        as_json = {"content": content, "headers": {"Content-Type": "application/json"}}
        steps = [
            _step(server, headers, "create by CSV", upload_file("by CSV", "text/csv", csv)),
            _step(
                server,
                headers,
                "create by JSONL",
                upload_file("by JSONL", "application/jsonl", jsonl),
            ),
            _step(server, headers, "create by JSON", lambda: upload(**as_json)),
        ]
        dataset_id = upload(json=one)
        steps += [
            _step(server, headers, "append one", lambda: upload(json=one)),
            _step(server, headers, "fetch the examples", lambda: download("examples")),
            _step(server, headers, "download as CSV", lambda: download("csv")),
            _step(server, headers, "download as JSONL", lambda: download("jsonl")),
            _step(server, headers, "list ten datasets", lambda: client.get("/v1/datasets")),
        ]
    return steps


def _step(server: Process, headers: Mapping[str, str], name: str, act: Callable[[], Any]) -> Step:
    done = threading.Event()
    times: list[float] = []
    reader = threading.Thread(target=_read, args=(server.url, headers, done, times))
    before = server.worker_pss_mb()
    reader.start()
    started = time.perf_counter()
    try:
        act()
    finally:
        seconds = time.perf_counter() - started
        done.set()
        reader.join()
    p99 = sorted(times)[int(len(times) * 0.99)] * 1000 if times else 0.0
    return Step(name, seconds, server.worker_pss_mb() - before, p99)


def _read(url: str, headers: Mapping[str, str], done: threading.Event, times: list[float]) -> None:
    """Request the first page of datasets at a fixed rate, measuring from the scheduled time."""
    with httpx.Client(base_url=url, headers=dict(headers), trust_env=False, timeout=60) as client:
        client.get("/v1/user")  # opens the connection, which is not measured
        due = time.perf_counter()
        while not done.is_set():
            client.get("/v1/datasets?limit=1").raise_for_status()
            times.append(time.perf_counter() - due)
            due += 1 / _READS_PER_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
