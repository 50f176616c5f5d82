"""The WSGI application of this environment, and the gunicorn server for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import ParseException

from phoenix_web import create_app
from phoenix_web.redaction import redact
from phoenix_web.server.bootstrap import prepare
from phoenix_web.server.gunicorn_config import announce, gunicorn_settings
from phoenix_web.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask


def application(settings: Settings | None = None) -> Flask:
    """Return the application for *settings* or the environment; prepare its database."""
    settings = settings or load()
    _configure_logging(settings.logging_level)
    password = prepare(settings, is_start=True)
    if password is not None:
        announce(
            f"  The first administrator is admin@localhost, password {password}\n"
            "  You won't see this password again. Sign in and change it."
        )
    app = create_app(settings)
    app.wsgi_app = reject_incomplete_bodies(app.wsgi_app)  # type: ignore[method-assign]  # Flask's way
    return app


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record* and its traceback, with secrets redacted."""
        return redact(super().format(record))


def _configure_logging(level: str) -> None:
    """Log one line per event to standard error, with secrets redacted."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Alembic's INFO lines are internal; `store.migrations` logs the outcome.
    logging.getLogger("alembic").setLevel(max(logging.WARNING, logging.getLogger().level))


class Server(BaseApplication):
    """Gunicorn with the settings of phoenix_web."""

    def __init__(self, settings: Settings) -> None:
        """Configure the server from *settings*."""
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings."""
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the application; created once, before the workers are forked."""
        return application(self._settings)


def reject_incomplete_bodies(application: Callable[..., Any]) -> Callable[..., Iterable[bytes]]:
    """Wrap *application* so that it rejects a body cut off by a closed connection."""

    def checked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "CONTENT_LENGTH" in environ:
            # Gunicorn ends a body silently where the connection ends. Without this flag,
            # Werkzeug counts the bytes and notices that some are missing.
            environ.pop("wsgi.input_terminated", None)
        elif "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = _ChunkedBody(environ["wsgi.input"])
        response: Iterable[bytes] = application(environ, start_response)
        return response

    return checked


class _ChunkedBody:
    """A chunked body that raises `OSError` if malformed, which Werkzeug answers with 400."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes; raise `OSError` for a malformed chunk."""
        try:
            data: bytes = self._body.read(size)
        except ParseException as error:
            raise OSError(f"malformed request body: {type(error).__name__}") from error
        return data
