"""How the application is served: gunicorn's settings, and the start before the first request."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from phoenix_web import create_app
from phoenix_web.bootstrap import prepare
from phoenix_web.config import Settings, load
from phoenix_web.logs import set_up

if TYPE_CHECKING:
    from flask import Flask


def application(settings: Settings | None = None) -> Flask:
    """Return the application of this process's environment, with its database prepared."""
    settings = settings or load()
    set_up(settings.logging_level)
    password = prepare(settings)
    if password is not None:
        _show(settings, password)
    return create_app(settings)


class Server(BaseApplication):
    """Gunicorn with our settings."""

    def __init__(self, settings: Settings) -> None:
        """Serve by *settings*."""
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its settings."""
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the application, made once, before the workers are forked."""
        return application(self._settings)


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """Return gunicorn's settings."""
    return {
        "bind": f"{settings.host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": "gthread",
        "threads": settings.threads,
        # One import for all workers, whose memory they then share; `create_app` opens nothing.
        "preload_app": True,
        # A socket that takes commands is nothing that we need.
        "control_socket_disable": True,
    }


def _show(settings: Settings, password: str) -> None:
    """Print the first administrator's password, this once, and to nowhere but the terminal."""
    sys.stdout.write(
        f"\n  The first administrator is admin@localhost, password {password}\n"
        f"  Sign in at http://localhost:{settings.port} and change it.\n\n"
    )
    sys.stdout.flush()
