"""Gunicorn's configuration file: `gunicorn --config python:phoenix_web.serving wsgi:app`."""

from phoenix_web.server import gunicorn_config

globals().update(gunicorn_config.from_environment())
