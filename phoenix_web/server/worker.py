"""Gunicorn's worker and log, so that neither repeats what a client has sent, and a prompt end."""

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
    """Gunicorn's worker with threads; a malformed request, and the secret in it, stays unsaid."""

    def run(self) -> None:
        """Serve until stopped; a thread beside the requests sends mails, if there is a server."""
        held = getattr(self.wsgi, "extensions", {}).get(EXTENSION)
        if held is None or held.mail is None:
            super().run()
            return
        # Only now: a thread would not have outlived the fork.
        with sending(held.mail.sender, lambda: self.alive):
            super().run()

    def handle_error(self, req: Request | None, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer *exc*; gunicorn's own log and answer would quote the faulty header."""
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
    """Gunicorn's log as a part of ours: the same lines, the same secrets cut out."""

    def setup(self, cfg: Config) -> None:
        """Pass on what gunicorn logs from *cfg*'s level on."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def allow_sigterm_at_fork(_arbiter: Arbiter) -> None:
    """Let a worker that is told to end before it can listen do so at once.

    A new process has the signal handlers of gunicorn's master until it has set up its own: what
    it was told in between was lost, and the master waited for it as long as for a long request.
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
