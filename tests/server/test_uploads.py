from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import text

from tests.factories import services_of
from tests.support.live import http_request, running_server, workers_of
from tests.support.processes import PATIENCE_SECONDS, wait_until

if TYPE_CHECKING:
    from flask import Flask

    from tests.conftest import MakeKey, MakeUser
    from tests.support.live import LiveServer

EXAMPLES = 30_000
#: Much less than all of them take, and more than anything else writes.
BEGUN_BYTES = 1024 * 1024


def upload(server: LiveServer, headers: dict[str, str], action: str, count: int) -> httpx.Response:
    return http_request(
        "POST",
        f"{server.url}/v1/datasets/upload?sync=true",
        headers=headers,
        json={
            "name": "questions",
            "action": action,
            "inputs": [{"question": f"What is {n}? " + "Well, " * 20} for n in range(count)],
            "splits": ["test"] * count,
        },
    )


def stored(server: LiveServer, headers: dict[str, str]) -> Any:
    """Return the datasets and, of each, the versions and how many examples can be read."""
    with httpx.Client(
        base_url=server.url, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
    ) as client:
        found = []
        for dataset in client.get("/v1/datasets").json()["data"]:
            path = f"/v1/datasets/{dataset['id']}"
            versions = client.get(f"{path}/versions").json()["data"]
            examples = client.get(f"{path}/examples").json()["data"]["examples"]
            splits = client.get(f"{path}/splits").json()["data"]
            counts = [split["example_count"] for split in splits]
            found.append((dataset["name"], len(versions), len(examples), counts))
            assert dataset["example_count"] == len(examples)
        return found


def written_bytes(app: Flask) -> int:
    """Return how much stands on disk, committed or not, of what an upload writes."""
    database = services_of(app).database
    if database.url.get_backend_name() == "sqlite":
        return Path(f"{database.url.database}-wal").stat().st_size
    with database.reading() as session:
        size = text("SELECT pg_relation_size('dataset_example_revisions')")
        return int(session.execute(size).scalar_one())


@pytest.mark.parametrize(
    ("action", "before"), [("create", []), ("update", [("questions", 1, 10, [10])])]
)
def test_a_killed_upload_leaves_nothing_behind(  # noqa: PLR0913, PLR0917 - fixtures and cases
    app: Flask,
    environment: dict[str, str],
    make_user: MakeUser,
    make_key: MakeKey,
    action: str,
    before: list[Any],
) -> None:
    headers = make_key(make_user()).headers
    with running_server(environment, workers=1) as server:
        if before:
            assert upload(server, headers, "create", 10).is_success
        answers: list[httpx.Response | httpx.TransportError] = []

        def send() -> None:
            try:
                answers.append(upload(server, headers, action, EXAMPLES))
            except httpx.TransportError as error:
                answers.append(error)

        sender = threading.Thread(target=send)
        begun = written_bytes(app) + BEGUN_BYTES
        sender.start()
        wait_until(lambda: written_bytes(app) >= begun)
        os.kill(workers_of(server)[0], signal.SIGKILL)
        sender.join()

        assert isinstance(answers[0], httpx.TransportError), "the upload was over too soon"
        assert stored(server, headers) == before

        assert upload(server, headers, action, EXAMPLES).is_success
        assert stored(server, headers) == [
            ("questions", len(before) + 1, EXAMPLES, [EXAMPLES]),
        ]


def test_an_upload_that_was_answered_outlives_a_killed_server(
    environment: dict[str, str], make_user: MakeUser, make_key: MakeKey
) -> None:
    headers = make_key(make_user()).headers
    with running_server(environment, workers=1) as server:
        workers = workers_of(server)
        answer = upload(server, headers, "create", 1000)
        for pid in (server.pid, *workers):
            os.kill(pid, signal.SIGKILL)
        assert answer.is_success

    with running_server(environment, workers=1) as server:
        assert stored(server, headers) == [("questions", 1, 1000, [1000])]
