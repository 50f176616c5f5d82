"""Alembic migrations, one file in `versions/` for each change of the schema."""

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
    """Return the newest revision, from the highest number of a file."""
    return max(path.stem.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def current(connection: Connection) -> str | None:
    """Return the current revision of the database, or None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def upgrade(connection: Connection) -> None:
    """Upgrade the database to the newest revision, in the transaction of *connection*."""
    if current(connection) == head():
        return
    # Imported here, because Alembic is slow to load and most starts need no migration.
    from alembic import command  # noqa: PLC0415 - see above

    command.upgrade(config(connection), "head")
    _log.info("the database is at revision %s", head())


def config(connection: Connection) -> Config:
    """Return the Alembic configuration that passes *connection* to `env`."""
    from alembic.config import Config  # noqa: PLC0415 - see `upgrade`

    alembic_config = Config()
    alembic_config.set_main_option("script_location", str(_FOLDER))
    alembic_config.attributes["connection"] = connection
    return alembic_config
