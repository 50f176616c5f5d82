"""Helpers of the commands: settings, transactions, messages and the audit actor."""

from __future__ import annotations

import os
import pwd
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from phoenix_web.audit.events import COMMAND_LINE, Actor
from phoenix_web.errors import NotFound
from phoenix_web.server.bootstrap import prepare
from phoenix_web.settings import Settings, load
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.database import Database
from phoenix_web.web.services import audit_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from phoenix_web.store.accounts.users import UserInfo


def load_and_upgrade() -> Settings:
    """Return the settings and upgrade the database."""
    settings = load()
    password = prepare(settings)
    if password is not None:
        # Standard output is reserved for the result of the command.
        note(f"The first administrator is admin@localhost with the password {password}")
    return settings


@contextmanager
def unit_of_work(settings: Settings) -> Iterator[Session]:
    """Open a transaction on a new database connection, closed at the end."""
    database = Database(settings.database_url, audit_log(settings))
    try:
        with database.transaction() as session:
            yield session
    finally:
        database.dispose()


def require_user(session: Session, email: str) -> UserInfo:
    """Return the user with *email*; raise `NotFound`."""
    user = UserStore(session).find_by_email(email)
    if user is None:
        raise NotFound(f"User {email} does not exist")
    return user


def note(text: str) -> None:
    """Print *text* to standard error; escape bytes of arguments that are not UTF-8."""
    click.echo(text.encode(errors="backslashreplace").decode(), err=True)


def cli_actor() -> Actor:
    """Return the audit actor for commands: the operating system user, on this host."""
    user_id = os.getuid()
    try:
        name = pwd.getpwuid(user_id).pw_name
    except KeyError:  # many containers have no entry for the user
        name = f"uid {user_id}"
    agent = f"phoenix-web on {socket.gethostname()}"
    return Actor(name=name, credential_kind=COMMAND_LINE, agent=agent)
