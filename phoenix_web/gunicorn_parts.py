"""Gunicorn's worker and log, so that neither repeats what a client has sent."""

from __future__ import annotations

import logging
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

if TYPE_CHECKING:
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

    def handle_error(self, req: Request | None, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer *exc*; gunicorn's own log and answer would quote the faulty header."""
        if isinstance(exc, ParseException):
            status = _REFUSALS.get(type(exc), HTTPStatus.BAD_REQUEST)
            _log.info("%d to %s: %s", status, addr[0] if addr else "", type(exc).__name__)
        else:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            method = req.method if req is not None else "a request"
            _log.error("%s failed in the server", method, exc_info=exc)
        with suppress(OSError):
            write_error(client, status, status.phrase, "")


class Log(Logger):
    """Gunicorn's log as a part of ours: the same lines, the same secrets cut out."""

    def setup(self, cfg: Config) -> None:
        """Pass on what gunicorn logs from *cfg*'s level on."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
