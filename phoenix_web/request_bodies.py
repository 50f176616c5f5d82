"""Request bodies that are whole: one that was cut short, or would have to be, is refused."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, cast

import flask
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import cached_property
from werkzeug.wsgi import LimitedStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Request(flask.Request):
    """A request whose body is refused when it is too long, also without an announced length.

    Werkzeug would cut such a body at the limit and take the beginning for all of it.
    """

    @cached_property
    def stream(self) -> IO[bytes]:
        """Give the body; reading beyond the limit raises `RequestEntityTooLarge`."""
        limit = self.max_content_length
        if self.content_length is None and self.environ.get("wsgi.input_terminated") and limit:
            return cast("IO[bytes]", _LimitedBody(self.environ["wsgi.input"], limit, is_max=True))
        return super().stream


class _LimitedBody(LimitedStream):
    def on_exhausted(self) -> None:
        """Refuse the body unless it ends exactly at the limit."""
        if self._stream.read(1):
            raise RequestEntityTooLarge

    def readall(self) -> bytes:
        """Return the rest of the body."""
        data: bytes = super().readall()
        if self._pos >= self.limit:
            self.on_exhausted()
        return data


def whole_bodies(application: Callable[..., Any]) -> Callable[..., Iterable[bytes]]:
    """Return *application*, which then never takes a part of a body for all of it."""

    def checked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "CONTENT_LENGTH" in environ:
            # Gunicorn ends a body quietly where the connection ends. Without this promise of its,
            # Werkzeug counts, and misses what has not come.
            environ.pop("wsgi.input_terminated", None)
        elif "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = _Chunked(environ["wsgi.input"])
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    return checked


class _Chunked:
    """A chunked body whose faults are those of a connection, which Werkzeug answers with 400."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes; raise `OSError` for a malformed chunk."""
        try:
            data: bytes = self._body.read(size)
        except ParseException as error:
            raise OSError(f"malformed request body: {type(error).__name__}") from error
        return data
