"""`phoenix-web audit`: verification and pruning of the audit log."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from phoenix_web.audit.chain import Key
from phoenix_web.audit.verification import ChainBroken, Head, verify_chain
from phoenix_web.cli.common import cli_actor
from phoenix_web.errors import Invalid, NotFound
from phoenix_web.settings import load
from phoenix_web.store.audit.log import record
from phoenix_web.store.audit.reading import AuditStore
from phoenix_web.store.audit.retention import prune_events
from phoenix_web.store.database import Database
from phoenix_web.web.services import audit_log

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERIFICATION_FAILED: Final = 5
#: Events removed per transaction, so that other writers do not wait long.
_BATCH: Final = 10_000
_DATE_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@click.group()
def audit() -> None:
    """Verify and prune the audit log."""


@audit.command()
@click.option("--head", "text", help="Head printed by an earlier run.")
@click.option(
    "--key-file",
    "key_files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="File with a key of older events or of another host. Repeatable.",
)
def verify(text: str | None, key_files: tuple[Path, ...]) -> None:
    """Verify the audit log and print its head.

    Detects changed, removed and inserted events. Store the head elsewhere and pass it with --head
    later to detect events removed from the end. Exits with code 5 if verification fails.
    """
    saved = None if text is None else Head.parse(text)
    if text is not None and saved is None:
        raise click.BadParameter("is not a head printed by this command", param_hint="--head")
    settings = load()
    keys = [audit_log(settings).key]
    keys += [Key(file.read_text(encoding="utf-8").strip()) for file in key_files]
    database = Database(settings.database_url)
    try:
        head = _verified_head(database, {key.id: key for key in keys}, saved)
    except ChainBroken as error:
        _note(f"Verification failed: {error}.")
        sys.exit(_VERIFICATION_FAILED)
    except (TypeError, ValueError):
        _note("Verification failed: an event cannot be read.")
        sys.exit(_VERIFICATION_FAILED)
    finally:
        database.dispose()
    click.echo(head)


@audit.command()
@click.option(
    "--before",
    type=click.DateTime(_DATE_FORMATS),
    required=True,
    help="First day or time to keep, in UTC.",
)
def prune(before: datetime) -> None:
    """Remove events before a date. You can still verify the remaining events."""
    cutoff = before.replace(tzinfo=UTC)
    if cutoff > datetime.now(UTC):
        raise Invalid(f"{before:%Y-%m-%d} is in the future")
    settings = load()
    database = Database(settings.database_url, audit_log(settings))
    count = 0
    try:
        with database.reading() as session:
            if AuditStore(session).bounds() is None:
                raise NotFound("The audit log is empty")
        while True:
            with database.transaction() as session:
                removal = prune_events(session, cutoff, cli_actor(), _BATCH)
                if removal is None:
                    break
                record(session, removal)
            count += removal.detail["events"]
    finally:
        database.dispose()
    _note(f"Removed {count} events.")


def _verified_head(database: Database, keys: Mapping[str, Key], saved: Head | None) -> Head:
    """Verify the audit log of *database* and return its head; raise `ChainBroken`."""
    with database.snapshot() as session:
        store = AuditStore(session)
        bounds = store.bounds()
        if bounds is None:
            raise ChainBroken("there is no audit log")
        checkpoint, end = bounds
        head = verify_chain(store.all(), checkpoint, end, keys, saved)
    if saved is not None and saved.number < checkpoint.number:
        _note(f"Retention has removed event {saved.number}: the saved head cannot be checked.")
    if head.number == checkpoint.number:
        _note("The log is empty.")
    else:
        _note(f"Events {checkpoint.number + 1} to {head.number} are unchanged.")
    if checkpoint.number:
        _note(f"Retention has removed events 1 to {checkpoint.number}.")
    return head


def _note(text: str) -> None:
    click.echo(text, err=True)
