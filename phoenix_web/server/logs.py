"""Logging: one line an event on standard error, without anything that looks like a secret."""

from __future__ import annotations

import logging

from phoenix_web.redaction import redact


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*, a traceback included, without secrets."""
        return redact(super().format(record))


def configure_logging(level: str) -> None:
    """Send the program's log to standard error from *level* on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # What Alembic tells on INFO is its own inside; `store.migrations` tells the outcome.
    logging.getLogger("alembic").setLevel(max(logging.WARNING, logging.getLogger().level))
