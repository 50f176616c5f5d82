"""Where the files beside the code are, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def bundled(folder: str) -> Path:
    """Return *folder* (`templates` or `static`): inside the package in a wheel, else beside it."""
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder


def default_working_dir() -> Path:
    """Return where the database and the secret live unless `PHOENIX_WORKING_DIR` says otherwise."""
    instance = _PACKAGE.parent / "instance"
    return instance if instance.is_dir() else Path.home() / ".phoenix"
