"""Removal of the oldest audit entries, after which the rest can still be verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from phoenix_web.audit.events import Actor, AuditAction, Event, Subject
from phoenix_web.audit.verification import Checkpoint
from phoenix_web.store.audit.models import AuditEvent, AuditState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def is_due(session: Session, first: int, before: datetime) -> bool:
    """Return whether the oldest entry, with number *first*, is older than *before*."""
    at = session.execute(select(AuditEvent.at).where(AuditEvent.id == first)).scalar_one_or_none()
    return at is not None and at < before


def prune_events(session: Session, before: datetime, actor: Actor, limit: int) -> Event | None:
    """Remove up to *limit* of the oldest entries that are older than *before*.

    Return the event to record in the same transaction, or None if nothing was removed. Its entry
    authenticates the new start of the chain.
    """
    # The lock excludes simultaneous appends and removals.
    state = session.execute(
        select(AuditState.pruned_number).where(AuditState.id == 1).with_for_update()
    )
    first = state.scalar_one() + 1
    oldest = (
        select(AuditEvent.id, AuditEvent.at, AuditEvent.mac, AuditEvent.key_id)
        .where(AuditEvent.id >= first)
        .order_by(AuditEvent.id)
        .limit(limit)
    )
    checkpoint = None
    for number, at, mac, key_id in session.execute(oldest):
        if at >= before:
            break
        checkpoint = Checkpoint(number, mac, key_id)
    if checkpoint is None:
        return None
    # The trigger allows deletes up to this number only.
    session.execute(
        update(AuditState)
        .where(AuditState.id == 1)
        .values(
            pruned_number=checkpoint.number,
            pruned_mac=checkpoint.mac,
            pruned_key_id=checkpoint.key_id,
        )
    )
    session.execute(delete(AuditEvent).where(AuditEvent.id <= checkpoint.number))
    return Event(
        AuditAction.AUDIT_PRUNED,
        actor,
        Subject("AuditLog", None, f"events {first} to {checkpoint.number}"),
        detail={
            **checkpoint.as_dict,
            "events": checkpoint.number - first + 1,
            "before": before.isoformat(timespec="seconds"),
        },
    )
