"""Audit subjects and events of users, keys and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_web.audit.events import AuditAction, Event, Subject
from phoenix_web.auth.credentials import key_text

if TYPE_CHECKING:
    from phoenix_web.audit.events import Actor
    from phoenix_web.policy import Role
    from phoenix_web.store.accounts.keys import KeyInfo
    from phoenix_web.store.accounts.users import UserInfo

#: The subject for an unknown address. The text is not stored, because users type passwords there.
UNKNOWN_ADDRESS = Subject("User", None, "unknown address")


def user_subject(user: UserInfo) -> Subject:
    """Return the audit subject of *user*."""
    return Subject("User", user.id, user.username)


def session_subject(session_id: int, user: UserInfo) -> Subject:
    """Return the audit subject of a session of *user*."""
    return Subject("UserSession", session_id, user.username)


def key_subject(key: KeyInfo) -> Subject:
    """Return the audit subject of a user key or system key."""
    is_system = key.hint.startswith(key_text.SYSTEM_KEY)
    return Subject("SystemApiKey" if is_system else "UserApiKey", key.id, key.name)


def user_created(user: UserInfo, actor: Actor) -> Event:
    """Return the event of a new account."""
    return Event(AuditAction.USER_CREATED, actor, user_subject(user), detail=_account(user))


def user_renamed(user: UserInfo, username: str, actor: Actor) -> Event:
    """Return the event of renaming *user* to *username*."""
    detail = {"from": user.username, "to": username}
    return Event(AuditAction.USER_RENAMED, actor, user_subject(user), detail=detail)


def user_role_changed(user: UserInfo, role: Role, actor: Actor, *, sessions_ended: int) -> Event:
    """Return the event of changing the role of *user* to *role*."""
    detail = {"from": user.role.value, "to": role.value, "sessions_ended": sessions_ended}
    return Event(AuditAction.USER_ROLE_CHANGED, actor, user_subject(user), detail=detail)


def user_deleted(user: UserInfo, actor: Actor) -> Event:
    """Return the event of deleting *user*, with the fields that are gone afterwards."""
    return Event(AuditAction.USER_DELETED, actor, user_subject(user), detail=_account(user))


def all_sessions_ended(user: UserInfo, count: int, actor: Actor) -> Event:
    """Return the event of ending *count* sessions of *user* at once."""
    subject = user_subject(user)
    return Event(AuditAction.SESSION_ALL_ENDED, actor, subject, detail={"sessions": count})


def key_issued(key: KeyInfo, owner: UserInfo, actor: Actor) -> Event:
    """Return the event of issuing *key* to *owner*."""
    detail = {"owner": owner.username, "owner_id": owner.id, "hint": key.hint}
    if key.expires_at is not None:
        detail["expires_at"] = key.expires_at.isoformat(timespec="seconds")
    return Event(AuditAction.KEY_ISSUED, actor, key_subject(key), detail=detail)


def _account(user: UserInfo) -> dict[str, str]:
    return {"email": user.email, "role": user.role.value, "auth_method": user.auth_method}
