"""The reference of the benchmark: a Flask route without authentication or database."""

from flask import Flask, Response

app = Flask(__name__)


@app.get("/bare")
def bare() -> Response:
    """Return a body as long as that of `GET /v1/user`."""
    return Response('{"data":{"username":"%s"}}' % ("x" * 200), mimetype="application/json")
