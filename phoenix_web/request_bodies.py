"""Request bodies that are whole: one that was cut short or is malformed is refused with 400."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunicorn.http.errors import ParseException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


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
