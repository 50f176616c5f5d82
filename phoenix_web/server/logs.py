"""Logging to standard error: one line per event, with secrets redacted."""

from __future__ import annotations

import logging

from phoenix_web.redaction import redact


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record* and its traceback, with secrets redacted."""
        return redact(super().format(record))


def configure_logging(level: str) -> None:
    """Log to standard error from *level* on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Alembic's INFO lines are internal; `store.migrations` logs the outcome.
    logging.getLogger("alembic").setLevel(max(logging.WARNING, logging.getLogger().level))
