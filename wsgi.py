"""The WSGI application, for `gunicorn --config python:phoenix_web.serving wsgi:app`."""

from phoenix_web.server.application import application

app = application()
