"""Creating, changing and deleting accounts.

Pages, API and commands all call these functions, so the same rules apply to each. Every function
works in the transaction of its *session*. Those that change an account lock it and all active
administrators, so that concurrent changes are checked one after another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phoenix_web.audit.events import AuditAction, Event
from phoenix_web.auth import account_rules
from phoenix_web.auth.account_events import (
    user_created,
    user_deleted,
    user_renamed,
    user_role_changed,
    user_subject,
)
from phoenix_web.errors import Conflict, Forbidden, PermissionDenied, StaleVersion, UserNotFound
from phoenix_web.policy import Refusal, Role
from phoenix_web.store.accounts.mfa import MfaStore
from phoenix_web.store.accounts.password_links import PasswordLinkStore
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import SYSTEM_EMAIL, UserInfo, UserStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to create."""

    email: str
    username: str
    role: Role
    auth_method: str = "LOCAL"
    #: The hash of an initial password, which the user must change.
    password_hash: str | None = None
    oauth2_client_id: str | None = None
    oauth2_user_id: str | None = None


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A change of an account; None leaves a field unchanged."""

    username: str | None = None
    role: Role | None = None
    is_active: bool | None = None
    #: The hash of a temporary password, which the user must change.
    password_hash: str | None = None


def create(
    session: Session, new: NewAccount, actor: Actor, *, acting_admin_id: int | None = None
) -> UserInfo:
    """Create an account and return its user.

    Raises `Invalid` for a name or address against the `account_rules`, `BadRequest` for the role
    SYSTEM, `UsernameTaken` or `EmailTaken`, and `Forbidden` if *acting_admin_id* is no longer an
    active administrator, which may change while a password is hashed.
    """
    account_rules.refuse_system_role(new.role)
    if acting_admin_id is not None:
        _lock(UserStore(session), acting_admin_id, acting_admin_id)
    return create_built_in(session, replace(new, email=account_rules.email(new.email)), actor)


def create_built_in(session: Session, new: NewAccount, actor: Actor) -> UserInfo:
    """Create an account of the first start, whose role or address `create` rejects."""
    user = UserStore(session).add(
        email=new.email,
        username=account_rules.username(new.username),
        role=new.role,
        auth_method=new.auth_method,
        password_hash=new.password_hash,
        password_needs_reset=new.password_hash is not None,
        oauth2_client_id=new.oauth2_client_id,
        oauth2_user_id=new.oauth2_user_id,
    )
    record(session, user_created(user, actor))
    return user


def change(  # noqa: PLR0913 - the change, its actor and its precondition
    session: Session,
    user_id: int,
    requested: AccountChange,
    actor: Actor,
    *,
    acting_admin_id: int | None = None,
    if_match: Collection[str] | None = None,
) -> UserInfo:
    """Apply *requested* to the account, completely or not at all, and return the user.

    *acting_admin_id* is None for commands and the admin secret. A new role, a new password and
    deactivation end the user's sessions. Keys have the permissions of the new role, or none after
    deactivation, from the next request on.

    Raises `StaleVersion` if *if_match* is given and does not contain the account's version,
    and `UserNotFound`, `Forbidden`, `Invalid`, `UsernameTaken` or `LastAdministrator` by the rules
    of accounts.
    """
    users = UserStore(session)
    user, administrators = _lock(users, user_id, acting_admin_id)
    if user.email == SYSTEM_EMAIL:
        raise Forbidden(account_rules.SYSTEM_USER)
    if if_match is not None and user.version not in if_match:
        raise StaleVersion("This user has been changed since you read it.")
    new = _difference(user, requested)
    account_rules.refuse_change(user, new, acting_admin_id)
    if new.role is not None or new.is_active is False:
        account_rules.refuse_last_administrator(administrators - {user.id}, user)
    _apply(session, user, new, actor)
    changed = users.find(user.id)
    assert changed is not None  # noqa: S101 - the row is locked
    return changed


def rename(session: Session, user: UserInfo, username: str, actor: Actor) -> None:
    """Rename *user*; raise `Invalid` or `UsernameTaken`.

    Does nothing if the user already has this name or has been deleted.
    """
    users, name = UserStore(session), account_rules.username(username)
    # Read again under the lock, so that the audit event contains the name that was replaced.
    users.lock(user.id)
    current = users.find(user.id)
    if current is not None and name != current.username:
        _rename(session, current, name, actor)


def delete(
    session: Session, user_id: int, actor: Actor, *, acting_admin_id: int | None = None
) -> UserInfo:
    """Delete the account with its sessions and keys, and return its user.

    Raises `UserNotFound`, `Forbidden` for a built-in account, and `LastAdministrator`.
    """
    users = UserStore(session)
    user, administrators = _lock(users, user_id, acting_admin_id)
    if user.is_built_in:
        raise Forbidden("Cannot delete the default admin or system user")
    account_rules.refuse_last_administrator(administrators - {user.id}, user)
    users.delete(user.id)
    record(session, user_deleted(user, actor))
    return user


def reset_second_factor(
    session: Session, user_id: int, actor: Actor, *, acting_admin_id: int | None = None
) -> UserInfo:
    """Turn off two-step sign-in for another user and end their sessions.

    Raises `UserNotFound`, `Conflict` for a user without a second factor, and `Forbidden` for the
    administrator's own account, where turning it off requires a code (`mfa.enrolment`).
    """
    user, _ = _lock(UserStore(session), user_id, acting_admin_id)
    if user.id == acting_admin_id:
        raise Forbidden("Cannot reset own second factor: turn it off on the profile page")
    if not MfaStore(session).remove(user.id):
        raise Conflict("Two-step sign-in is not on for this user")
    detail = {"sessions_ended": SessionStore(session).delete_all(user.id)}
    record(session, Event(AuditAction.MFA_REMOVED, actor, user_subject(user), detail=detail))
    return user


def lock_for_link(
    session: Session, user_id: int, *, acting_admin_id: int | None = None
) -> UserInfo:
    """Lock and return the user that an administrator creates a password link for.

    Raises `UserNotFound`, and `Forbidden` for the system user and for the administrator's own
    account: with a stolen session, a link would replace the current password.
    """
    user, _ = _lock(UserStore(session), user_id, acting_admin_id)
    if user.email == SYSTEM_EMAIL:
        raise Forbidden(account_rules.SYSTEM_USER)
    if user.id == acting_admin_id:
        raise Forbidden(account_rules.OWN_PASSWORD)
    return user


def _lock(users: UserStore, user_id: int, acting_admin_id: int | None) -> tuple[UserInfo, set[int]]:
    """Lock and return the user and the ids of all active administrators.

    Raises `PermissionDenied` if *acting_admin_id* is no longer one of them: of two administrators
    who demote each other, the second fails.
    """
    administrators = users.lock_with_administrators(user_id)
    user = users.find(user_id)
    if acting_admin_id is not None and acting_admin_id not in administrators:
        raise PermissionDenied(Refusal.ADMINS_ONLY)
    if user is None:
        raise UserNotFound
    return user, administrators


def _difference(user: UserInfo, requested: AccountChange) -> AccountChange:
    """Return *requested* without unchanged fields, to which no rule applies."""
    name = None if requested.username is None else account_rules.username(requested.username)
    return AccountChange(
        username=name if name != user.username else None,
        role=requested.role if requested.role is not user.role else None,
        is_active=requested.is_active if requested.is_active is not user.is_active else None,
        password_hash=requested.password_hash,
    )


def _apply(session: Session, user: UserInfo, new: AccountChange, actor: Actor) -> None:
    """Apply *new* to *user*, who is locked, and record one event per changed field."""
    users, sessions = UserStore(session), SessionStore(session)
    if new.username is not None:
        _rename(session, user, new.username, actor)
    if new.role is not None:
        users.set_role(user.id, new.role)
        ended = sessions.delete_all(user.id)
        record(session, user_role_changed(user, new.role, actor, sessions_ended=ended))
    if new.is_active is not None:
        users.set_active(user.id, is_active=new.is_active)
        action = AuditAction.USER_REACTIVATED if new.is_active else AuditAction.USER_DEACTIVATED
        detail = {} if new.is_active else {"sessions_ended": sessions.delete_all(user.id)}
        record(session, Event(action, actor, user_subject(user), detail=detail))
    if new.password_hash is not None:
        users.set_password(user.id, new.password_hash, needs_reset=True)
        detail = {"sessions_ended": sessions.delete_all(user.id)}
        action = AuditAction.USER_PASSWORD_CHANGED
        record(session, Event(action, actor, user_subject(user), detail=detail))
    if new.is_active is False or new.password_hash is not None:
        PasswordLinkStore(session).delete_for(user.id)


def _rename(session: Session, user: UserInfo, username: str, actor: Actor) -> None:
    UserStore(session).set_username(user.id, username)
    record(session, user_renamed(user, username, actor))
