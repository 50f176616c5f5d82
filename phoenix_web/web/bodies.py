"""A Flask request that rejects a body above the size limit instead of truncating it."""

from __future__ import annotations

from typing import IO, cast

import flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import cached_property
from werkzeug.wsgi import LimitedStream


class Request(flask.Request):
    """A request that rejects a body above the size limit, even without `Content-Length`.

    Werkzeug would silently truncate a chunked body at the limit.
    """

    @cached_property
    def stream(self) -> IO[bytes]:
        """Return the body; reading beyond the limit raises `RequestEntityTooLarge`."""
        limit = self.max_content_length
        if self.content_length is None and self.environ.get("wsgi.input_terminated") and limit:
            return cast("IO[bytes]", _LimitedBody(self.environ["wsgi.input"], limit, is_max=True))
        return super().stream


class _LimitedBody(LimitedStream):
    def on_exhausted(self) -> None:
        """Raise `RequestEntityTooLarge` if there is data beyond the limit."""
        if self._stream.read(1):
            raise RequestEntityTooLarge

    def readall(self) -> bytes:
        """Return the rest of the body."""
        data: bytes = super().readall()
        if self._pos >= self.limit:
            self.on_exhausted()
        return data
