"""An application that sends its mails to a real server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from tests.conftest import MakeApp
    from tests.support.mail_server import MailServer


@pytest.fixture
def app(make_app: MakeApp, mail_server: MailServer) -> Flask:
    """Return the application with mail; nothing is sent until a test says so."""
    return make_app(
        smtp_hostname="127.0.0.1",
        smtp_port=mail_server.port,
        root_url="https://phx.example.com/phx",
        host_root_path="/phx",
    )
