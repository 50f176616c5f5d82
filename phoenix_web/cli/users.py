"""`phoenix-web users`: management of users."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

import click

from phoenix_web.auth import accounts
from phoenix_web.cli.common import cli_actor, load_and_upgrade, note, require_user, unit_of_work
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import encode
from phoenix_web.policy import Role
from phoenix_web.store.accounts.user_lists import UserListStore
from phoenix_web.text import search_term
from phoenix_web.web.services import build_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_web.settings import Settings
    from phoenix_web.store.accounts.user_lists import ListedUser

_PAGE_SIZE: Final = 500


@click.group()
def users() -> None:
    """Add, list, change and delete users."""


@users.command()
@click.argument("email")
@click.option("--username", help="Display name. Defaults to the e-mail address.")
@click.option(
    "--role",
    type=click.Choice(["ADMIN", "MEMBER", "VIEWER"]),
    default="MEMBER",
    show_default=True,
    help="Role of the user.",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(email: str, username: str | None, role: str, *, password_stdin: bool) -> None:
    """Add a user who signs in as EMAIL. Prints a new password unless you pass one."""
    settings = load_and_upgrade()
    password = _password(settings, email, read=password_stdin)
    password_hash = build_passwords(settings).hash(password)
    with unit_of_work(settings) as session:
        new = accounts.NewAccount(email, username or email, Role(role), password_hash=password_hash)
        accounts.create(session, new, cli_actor())
    note(f"Added {email} as {role}.")
    if not password_stdin:
        click.echo(password)


@users.command("list")
@click.option("--search", help="List only users whose name or address contains this text.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def list_users(search: str | None, *, as_json: bool) -> None:
    """List users, newest first. Shows their numbers of active keys and sessions."""
    settings = load_and_upgrade()
    for row in map(_row, _pages(settings, search_term(search or "") or None)):
        cells = ("never" if cell is None else str(cell) for cell in row.values())
        click.echo(json.dumps(row) if as_json else "\t".join(cells))


@users.command("set-role")
@click.argument("email")
@click.argument("role", type=click.Choice([Role.ADMIN, Role.MEMBER, Role.VIEWER]))
def set_role(email: str, role: str) -> None:
    """Change the role of the user with EMAIL. Ends their sessions; their keys get the new role."""
    with unit_of_work(load_and_upgrade()) as session:
        change = accounts.AccountChange(role=Role(role))
        accounts.change(session, require_user(session, email).id, change, cli_actor())
    note(f"Changed the role of {email} to {role}.")


@users.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Deactivate the user with EMAIL. Ends their sessions and suspends their keys."""
    _set_active(email, is_active=False)
    note(f"Deactivated {email}. Their sessions have ended.")


@users.command()
@click.argument("email")
def reactivate(email: str) -> None:
    """Reactivate the user with EMAIL. They can sign in again, and their keys work."""
    _set_active(email, is_active=True)
    note(f"Reactivated {email}.")


@users.command()
@click.argument("email")
def delete(email: str) -> None:
    """Delete the user with EMAIL and all their sessions and keys."""
    with unit_of_work(load_and_upgrade()) as session:
        accounts.delete(session, require_user(session, email).id, cli_actor())
    note(f"Deleted {email}.")


@users.command("set-password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def set_password(email: str, *, password_stdin: bool) -> None:
    """Set a temporary password for the user with EMAIL.

    They must change it at the next sign-in. Ends their sessions; their keys keep working.
    """
    settings = load_and_upgrade()
    password = _password(settings, email, read=password_stdin)
    password_hash = build_passwords(settings).hash(password)
    with unit_of_work(settings) as session:
        change = accounts.AccountChange(password_hash=password_hash)
        accounts.change(session, require_user(session, email).id, change, cli_actor())
    note(f"Set the password of {email}. Their sessions have ended.")
    if not password_stdin:
        click.echo(password)


@users.command("reset-mfa")
@click.argument("email")
def reset_mfa(email: str) -> None:
    """Reset two-step sign-in of the user with EMAIL. Ends their sessions.

    Use it when they have lost their phone and their recovery codes. They sign in with only
    their password until they set it up again.
    """
    with unit_of_work(load_and_upgrade()) as session:
        accounts.reset_second_factor(session, require_user(session, email).id, cli_actor())
    note(f"Reset two-step sign-in of {email}. Their sessions have ended.")


def _set_active(email: str, *, is_active: bool) -> None:
    with unit_of_work(load_and_upgrade()) as session:
        change = accounts.AccountChange(is_active=is_active)
        accounts.change(session, require_user(session, email).id, change, cli_actor())


def _pages(settings: Settings, search: str | None) -> Iterator[ListedUser]:
    """Yield users page by page, so that no transaction spans the whole list."""
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
    signed_in = user.last_sign_in_at
    return {
        "id": encode("User", user.id),
        "email": user.email,
        "username": user.username,
        "role": user.role.value,
        "state": listed.status.value,
        "last_sign_in_at": signed_in.isoformat(timespec="seconds") if signed_in else None,
        "mfa": "on" if user.mfa_enrolled_at else "off",
        "keys": listed.key_count,
        "sessions": listed.session_count,
    }


def _password(settings: Settings, email: str, *, read: bool) -> str:
    """Return the password on standard input, or a new one; raise `Invalid` if it is too weak."""
    passwords = build_passwords(settings)
    password = sys.stdin.readline().rstrip("\r\n") if read else passwords.generate()
    if fault := passwords.fault(password, email):
        raise Invalid(fault)
    return password
