"""Gunicorn's settings, derived from the settings of phoenix_web."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.server.worker import allow_sigterm_at_fork
from phoenix_web.settings import ConfigError, load
from phoenix_web.version import VERSION

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

    from phoenix_web.settings import Settings

#: Loopback and wildcard addresses, which the start message shows as localhost.
_LOCAL: Final = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "::1"})  # noqa: S104 - compared only


def from_environment() -> dict[str, Any]:
    """Return gunicorn's settings for the environment; exit with 1 and all faults if invalid."""
    try:
        return gunicorn_settings(load())
    except ConfigError as error:
        # Gunicorn would print a traceback around the faults.
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """Return gunicorn's settings."""
    is_verbose = settings.logging_level == "DEBUG"
    return {
        "bind": f"{_bracketed(settings.host)}:{settings.port}",
        "workers": settings.workers,
        "worker_class": "phoenix_web.server.worker.Worker",
        "threads": settings.threads,
        # Below the usual limit of 1024 open files, which includes those of the database.
        "worker_connections": max(900, settings.threads),
        # Longer than proxies keep idle connections: the proxy must be the one to close first.
        "keepalive": 65,
        # Below the 30 seconds after which container platforms send SIGKILL.
        "graceful_timeout": 25,
        # Gunicorn replaces a worker whose main thread is stuck for this many seconds.
        "timeout": 30,
        # Workers share the memory of one import; `create_app` opens no connections.
        "preload_app": True,
        "on_starting": allow_sigterm_at_fork,
        "when_ready": _when_ready,
        # Heartbeats must not wait for disk writes.
        "worker_tmp_dir": "/dev/shm" if sys.platform == "linux" else None,  # noqa: S108 - its default is less private
        # Only PHOENIX_TRUSTED_PROXY_HOPS decides which forwarding headers count; gunicorn's
        # default would trust every process of this machine.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "secure_scheme_headers": {},
        "proxy_allow_ips": "",
        # The default would switch to another parser if one is installed.
        "http_parser": "python",
        # Nothing here uses gunicorn's control socket.
        "control_socket_disable": True,
        # Gunicorn's INFO lines (pids and signals) help only with debugging, and its DEBUG lines
        # contain the text of requests. Access logs would contain queries.
        "logger_class": "phoenix_web.server.worker.Log",
        "loglevel": "info" if is_verbose else "warning",
        "accesslog": None,
        "proc_name": "phoenix-web",
    }


def _when_ready(arbiter: Arbiter) -> None:
    """Print the address of the server, with the port that it was assigned."""
    # Workers share this memory until they write to it; freezing keeps the collector off it.
    gc.collect()
    gc.freeze()
    for listener in arbiter.LISTENERS:
        name = listener.sock.getsockname()
        if isinstance(name, tuple):
            host = "localhost" if name[0] in _LOCAL else _bracketed(name[0])
            announce(f"  phoenix_web {VERSION} is at http://{host}:{name[1]}")
        else:
            announce(f"  phoenix_web {VERSION} is at {listener}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def announce(text: str) -> None:
    """Print *text* to standard output, bypassing the log."""
    sys.stdout.write(f"\n{text}\n\n")
    sys.stdout.flush()
