"""The pages' door (stub, being written)."""

from __future__ import annotations
from typing import TYPE_CHECKING
from flask import Blueprint

if TYPE_CHECKING:
    from flask import Flask


def register(app: Flask, secret: str) -> None:
    app.register_blueprint(Blueprint("ui", __name__))
