"""The start: from the environment to a server that answers."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication

from phoenix_web import create_app
from phoenix_web.bootstrap import prepare
from phoenix_web.config import Settings, load
from phoenix_web.gunicorn_parts import end_while_starting
from phoenix_web.logs import set_up
from phoenix_web.request_bodies import whole_bodies
from phoenix_web.version import VERSION

if TYPE_CHECKING:
    from flask import Flask
    from gunicorn.arbiter import Arbiter

#: Addresses of the server itself, or of every interface: from this machine that is localhost.
_LOCAL: Final = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "::1"})  # noqa: S104 - compared only


def application(settings: Settings | None = None) -> Flask:
    """Return the application of this process's environment, with its database prepared."""
    settings = settings or load()
    set_up(settings.logging_level)
    password = prepare(settings, is_start=True)
    if password is not None:
        _print(
            f"  The first administrator is admin@localhost, password {password}\n"
            "  It is shown this once. Sign in and change it."
        )
    app = create_app(settings)
    app.wsgi_app = whole_bodies(app.wsgi_app)  # type: ignore[method-assign]  # Flask's way
    return app


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
    is_verbose = settings.logging_level == "DEBUG"
    return {
        "bind": f"{_bracketed(settings.host)}:{settings.port}",
        "workers": settings.workers,
        "worker_class": "phoenix_web.gunicorn_parts.Worker",
        "threads": settings.threads,
        # Less than the 1024 files that a process may usually open, the database's included.
        "worker_connections": max(900, settings.threads),
        # Longer than proxies keep an idle connection: who closes it first must be the proxy.
        "keepalive": 65,
        # Below the 30 seconds after which container platforms kill.
        "graceful_timeout": 25,
        # A worker whose main thread has not moved for so long is replaced.
        "timeout": 30,
        # One import for all workers, whose memory they then share; `create_app` opens nothing.
        "preload_app": True,
        "on_starting": end_while_starting,
        "when_ready": _when_ready,
        # Heartbeats must not wait for a disk.
        "worker_tmp_dir": "/dev/shm" if sys.platform == "linux" else None,  # noqa: S108 - its default is less private
        # Forwarding headers count only as far as PHOENIX_TRUSTED_PROXY_HOPS says; gunicorn's own
        # default would trust every process of this machine.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "secure_scheme_headers": {},
        "proxy_allow_ips": "",
        # The default picks another parser as soon as one is installed.
        "http_parser": "python",
        # A socket that takes commands is nothing that we need.
        "control_socket_disable": True,
        # What gunicorn tells on INFO, its pids and signals, is of use to who debugs; on DEBUG it
        # would tell the text of requests. Paths with their queries are logged by nobody.
        "logger_class": "phoenix_web.gunicorn_parts.Log",
        "loglevel": "info" if is_verbose else "warning",
        "accesslog": None,
        "proc_name": "phoenix-web",
    }


def _when_ready(arbiter: Arbiter) -> None:
    """Say where the server is; it listens by now, and the port is the one that it got."""
    # What lives now lives in every worker: frozen, no collection touches, and so copies, it.
    gc.collect()
    gc.freeze()
    for listener in arbiter.LISTENERS:
        name = listener.sock.getsockname()
        if isinstance(name, tuple):
            host = "localhost" if name[0] in _LOCAL else _bracketed(name[0])
            _print(f"  phoenix_web {VERSION} is at http://{host}:{name[1]}")
        else:
            _print(f"  phoenix_web {VERSION} is at {listener}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _print(text: str) -> None:
    """Print for the person at the terminal, past the log."""
    sys.stdout.write(f"\n{text}\n\n")
    sys.stdout.flush()
