"""What the commands share: settings, a unit of work, and where their words go."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from phoenix_web.bootstrap import audit_log, prepare
from phoenix_web.config import Settings, load
from phoenix_web.errors import NotFound
from phoenix_web.store.database import Database
from phoenix_web.store.users import UserStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from phoenix_web.store.users import UserInfo


def prepared() -> Settings:
    """Return the settings, with the database brought up to date."""
    settings = load()
    password = prepare(settings)
    if password is not None:
        # Nothing but the result of the command may go to standard output.
        note(f"The first administrator is admin@localhost, with the password {password}")
    return settings


@contextmanager
def unit_of_work(settings: Settings) -> Iterator[Session]:
    """Open a unit of work on a database of its own, which is closed with it."""
    database = Database(settings.database_url, audit_log(settings))
    try:
        with database.transaction() as session:
            yield session
    finally:
        database.dispose()


def user_of(session: Session, email: str) -> UserInfo:
    """Return the user with *email*; raise `NotFound` without one."""
    user = UserStore(session).find_by_email(email)
    if user is None:
        raise NotFound(f"There is no user {email}")
    return user


def note(text: str) -> None:
    """Say *text* beside the result of the command."""
    click.echo(text, err=True)
