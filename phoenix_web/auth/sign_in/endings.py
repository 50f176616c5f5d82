"""Ending sessions from elsewhere, by their owner or an administrator; the audit log tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_web.audit.events import AuditAction, Event
from phoenix_web.auth.account_events import all_ended, session_subject
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.store.accounts.users import UserInfo


def end_session(session: Session, user: UserInfo, session_id: int, actor: Actor) -> bool:
    """End the session if it is *user*'s; tell whether it was, and open."""
    if not SessionStore(session).close_of(user.id, session_id):
        return False
    record(session, Event(AuditAction.SESSION_ENDED, actor, session_subject(session_id, user)))
    return True


def end_sessions(
    session: Session, user: UserInfo, actor: Actor, *, except_session: int | None = None
) -> None:
    """End every session of *user*, or all but one."""
    ended = SessionStore(session).close_all(user.id, except_session=except_session)
    if ended:
        record(session, all_ended(user, ended, actor))
