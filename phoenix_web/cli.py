"""The command line, for administrators without a browser.

A secret goes to standard output, once and alone, so that a script can catch it; notes go to
standard error. Exit codes: 0 done, 1 wrong configuration, 2 wrong usage, 3 refused, 4 the
database is busy or unreachable.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NoReturn

import click
from pydantic import SecretStr

from phoenix_web.auth.issuer import issue_key
from phoenix_web.bootstrap import prepare
from phoenix_web.cli_mail import mail
from phoenix_web.config import ConfigError, Settings, load
from phoenix_web.errors import Invalid, NotFound, PhoenixError, Unavailable
from phoenix_web.global_ids import decode, encode
from phoenix_web.mail_addresses import is_address
from phoenix_web.policy import Role
from phoenix_web.server import Server
from phoenix_web.services import passwords_of
from phoenix_web.store.database import Database
from phoenix_web.store.keys import KeyStore
from phoenix_web.store.password_links import PasswordLinkStore
from phoenix_web.store.sessions import SessionStore
from phoenix_web.store.users import UserStore
from phoenix_web.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from phoenix_web.store.keys import KeyInfo, OwnedKey
    from phoenix_web.store.users import UserInfo

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
    """Serve phoenix_web, and administer it without a browser."""


commands.add_command(mail)


@commands.command()
def serve() -> None:
    """Serve until stopped."""
    Server(load()).run()


@commands.command()
def config() -> None:
    """Print the settings in force, secrets masked."""
    settings = load()
    for name in Settings.model_fields:
        value = getattr(settings, name)
        shown = "**********" if isinstance(value, SecretStr) else value
        click.echo(f"PHOENIX_{name.upper()}={'' if shown is None else shown}")


@commands.group()
def db() -> None:
    """Look after the database."""


@db.command()
def upgrade() -> None:
    """Bring the database to the newest form and make the accounts that must exist."""
    password = prepare(load())
    if password is not None:
        _note("The first administrator is admin@localhost. The password, shown this once:")
        click.echo(password)
    _note("The database is up to date.")


@commands.group()
def users() -> None:
    """Add users and set passwords."""


@users.command()
@click.argument("email")
@click.option("--username", help="How pages call the user; without it the address.")
@click.option("--role", type=click.Choice(["ADMIN", "MEMBER", "VIEWER"]), default="MEMBER")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(email: str, username: str | None, role: str, *, password_stdin: bool) -> None:
    """Add a user who signs in as EMAIL; print their password unless it was given."""
    if not is_address(email):
        raise Invalid(f"{email} is not a mail address")
    settings = _prepared()
    password = _password(settings, email, read=password_stdin)
    password_hash = passwords_of(settings).hash(password)
    with _unit_of_work(settings) as session:
        UserStore(session).add(
            email=email,
            username=username or email,
            role=Role(role),
            password_hash=password_hash,
            password_needs_reset=True,
        )
    _note(f"Added {email} as {role}.")
    if not password_stdin:
        click.echo(password)


@users.command("set-password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def set_password(email: str, *, password_stdin: bool) -> None:
    """Give the user with EMAIL another password, to be changed at the next sign-in.

    It ends all their sessions; their keys stay.
    """
    settings = _prepared()
    password = _password(settings, email, read=password_stdin)
    password_hash = passwords_of(settings).hash(password)
    with _unit_of_work(settings) as session:
        user = _user(session, email)
        if user.auth_method != "LOCAL" or user.role is Role.SYSTEM:
            raise Invalid(f"{email} does not sign in with a password")
        UserStore(session).hold(user.id)
        UserStore(session).set_password(user.id, password_hash, needs_reset=True)
        PasswordLinkStore(session).drop(user.id)
        SessionStore(session).close_all(user.id)
    _note(f"Set the password of {email} and ended their sessions.")
    if not password_stdin:
        click.echo(password)


@commands.group()
def keys() -> None:
    """Issue, list and revoke API keys."""


@keys.command()
@click.argument("name")
@click.option("--user", "email", help="The address of the key's owner; without it a system key.")
@click.option("--description")
@click.option("--expires-in-days", type=click.IntRange(1, 36500))
def issue(
    name: str, email: str | None, description: str | None, expires_in_days: int | None
) -> None:
    """Make a key called NAME and print its text, this once."""
    if not name.strip():
        raise Invalid("Name cannot be empty")
    expires_at = None
    if expires_in_days is not None:
        expires_at = datetime.now(UTC) + timedelta(days=expires_in_days)
    with _unit_of_work(_prepared()) as session:
        owner = _user(session, email) if email else UserStore(session).system_user()
        issued = issue_key(
            session, owner, name.strip(), description=description, expires_at=expires_at
        )
    _note(f"Issued {_key_id(issued.key, owner.role)} for {owner.email}.")
    click.echo(issued.text)


@keys.command("list")
@click.option("--user", "email", help="Only the keys of this user.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_keys(email: str | None, *, as_json: bool) -> None:
    """List the keys that work, newest first."""
    with _unit_of_work(_prepared()) as session:
        owner = _user(session, email) if email else None
        listed = KeyStore(session).list_all(owner.id if owner else None)
    for row in map(_row, listed):
        line = "\t".join(cell or "never" for cell in row.values())
        click.echo(json.dumps(row) if as_json else line)


@keys.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Revoke the key with the id KEY_ID, as `keys list` shows it."""
    kind, number = decode(key_id) or ("", 0)
    with _unit_of_work(_prepared()) as session:
        store = KeyStore(session)
        key = None
        if kind == "UserApiKey":
            key = store.find_of_people(number)
        elif kind == "SystemApiKey":
            key = store.find_owned(number, UserStore(session).system_user().id)
        if key is None:
            raise NotFound(f"There is no key {key_id}")
        store.revoke(key.id)
    _note(f"Revoked {key.name!r}.")


def _prepared() -> Settings:
    """Return the settings, with the database brought up to date."""
    settings = load()
    password = prepare(settings)
    if password is not None:
        # Nothing but the result of the command may go to standard output.
        _note(f"The first administrator is admin@localhost, with the password {password}")
    return settings


@contextmanager
def _unit_of_work(settings: Settings) -> Iterator[Session]:
    database = Database(settings.database_url)
    try:
        with database.transaction() as session:
            yield session
    finally:
        database.dispose()


def _password(settings: Settings, email: str, *, read: bool) -> str:
    """Return the password on standard input, or a new one; raise `Invalid` for a bad one."""
    passwords = passwords_of(settings)
    password = sys.stdin.readline().rstrip("\r\n") if read else passwords.random()
    if fault := passwords.fault(password, email):
        raise Invalid(fault)
    return password


def _user(session: Session, email: str) -> UserInfo:
    user = UserStore(session).find_by_email(email)
    if user is None:
        raise NotFound(f"There is no user {email}")
    return user


def _row(owned: OwnedKey) -> dict[str, str | None]:
    key = owned.key
    return {
        "id": _key_id(key, owned.role),
        "name": key.name,
        "owner": owned.email,
        "hint": f"{key.hint}…",
        "created_at": key.created_at.isoformat(timespec="seconds"),
        "expires_at": key.expires_at.isoformat(timespec="seconds") if key.expires_at else None,
    }


def _key_id(key: KeyInfo, role: Role) -> str:
    return encode("SystemApiKey" if role is Role.SYSTEM else "UserApiKey", key.id)


def _note(text: str) -> None:
    click.echo(text, err=True)


def _stop(text: str, code: int) -> NoReturn:
    _note(text)
    sys.exit(code)
