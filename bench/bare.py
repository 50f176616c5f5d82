"""The measure of all: one Flask route that looks at nothing."""

from flask import Flask, Response

app = Flask(__name__)


@app.get("/bare")
def bare() -> Response:
    """Answer a body as long as that of `GET /v1/user`."""
    return Response('{"data":{"username":"%s"}}' % ("x" * 200), mimetype="application/json")
