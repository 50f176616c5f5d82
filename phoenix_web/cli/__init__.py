"""The `phoenix-web` command.

Results, such as a generated secret, go to standard output for scripts; messages go to standard
error. Exit codes: 0 success, 1 invalid configuration, 2 usage error, 3 rejected, 4 database busy
or unreachable, 5 verification of the audit log failed.
"""

from __future__ import annotations

import sys
from typing import Final, NoReturn

import click
from pydantic import SecretStr

from phoenix_web.cli.audit import audit
from phoenix_web.cli.common import note
from phoenix_web.cli.keys import keys
from phoenix_web.cli.mail import mail
from phoenix_web.cli.users import users
from phoenix_web.errors import PhoenixError, Unavailable
from phoenix_web.server.application import Server
from phoenix_web.server.bootstrap import prepare
from phoenix_web.settings import ConfigError, Settings, load
from phoenix_web.version import VERSION

_CONFIGURATION: Final = 1
_REFUSED: Final = 3
_UNAVAILABLE: Final = 4


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        commands()
    except ConfigError as error:
        _stop(str(error), _CONFIGURATION)
    except Unavailable as error:
        _stop(error.message, _UNAVAILABLE)
    except PhoenixError as error:
        _stop(error.message, _REFUSED)


@click.group()
@click.version_option(VERSION)
def commands() -> None:
    """Run and administer phoenix_web.

    Configure it with environment variables; `config` lists them.
    """


@commands.command()
def serve() -> None:
    """Run the server."""
    Server(load()).run()


@commands.command()
def config() -> None:
    """Print the effective settings, with secrets masked."""
    settings = load()
    for name in Settings.model_fields:
        value = getattr(settings, name)
        shown = "**********" if isinstance(value, SecretStr) else value
        click.echo(f"PHOENIX_{name.upper()}={'' if shown is None else shown}")


@commands.group()
def db() -> None:
    """Manage the database."""


@db.command()
def upgrade() -> None:
    """Upgrade the database schema and create the built-in accounts."""
    password = prepare(load())
    if password is not None:
        note("The first administrator is admin@localhost. You won't see this password again:")
        click.echo(password)
    note("The database is up to date.")


for _group in (audit, keys, mail, users):
    commands.add_command(_group)


def _stop(text: str, code: int) -> NoReturn:
    note(text)
    sys.exit(code)
