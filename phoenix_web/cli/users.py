"""`phoenix-web users`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from phoenix_web.cli.parts import note, prepared, unit_of_work, user_of
from phoenix_web.errors import Invalid
from phoenix_web.mail_addresses import is_address
from phoenix_web.policy import Role
from phoenix_web.services import passwords_of
from phoenix_web.store.password_links import PasswordLinkStore
from phoenix_web.store.sessions import SessionStore
from phoenix_web.store.users import UserStore

if TYPE_CHECKING:
    from phoenix_web.config import Settings


@click.group()
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
    settings = prepared()
    password = _password(settings, email, read=password_stdin)
    password_hash = passwords_of(settings).hash(password)
    with unit_of_work(settings) as session:
        UserStore(session).add(
            email=email,
            username=username or email,
            role=Role(role),
            password_hash=password_hash,
            password_needs_reset=True,
        )
    note(f"Added {email} as {role}.")
    if not password_stdin:
        click.echo(password)


@users.command("set-password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def set_password(email: str, *, password_stdin: bool) -> None:
    """Give the user with EMAIL another password, to be changed at the next sign-in.

    It ends all their sessions; their keys stay.
    """
    settings = prepared()
    password = _password(settings, email, read=password_stdin)
    password_hash = passwords_of(settings).hash(password)
    with unit_of_work(settings) as session:
        user = user_of(session, email)
        if user.auth_method != "LOCAL" or user.role is Role.SYSTEM:
            raise Invalid(f"{email} does not sign in with a password")
        UserStore(session).hold(user.id)
        UserStore(session).set_password(user.id, password_hash, needs_reset=True)
        PasswordLinkStore(session).drop(user.id)
        SessionStore(session).close_all(user.id)
    note(f"Set the password of {email} and ended their sessions.")
    if not password_stdin:
        click.echo(password)


def _password(settings: Settings, email: str, *, read: bool) -> str:
    """Return the password on standard input, or a new one; raise `Invalid` for a bad one."""
    passwords = passwords_of(settings)
    password = sys.stdin.readline().rstrip("\r\n") if read else passwords.random()
    if fault := passwords.fault(password, email):
        raise Invalid(fault)
    return password
