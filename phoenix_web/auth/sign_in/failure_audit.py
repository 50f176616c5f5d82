"""Audit events of failed attempts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from phoenix_web.audit.events import Event
from phoenix_web.auth.account_events import UNKNOWN_ADDRESS, user_subject
from phoenix_web.errors import InvalidCredential, TooManyRequests
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_web.audit.events import Actor, AuditAction
    from phoenix_web.store.database import Database


@contextmanager
def record_failures(
    database: Database, action: AuditAction, email: str, actor: Actor
) -> Iterator[None]:
    """Record *action* as failed if the block raises `InvalidCredential` or `TooManyRequests`.

    The event is committed in its own transaction, and the error is raised again.
    """
    try:
        yield
    except (InvalidCredential, TooManyRequests) as error:
        refusal = "too many failed sign-ins"
        if isinstance(error, InvalidCredential):
            refusal = error.reason
        with database.transaction() as session:
            user = UserStore(session).find_by_email(email)
            subject = user_subject(user) if user else UNKNOWN_ADDRESS
            record(session, Event(action, actor, subject, refusal))
        raise
