"""Requests to the API that many tests send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from phoenix_web.web.guard import DEVICE_COOKIE
from tests.factories import PASSWORD

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.factories import SignedIn


def log_in(  # noqa: PLR0913 - what a browser sends at a log-in
    client: FlaskClient,
    email: str,
    password: str = PASSWORD,
    *,
    code: str | None = None,
    address: str | None = None,
    device: str | None = None,
    **options: Any,
) -> TestResponse:
    """Log in at the API, from *address* and with the cookie of a known *device*.

    *code* is that of the second factor; *options* are those of a request of *client*.
    """
    body = {"email": email, "password": password}
    if code is not None:
        body["code"] = code
    if address is not None:
        options["environ_overrides"] = {"REMOTE_ADDR": address}
    if device is not None:
        options["headers"] = {"Cookie": f"{DEVICE_COOKIE}={device}"}
    return client.post("/auth/login", json=body, **options)


def cookies_of(response: TestResponse) -> dict[str, str]:
    """Return the cookies that *response* sets, in their order."""
    lines = response.headers.getlist("Set-Cookie")
    return dict(line.partition(";")[0].split("=", 1) for line in lines)


def upload_dataset(client: FlaskClient, caller: SignedIn, **fields: Any) -> dict[str, Any]:
    """Upload one example, or *fields*, to the dataset `qa`, and return the data of the answer."""
    body = {"name": "qa", "action": "append", "inputs": [{"n": 1}], **fields}
    response = client.post(
        "/v1/datasets/upload",
        data=json.dumps(body),  # as text, because the test client sorts keys
        content_type="application/json",
        headers=caller.headers,
    )
    assert response.status_code == 200, response.text
    data: dict[str, Any] = response.get_json()["data"]
    return data
