"""`phoenix-web users`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

import click

from phoenix_web.addresses import is_email_address
from phoenix_web.auth import accounts
from phoenix_web.auth.account_events import user_created
from phoenix_web.cli.common import cli_actor, note, prepared, unit_of_work, user_of
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import encode
from phoenix_web.policy import Role
from phoenix_web.store.accounts.user_lists import UserListStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.audit.log import record
from phoenix_web.web.services import passwords_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_web.settings.settings import Settings
    from phoenix_web.store.accounts.user_lists import ListedUser

_PAGE_SIZE: Final = 500


@click.group()
def users() -> None:
    """Add, list, change and delete users."""


@users.command()
@click.argument("email")
@click.option("--username", help="How pages call the user; without it the address.")
@click.option("--role", type=click.Choice(["ADMIN", "MEMBER", "VIEWER"]), default="MEMBER")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(email: str, username: str | None, role: str, *, password_stdin: bool) -> None:
    """Add a user who signs in as EMAIL; print their password unless it was given."""
    if not is_email_address(email):
        raise Invalid(f"{email} is not a mail address")
    settings = prepared()
    password = _password(settings, email, read=password_stdin)
    password_hash = passwords_of(settings).hash(password)
    with unit_of_work(settings) as session:
        user = UserStore(session).add(
            email=email,
            username=username or email,
            role=Role(role),
            password_hash=password_hash,
            password_needs_reset=True,
        )
        record(session, user_created(user, cli_actor()))
    note(f"Added {email} as {role}.")
    if not password_stdin:
        click.echo(password)


@users.command("list")
@click.option("--search", help="Only users with this in their name or address.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_users(search: str | None, *, as_json: bool) -> None:
    """List the users, newest first, with their keys that work and their open sessions."""
    settings = prepared()
    for row in map(_row, _pages(settings, search)):
        cells = ("never" if cell is None else str(cell) for cell in row.values())
        click.echo(json.dumps(row) if as_json else "\t".join(cells))


@users.command("set-role")
@click.argument("email")
@click.argument("role", type=click.Choice([Role.ADMIN, Role.MEMBER, Role.VIEWER]))
def set_role(email: str, role: str) -> None:
    """Give the user with EMAIL the ROLE; it ends their sessions and counts for their keys."""
    with unit_of_work(prepared()) as session:
        wanted = accounts.AccountChange(role=Role(role))
        accounts.change(session, user_of(session, email).id, wanted, cli_actor())
    note(f"{email} is {role} now.")


@users.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Refuse every credential of the user with EMAIL; their keys work again when reactivated."""
    _set_active(email, is_active=False)
    note(f"Deactivated {email} and ended their sessions.")


@users.command()
@click.argument("email")
def reactivate(email: str) -> None:
    """Let the user with EMAIL sign in again, and let their keys work."""
    _set_active(email, is_active=True)
    note(f"Reactivated {email}.")


@users.command()
@click.argument("email")
def delete(email: str) -> None:
    """Delete the user with EMAIL, with all sessions and keys."""
    with unit_of_work(prepared()) as session:
        accounts.delete(session, user_of(session, email).id, cli_actor())
    note(f"Deleted {email}.")


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
        wanted = accounts.AccountChange(password_hash=password_hash)
        accounts.change(session, user_of(session, email).id, wanted, cli_actor())
    note(f"Set the password of {email} and ended their sessions.")
    if not password_stdin:
        click.echo(password)


@users.command("reset-mfa")
@click.argument("email")
def reset_mfa(email: str) -> None:
    """Let the user with EMAIL sign in by password alone; it ends their sessions.

    For whoever has lost both the phone and the recovery codes.
    """
    with unit_of_work(prepared()) as session:
        accounts.reset_second_factor(session, user_of(session, email).id, cli_actor())
    note(f"{email} signs in by password alone now.")


def _set_active(email: str, *, is_active: bool) -> None:
    with unit_of_work(prepared()) as session:
        wanted = accounts.AccountChange(is_active=is_active)
        accounts.change(session, user_of(session, email).id, wanted, cli_actor())


def _pages(settings: Settings, search: str | None) -> Iterator[ListedUser]:
    """Yield the users page by page: no transaction stays open for all of them."""
    cursor = None
    while True:
        with unit_of_work(settings) as session:
            page = UserListStore(session).page(_PAGE_SIZE, cursor, contains=search)
        yield from page.items
        cursor = page.next_id
        if cursor is None:
            return


def _row(listed: ListedUser) -> dict[str, str | int | None]:
    user = listed.user
    seen = user.last_sign_in_at
    return {
        "id": encode("User", user.id),
        "email": user.email,
        "username": user.username,
        "role": user.role.value,
        "state": listed.status.value,
        "last_sign_in_at": seen.isoformat(timespec="seconds") if seen else None,
        "mfa": "on" if user.mfa_enrolled_at else "off",
        "keys": listed.key_count,
        "sessions": listed.session_count,
    }


def _password(settings: Settings, email: str, *, read: bool) -> str:
    """Return the password on standard input, or a new one; raise `Invalid` for a bad one."""
    passwords = passwords_of(settings)
    password = sys.stdin.readline().rstrip("\r\n") if read else passwords.random()
    if fault := passwords.fault(password, email):
        raise Invalid(fault)
    return password
