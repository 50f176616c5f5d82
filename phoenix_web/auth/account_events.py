"""What the audit log says of users, keys and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_web.audit.events import AuditAction, Event, Subject
from phoenix_web.auth.credentials import key_text

if TYPE_CHECKING:
    from phoenix_web.audit.events import Actor
    from phoenix_web.policy import Role
    from phoenix_web.store.accounts.keys import KeyInfo
    from phoenix_web.store.accounts.users import UserInfo

#: Stands for an account that does not exist: people type passwords into the wrong field.
UNKNOWN_ADDRESS = Subject("User", None, "unknown address")


def user_subject(user: UserInfo) -> Subject:
    """Return *user* as the audit log names them."""
    return Subject("User", user.id, user.username)


def session_subject(session_id: int, user: UserInfo) -> Subject:
    """Return the session of *user* as the audit log names it."""
    return Subject("UserSession", session_id, user.username)


def key_subject(key: KeyInfo) -> Subject:
    """Return *key* as the audit log names it: as one of a person, or of the system."""
    is_system = key.hint.startswith(key_text.SYSTEM_KEY)
    return Subject("SystemApiKey" if is_system else "UserApiKey", key.id, key.name)


def user_created(user: UserInfo, actor: Actor) -> Event:
    """Return the event that *user* was added."""
    return Event(AuditAction.USER_CREATED, actor, user_subject(user), detail=_account(user))


def user_renamed(user: UserInfo, username: str, actor: Actor) -> Event:
    """Return the event that *user* is called *username* from now on."""
    detail = {"from": user.username, "to": username}
    return Event(AuditAction.USER_RENAMED, actor, user_subject(user), detail=detail)


def user_role_changed(user: UserInfo, role: Role, actor: Actor, *, sessions_ended: int) -> Event:
    """Return the event that *user* has *role* from now on, and no session of the old one."""
    detail = {"from": user.role.value, "to": role.value, "sessions_ended": sessions_ended}
    return Event(AuditAction.USER_ROLE_CHANGED, actor, user_subject(user), detail=detail)


def user_deleted(user: UserInfo, actor: Actor) -> Event:
    """Return the event that *user* was deleted, with what nobody can look up any more."""
    return Event(AuditAction.USER_DELETED, actor, user_subject(user), detail=_account(user))


def all_sessions_ended(user: UserInfo, count: int, actor: Actor) -> Event:
    """Return the event that the *count* sessions of *user* were ended."""
    subject = user_subject(user)
    return Event(AuditAction.SESSION_ALL_ENDED, actor, subject, detail={"sessions": count})


def key_issued(key: KeyInfo, owner: UserInfo, actor: Actor) -> Event:
    """Return the event that *key* was made."""
    detail = {"owner": owner.username, "owner_id": owner.id, "hint": key.hint}
    if key.expires_at is not None:
        detail["expires_at"] = key.expires_at.isoformat(timespec="seconds")
    return Event(AuditAction.KEY_ISSUED, actor, key_subject(key), detail=detail)


def _account(user: UserInfo) -> dict[str, str]:
    return {"email": user.email, "role": user.role.value, "auth_method": user.auth_method}
