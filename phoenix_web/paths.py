"""Paths of templates, static files and data, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def bundled(folder: str) -> Path:
    """Return the path of *folder*: in the package when installed from a wheel, else next to it."""
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder


def default_working_dir() -> Path:
    """Return the directory for database and secret unless `PHOENIX_WORKING_DIR` is set."""
    instance = _PACKAGE.parent / "instance"
    return instance if instance.is_dir() else Path.home() / ".phoenix"
