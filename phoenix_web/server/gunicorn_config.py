"""Gunicorn's settings, derived from ours."""

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

#: Addresses of the server itself, or of every interface: from this machine that is localhost.
_LOCAL: Final = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "::1"})  # noqa: S104 - compared only


def from_environment() -> dict[str, Any]:
    """Return gunicorn's settings for this process's environment; exit 1 with every fault."""
    try:
        return gunicorn_settings(load())
    except ConfigError as error:
        # Gunicorn would print a traceback; the faults say all.
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
        "on_starting": allow_sigterm_at_fork,
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
        "logger_class": "phoenix_web.server.worker.Log",
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
            announce(f"  phoenix_web {VERSION} is at http://{host}:{name[1]}")
        else:
            announce(f"  phoenix_web {VERSION} is at {listener}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def announce(text: str) -> None:
    """Print *text* for the person at the terminal, past the log."""
    sys.stdout.write(f"\n{text}\n\n")
    sys.stdout.flush()
