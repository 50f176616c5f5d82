"""Gunicorn's worker and logger, which never quote a request, and prompt shutdown."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from gunicorn.glogging import Logger
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.util import write_error
from gunicorn.workers.gthread import ThreadWorker

from phoenix_web.mail.background import sending
from phoenix_web.web.services import EXTENSION

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.config import Config
    from gunicorn.http import Request

_REFUSALS: Final = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}

_log = logging.getLogger(__name__)


class Worker(ThreadWorker):
    """Gunicorn's threaded worker; it does not log the text of malformed requests."""

    def run(self) -> None:
        """Serve requests; if mail is configured, a background thread sends it."""
        services = getattr(self.wsgi, "extensions", {}).get(EXTENSION)
        if services is None or services.mail is None:
            super().run()
            return
        # Started after the fork, which a thread does not survive.
        with sending(services.mail.sender, lambda: self.alive):
            super().run()

    def handle_error(self, req: Request | None, client: Any, addr: Any, exc: BaseException) -> None:
        """Log *exc* and send an error; gunicorn would quote the malformed header in both."""
        if isinstance(exc, ParseException):
            status = _REFUSALS.get(type(exc), HTTPStatus.BAD_REQUEST)
            _log.info("%d to %s: %s", status, addr[0] if addr else "", type(exc).__name__)
        else:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            method = req.method if req is not None else "a request"
            _log.error("%s failed", method, exc_info=exc)
        with suppress(OSError):
            write_error(client, status, status.phrase, "")


class Log(Logger):
    """Gunicorn's logger, which passes its lines to the root logger for redaction."""

    def setup(self, cfg: Config) -> None:
        """Propagate gunicorn's error log from the level of *cfg* on."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def allow_sigterm_at_fork(_arbiter: Arbiter) -> None:
    """Make a new worker exit on SIGTERM before it has installed its own handlers.

    Until then, it has the handlers of gunicorn's master and would ignore the signal; the master
    would wait for the worker until the graceful timeout.
    """
    os.register_at_fork(
        before=_block_sigterm,
        after_in_parent=_unblock_sigterm,
        after_in_child=_reset_sigterm,
    )


def _block_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _unblock_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _reset_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _unblock_sigterm()
