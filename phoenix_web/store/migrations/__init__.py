"""Alembic migrations: `versions/` has one file for each change of the tables."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

_FOLDER = Path(__file__).parent

_log = logging.getLogger(__name__)


def head() -> str:
    """Return the newest revision: the one whose file has the highest number."""
    return max(path.stem.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def current(connection: Connection) -> str | None:
    """Return the revision that the database is at, or None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def upgrade(connection: Connection) -> None:
    """Bring the database of *connection* to the newest revision, in its transaction."""
    if current(connection) == head():
        return
    # Imported here: most starts have nothing to do, and Alembic is slow to load.
    from alembic import command  # noqa: PLC0415 - see above

    command.upgrade(config(connection), "head")
    _log.info("the database is at revision %s", head())


def config(connection: Connection) -> Config:
    """Return Alembic's configuration for *connection*, which `env` takes from it."""
    from alembic.config import Config  # noqa: PLC0415 - see `upgrade`

    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    made.attributes["connection"] = connection
    return made
