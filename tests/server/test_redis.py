"""Rate limits that several processes share through Redis, and what happens when it is away."""

from __future__ import annotations

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final

import httpx
import pytest
import time_machine

from phoenix_web.errors import Quota
from phoenix_web.rate_limits import RateLimits, windows
from tests.support.calls import log_in
from tests.support.live import running_server
from tests.support.processes import PATIENCE_SECONDS, reserved_port
from tests.support.servers import running_redis

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

    from tests.conftest import MakeApp
    from tests.factories import SignedIn

PASSWORD_OF_REDIS: Final = "the-password-of-redis"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """URL of an empty database; of one kind, as these limits ask none."""
    return f"sqlite:///{tmp_path / 'phoenix.db'}"


def test_four_workers_share_a_limit_and_no_secret_is_told(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with reserved_port() as port, running_redis(tmp_path, port, PASSWORD_OF_REDIS) as url:
        limits = {"PHOENIX_DISABLE_RATE_LIMIT": "false", "PHOENIX_RATE_LIMIT_STORAGE_URL": url}
        with (
            running_server({**environment, **limits}) as server,
            httpx.Client(
                trust_env=False, headers={"Connection": "close"}, timeout=PATIENCE_SECONDS
            ) as client,
            ThreadPoolExecutor(8) as pool,
        ):
            login = f"{server.url}/auth/login"
            answers = list(pool.map(lambda _: client.post(login, json={}), range(40)))

    assert Counter(answer.status_code for answer in answers) == {401: 12, 429: 28}
    waits = {int(answer.headers["Retry-After"]) for answer in answers if answer.status_code == 429}
    assert waits <= set(range(1, 61))
    assert PASSWORD_OF_REDIS not in server.output.read_text()


def test_sign_ins_go_on_while_redis_is_away_and_are_shared_again_when_it_is_back(
    make_app: MakeApp, member: SignedIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "_RETRY_SECONDS", 0)
    limited = [204] * 12 + [429]

    def log_in_in_turn(*clients: FlaskClient) -> list[int]:
        return [log_in(client, member.email).status_code for client in islice(cycle(clients), 13)]

    with reserved_port() as port, time_machine.travel(datetime.now(UTC), tick=False):
        with running_redis(tmp_path, port) as url:
            settings = {"disable_rate_limit": False, "rate_limit_storage_url": url}
            clients = [make_app(**settings).test_client(use_cookies=False) for _ in range(2)]
            assert log_in_in_turn(*clients) == limited

        # Now each counts by itself.
        assert [log_in_in_turn(client) for client in clients] == [limited] * 2

        with running_redis(tmp_path, port):
            assert log_in_in_turn(*clients) == limited


def test_a_redis_that_hangs_delays_one_request_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_RETRY_SECONDS", PATIENCE_SECONDS)
    quota = Quota("test", 100, 60)
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(8) as pool:
        limits = RateLimits(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        limits.acquire(quota, "192.0.2.1")
        list(pool.map(lambda _: limits.acquire(quota, "192.0.2.1"), range(40)))

        silent.settimeout(0)
        with silent.accept()[0], pytest.raises(BlockingIOError):
            silent.accept()  # one request has connected, and no other


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "rediss://user:password@redis.example:6380/3",
        "redis://[::1]:6379",
        "redis+unix:///run/redis.sock",
    ],
)
def test_every_url_that_is_taken_makes_a_client(
    make_app: MakeApp, member: SignedIn, url: str
) -> None:
    app = make_app(disable_rate_limit=False, rate_limit_storage_url=url.replace("6379", "1"))

    assert log_in(app.test_client(), member.email).status_code == 204
