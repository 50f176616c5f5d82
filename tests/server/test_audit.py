from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

from tests.support.audit_log import Watch
from tests.support.live import running_server

if TYPE_CHECKING:
    from flask import Flask

    from tests.conftest import MakeKey, MakeUser

ACTS = 24


def test_four_workers_write_one_chain_and_the_last_of_them_when_it_ends(
    app: Flask, environment: dict[str, str], make_user: MakeUser, make_key: MakeKey
) -> None:
    """What a worker has gathered in memory is written when the server ends."""
    user = make_user()
    key = make_key(user)
    watch = Watch(app)
    with (
        running_server(environment) as server,
        httpx.Client(trust_env=False, timeout=30) as client,
        ThreadPoolExecutor(8) as pool,
    ):

        def act(number: int) -> int:
            wrong = {"email": f"nobody{number}@example.com", "password": "a wrong password"}
            made = client.post(
                f"{server.url}/v1/user/api_keys",
                json={"data": {"name": f"key {number}"}},
                headers={**user.headers, "Connection": "close"},
            )
            failed = client.post(f"{server.url}/auth/login", json=wrong)
            return made.status_code * 1000 + failed.status_code

        assert set(pool.map(act, range(ACTS))) == {201401}
        apart = {**key.headers, "Connection": "close"}
        used = pool.map(lambda _: client.get(f"{server.url}/v1/user", headers=apart), range(ACTS))
        assert {answer.status_code for answer in used} == {200}

    counts = Counter(line.action for line in watch.new())
    assert counts == {
        "settings.changed": 1,  # `app` was not started as a server
        "key.issued": ACTS,
        "login.failed": ACTS,
        "key.first_used": 1,
    }
    watch.prove()
