"""An application that sends its mails to a real server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mail_server import running_mail_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.conftest import MakeApp
    from tests.mail_server import MailServer


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Return a running mail server."""
    with running_mail_server() as server:
        yield server


@pytest.fixture
def app(make_app: MakeApp, mail_server: MailServer) -> Flask:
    """Return the application with mail; nothing is sent until a test says so."""
    return make_app(
        smtp_hostname="127.0.0.1",
        smtp_port=mail_server.port,
        root_url="https://phx.example.com/phx",
        host_root_path="/phx",
    )
