"""Gunicorn's worker and log, with what they leave open closed: slow clients, and secrets."""

from __future__ import annotations

import logging
import selectors
import socket
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from time import monotonic
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
    from gunicorn.workers.gthread import TConn

#: How long a new connection may be silent; it takes no thread meanwhile.
_SILENCE_SECONDS: Final = 5
#: How long the head of a request may take from its first byte on.
_HEAD_SECONDS: Final = 10
#: How long a body may take: this, and a second for each so many bytes that have come.
_BODY_SECONDS: Final = 30
_SLOWEST_BYTES_PER_SECOND: Final = 16 * 1024

_REFUSALS: Final = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}

_log = logging.getLogger(__name__)


class _Reading:
    """A request that is being read: by when it must be there. Stands in for its socket."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self.deadline = monotonic() + seconds

    def recv(self, size: int) -> bytes:
        """Return what has come; it buys time for the rest."""
        received = self._sock.recv(size)
        self.deadline += len(received) / _SLOWEST_BYTES_PER_SECOND
        return received

    def gettimeout(self) -> float | None:
        """Return the timeout of the socket."""
        return self._sock.gettimeout()

    def settimeout(self, seconds: float | None) -> None:
        """Set the timeout of the socket."""
        self._sock.settimeout(seconds)

    def end(self) -> None:
        """Let whoever reads find the end of the connection; an answer can still be written."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)


class Worker(ThreadWorker):
    """Gunicorn's worker with threads, none of which a slow or silent client can hold for long.

    Gunicorn waits without limit for the rest of a request, so a few hundred half-sent ones would
    take every thread. Here the main thread ends what is late.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take what gunicorn gives."""
        super().__init__(*args, **options)
        self._readings: dict[TConn, _Reading] = {}
        self._next_look = 0.0

    def enqueue_req(self, conn: TConn) -> None:
        """Give *conn* a thread, a new one only when it has said something."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        conn.sock.settimeout(0)  # the poller needs it non-blocking
        conn.timeout = monotonic() + _SILENCE_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(
            conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn)
        )

    def handle(self, conn: TConn) -> bool:
        """Read and answer one request; tell whether the connection stays open."""
        self._readings[conn] = _Reading(conn.sock, _HEAD_SECONDS)
        try:
            return super().handle(conn)
        finally:
            self._readings.pop(conn, None)

    def handle_request(self, req: Request, conn: TConn) -> bool:
        """Answer *req*, whose head has been read and whose body has not."""
        del self._readings[conn]
        reader = req.body.reader if req.body is not None else None
        if getattr(reader, "length", None) != 0:
            reading = self._readings[conn] = _Reading(conn.sock, _BODY_SECONDS)
            conn.parser.unreader.sock = reading  # type: ignore[union-attr]  # no HTTP/2 here
        return super().handle_request(req, conn)

    def notify(self) -> None:
        """Tell the master that this worker lives, and end what is late; called every second."""
        super().notify()
        now = monotonic()
        if now < self._next_look:
            return
        self._next_look = now + 1
        for reading in list(self._readings.values()):
            if reading.deadline < now:
                reading.end()

    def handle_error(self, req: Request | None, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer *exc*; neither the log nor the answer repeats the request, unlike gunicorn's."""
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
