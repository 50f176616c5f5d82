"""`phoenix-web keys`: management of API keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from phoenix_web.auth.credentials.issuer import issue_key, revoke_key
from phoenix_web.cli.common import cli_actor, load_and_upgrade, note, require_user, unit_of_work
from phoenix_web.errors import NotFound
from phoenix_web.global_ids import decode, encode
from phoenix_web.policy import Role
from phoenix_web.store.accounts.keys import KeyStore
from phoenix_web.store.accounts.users import UserStore

if TYPE_CHECKING:
    from phoenix_web.store.accounts.keys import KeyInfo, OwnedKey


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command()
@click.argument("name")
@click.option("--user", "email", help="E-mail address of the key's owner. Omit for a system key.")
@click.option("--description", help="Description of the key.")
@click.option(
    "--expires-in-days",
    type=click.IntRange(1, 36500),
    help="Days until the key expires. Without it, the key never expires.",
)
def issue(
    name: str, email: str | None, description: str | None, expires_in_days: int | None
) -> None:
    """Create a key called NAME and print it. You won't see it again."""
    expires_at = None
    if expires_in_days is not None:
        expires_at = datetime.now(UTC) + timedelta(days=expires_in_days)
    with unit_of_work(load_and_upgrade()) as session:
        owner = require_user(session, email) if email else UserStore(session).find_system_user()
        issued = issue_key(
            session,
            owner,
            name,
            actor=cli_actor(),
            description=description,
            expires_at=expires_at,
        )
    note(f"Created {_key_id(issued.key, owner.role)} for {owner.email}.")
    click.echo(issued.text)


@keys.command("list")
@click.option("--user", "email", help="List only the keys of this user.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def list_keys(email: str | None, *, as_json: bool) -> None:
    """List active keys, newest first."""
    with unit_of_work(load_and_upgrade()) as session:
        owner = require_user(session, email) if email else None
        listed = KeyStore(session).list_all(owner.id if owner else None)
    for row in map(_row, listed):
        line = "\t".join(cell or "never" for cell in row.values())
        click.echo(json.dumps(row) if as_json else line)


@keys.command()
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Revoke the key with the id KEY_ID, as shown by `keys list`."""
    kind, number = decode(key_id) or ("", 0)
    with unit_of_work(load_and_upgrade()) as session:
        store = KeyStore(session)
        key = None
        if kind == "UserApiKey":
            key = store.find_user_key(number)
        elif kind == "SystemApiKey":
            key = store.find_owned(number, UserStore(session).find_system_user().id)
        if key is None:
            raise NotFound(f"Key {key_id} does not exist")
        revoke_key(session, key, actor=cli_actor())
    note(f"Revoked {key.name!r}.")


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
