"""What may be done to an account by somebody else, and what that ends.

The rules hold by every road, page, API and command, because all of them come through here. Each
function works in the unit of work that it is given, and holds the account and the administrators
until that ends: of two changes at once, the second sees what the first has done.
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
    #: Of a password that its owner did not choose and must change.
    password_hash: str | None = None
    oauth2_client_id: str | None = None
    oauth2_user_id: str | None = None


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What to change of an account; None leaves a thing as it is."""

    username: str | None = None
    role: Role | None = None
    is_active: bool | None = None
    password_hash: str | None = None  # as above


def create(
    session: Session, new: NewAccount, actor: Actor, *, acting_admin_id: int | None = None
) -> UserInfo:
    """Add the account and return its user.

    Raises `Invalid` for a name or an address against the `account_rules`, `BadRequest` for the
    role SYSTEM, `UsernameTaken` or `EmailTaken`, and `Forbidden` when *acting_admin_id* is no
    longer an active administrator: a password may have been hashed meanwhile.
    """
    account_rules.refuse_system_role(new.role)
    if acting_admin_id is not None:
        _lock(UserStore(session), acting_admin_id, acting_admin_id)
    return create_built_in(session, replace(new, email=account_rules.email(new.email)), actor)


def create_built_in(session: Session, new: NewAccount, actor: Actor) -> UserInfo:
    """Add an account of the first start, with a role or an address that `create` refuses."""
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


def change(  # noqa: PLR0913 - what, by whom and for which state
    session: Session,
    user_id: int,
    wanted: AccountChange,
    actor: Actor,
    *,
    acting_admin_id: int | None = None,
    seen: Collection[str] | None = None,
) -> UserInfo:
    """Change the account as *wanted* and return it: all of it, or nothing.

    *acting_admin_id* is the administrator who asks, None for commands and the admin secret; *actor*
    is what the audit log says of them. *seen* are the versions that the change was made for.
    Another role, another password and deactivation end the user's sessions; keys do what the new
    role allows, or nothing, from the next request on.

    Raises `NotFound`, `Forbidden` and `Invalid` as the rules say, `UsernameTaken`, `StaleVersion`
    when the account has a version that is not in *seen*, and `Conflict` for the last active
    administrator.
    """
    users = UserStore(session)
    user, administrators = _lock(users, user_id, acting_admin_id)
    if user.email == SYSTEM_EMAIL:
        raise Forbidden(account_rules.SYSTEM_USER)
    if seen is not None and user.version not in seen:
        raise StaleVersion("This user has been changed since you read it.")
    new = _difference(user, wanted)
    account_rules.refuse_change(user, new, acting_admin_id)
    if new.role is not None or new.is_active is False:
        account_rules.refuse_last_administrator(administrators - {user.id}, user)
    _apply(session, user, new, actor)
    changed = users.find(user.id)
    assert changed is not None  # noqa: S101 - it is held
    return changed


def rename(session: Session, user: UserInfo, username: str, actor: Actor) -> None:
    """Call *user* by another name; raise `Invalid`, or `UsernameTaken`.

    The name they have, and a user who is gone by now, stay as they are.
    """
    users, name = UserStore(session), account_rules.username(username)
    # Not as the door has seen them: the audit log says which name another one has replaced.
    users.lock(user.id)
    now = users.find(user.id)
    if now is not None and name != now.username:
        _rename(session, now, name, actor)


def delete(
    session: Session, user_id: int, actor: Actor, *, acting_admin_id: int | None = None
) -> UserInfo:
    """Delete the account with its sessions and keys, and return it as it was.

    Raises `NotFound`, `Forbidden` for an account that the server made, and `Conflict` for the last
    active administrator.
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
    """Let the user sign in by password alone, as *acting_admin_id* asks; it ends their sessions.

    Raises `NotFound`, `Forbidden` for oneself, who needs no help and has a code to show, and
    `Conflict` for whoever has no second factor.
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
    """Return the user, for whom *acting_admin_id* wants a link to choose a password, and hold them.

    Raises `NotFound` without one, and `Forbidden` for the system user and for oneself: by a link
    whoever finds an open session could do without the current password.
    """
    user, _ = _lock(UserStore(session), user_id, acting_admin_id)
    if user.email == SYSTEM_EMAIL:
        raise Forbidden(account_rules.SYSTEM_USER)
    if user.id == acting_admin_id:
        raise Forbidden(account_rules.OWN_PASSWORD)
    return user


def _lock(users: UserStore, user_id: int, acting_admin_id: int | None) -> tuple[UserInfo, set[int]]:
    """Return the user and the ids of all active administrators, and hold them.

    Raises `Forbidden` when *acting_admin_id* has just ceased to be one: of two administrators who
    demote each other, one is too late.
    """
    administrators = users.lock_with_administrators(user_id)
    user = users.find(user_id)
    if acting_admin_id is not None and acting_admin_id not in administrators:
        raise PermissionDenied(Refusal.ADMINS_ONLY)
    if user is None:
        raise UserNotFound
    return user, administrators


def _difference(user: UserInfo, wanted: AccountChange) -> AccountChange:
    """Return what of *wanted* is not so already: what changes nothing breaks no rule."""
    username = user.username if wanted.username is None else account_rules.username(wanted.username)
    return AccountChange(
        username if username != user.username else None,
        wanted.role if wanted.role is not user.role else None,
        wanted.is_active if wanted.is_active is not user.is_active else None,
        wanted.password_hash,
    )


def _apply(session: Session, user: UserInfo, new: AccountChange, actor: Actor) -> None:
    """Change *user*, who is held, to what is *new*; each event says how many sessions that ends."""
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
