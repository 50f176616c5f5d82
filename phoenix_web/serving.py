"""Gunicorn's settings by name, for `gunicorn --config python:phoenix_web.serving wsgi:app`.

Only gunicorn imports this module: it reads the environment at once, as gunicorn expects of a
configuration. `phoenix-web serve` takes the same settings from `server`.
"""

from __future__ import annotations

import sys

from phoenix_web.config import ConfigError, load
from phoenix_web.server import gunicorn_settings

try:
    globals().update(gunicorn_settings(load()))
except ConfigError as error:
    # Gunicorn would print a traceback; the faults say all.
    sys.stderr.write(f"{error}\n")
    raise SystemExit(1) from None
