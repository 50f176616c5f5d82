"""What may be done to an account by somebody else, and what that ends.

The rules hold by every road, page, API and command, because all of them come through here. Each
function works in the unit of work that it is given, and holds the account and the administrators
until that ends: of two changes at once, the second sees what the first has done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.events import AuditAction, Event
from phoenix_web.auth.account_events import renamed, role_changed, user_deleted, user_subject
from phoenix_web.errors import Conflict, Forbidden, Invalid, NotFound
from phoenix_web.policy import ADMINS_ONLY, Role
from phoenix_web.store.accounts.mfa import MfaStore
from phoenix_web.store.accounts.password_links import PasswordLinkStore
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import SYSTEM_EMAIL, UserInfo, UserStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor

#: Characters of a user's name, on a page and by the API alike.
MAX_USERNAME_LENGTH: Final = 256

NOT_FOUND: Final = "User not found"
#: The texts of the contract, and ours in their manner.
BUILT_IN_STAYS: Final = "Cannot delete the default admin or system user"
BUILT_IN_STAYS_ACTIVE: Final = "Cannot deactivate the default admin or system user"
BUILT_IN_ROLE: Final = "Cannot modify role for the default admin user"
SYSTEM_ROLE: Final = "No user can have the SYSTEM role"
SYSTEM_USER: Final = "Cannot modify the system user"
OWN_ROLE: Final = "Cannot modify own role"
OWN_STATE: Final = "Cannot deactivate own account"
OWN_PASSWORD: Final = "Cannot set own password without the current one"  # noqa: S105 - a text
OWN_SECOND_FACTOR: Final = "Cannot reset own second factor: turn it off on the profile page"
NO_SECOND_FACTOR: Final = "Two-step sign-in is not on for this user"
LAST_ADMINISTRATOR: Final = "Cannot remove the last active admin user"
NO_PASSWORD: Final = "This user does not sign in with a password"  # noqa: S105 - a text
NOTHING_TO_CHANGE: Final = "No fields to update"
CHANGED_MEANWHILE: Final = "Somebody else has changed this user meanwhile"


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What to change of an account; None leaves a thing as it is."""

    username: str | None = None
    role: Role | None = None
    is_active: bool | None = None
    #: Of a password that its owner did not choose and must change.
    password_hash: str | None = None


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

    Raises `NotFound`, `Forbidden` and `Invalid` as the rules say, and `Conflict` for a name that is
    taken, for an account that has another version by now and for the last active administrator.
    """
    users = UserStore(session)
    user, administrators = _lock(users, user_id, acting_admin_id)
    if user.email == SYSTEM_EMAIL:
        raise Forbidden(SYSTEM_USER)
    if seen is not None and user.version not in seen:
        raise Conflict(CHANGED_MEANWHILE)
    new = _difference(user, wanted)
    _refuse(user, new, acting_admin_id)
    if new.role is not None or new.is_active is False:
        _keep_one(administrators - {user.id}, user)
    _apply(session, user, new, actor)
    changed = users.find(user.id)
    assert changed is not None  # noqa: S101 - it is held
    return changed


def rename(session: Session, user: UserInfo, username: str, actor: Actor) -> None:
    """Call *user* by another name; raise `Conflict` when it is taken.

    The name they have, and a user who is gone by now, stay as they are.
    """
    users = UserStore(session)
    # Not as the door has seen them: the audit log says which name another one has replaced.
    users.lock(user.id)
    now = users.find(user.id)
    if now is not None and username.strip() != now.username:
        _rename(session, now, username.strip(), actor)


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
        raise Forbidden(BUILT_IN_STAYS)
    _keep_one(administrators - {user.id}, user)
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
        raise Forbidden(OWN_SECOND_FACTOR)
    if not MfaStore(session).remove(user.id):
        raise Conflict(NO_SECOND_FACTOR)
    detail = {"sessions_ended": SessionStore(session).close_all(user.id)}
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
        raise Forbidden(SYSTEM_USER)
    if user.id == acting_admin_id:
        raise Forbidden(OWN_PASSWORD)
    return user


def lock_acting_administrator(session: Session, acting_admin_id: int | None) -> None:
    """Lock the acting administrator; raise `Forbidden` unless they are still an active one.

    Whoever adds users may have waited for a hash meanwhile. None stands for the admin secret.
    """
    if acting_admin_id is not None and acting_admin_id not in UserStore(
        session
    ).lock_with_administrators(acting_admin_id):
        raise Forbidden(ADMINS_ONLY)


def _lock(users: UserStore, user_id: int, acting_admin_id: int | None) -> tuple[UserInfo, set[int]]:
    """Return the user and the ids of all active administrators, and hold them.

    Raises `Forbidden` when *acting_admin_id* has just ceased to be one: of two administrators who
    demote each other, one is too late.
    """
    administrators = users.lock_with_administrators(user_id)
    user = users.find(user_id)
    if acting_admin_id is not None and acting_admin_id not in administrators:
        raise Forbidden(ADMINS_ONLY)
    if user is None:
        raise NotFound(NOT_FOUND)
    return user, administrators


def _difference(user: UserInfo, wanted: AccountChange) -> AccountChange:
    """Return what of *wanted* is not so already: what changes nothing breaks no rule."""
    username = wanted.username.strip() if wanted.username is not None else user.username
    return AccountChange(
        username if username != user.username else None,
        wanted.role if wanted.role is not user.role else None,
        wanted.is_active if wanted.is_active is not user.is_active else None,
        wanted.password_hash,
    )


def _refuse(user: UserInfo, new: AccountChange, acting_admin_id: int | None) -> None:
    """Raise what the rules say when the user *acting_admin_id* wants *new* for *user*."""
    if new.role is Role.SYSTEM:
        raise Invalid(SYSTEM_ROLE)
    if new.role is not None and user.is_built_in:
        raise Forbidden(BUILT_IN_ROLE)
    if new.role is not None and user.id == acting_admin_id:
        raise Forbidden(OWN_ROLE)
    if new.is_active is False and user.is_built_in:
        raise Forbidden(BUILT_IN_STAYS_ACTIVE)
    if new.is_active is False and user.id == acting_admin_id:
        raise Forbidden(OWN_STATE)
    if new.password_hash is not None and user.id == acting_admin_id:
        raise Forbidden(OWN_PASSWORD)
    if new.password_hash is not None and user.auth_method != "LOCAL":
        raise Invalid(NO_PASSWORD)


def _apply(session: Session, user: UserInfo, new: AccountChange, actor: Actor) -> None:
    """Change *user*, who is held, to what is *new*; each event says how many sessions that ends."""
    users, sessions = UserStore(session), SessionStore(session)
    if new.username is not None:
        _rename(session, user, new.username, actor)
    if new.role is not None:
        users.set_role(user.id, new.role)
        ended = sessions.close_all(user.id)
        record(session, role_changed(user, new.role, actor, sessions_ended=ended))
    if new.is_active is not None:
        users.set_active(user.id, is_active=new.is_active)
        action = AuditAction.USER_REACTIVATED if new.is_active else AuditAction.USER_DEACTIVATED
        detail = {} if new.is_active else {"sessions_ended": sessions.close_all(user.id)}
        record(session, Event(action, actor, user_subject(user), detail=detail))
    if new.password_hash is not None:
        users.set_password(user.id, new.password_hash, needs_reset=True)
        detail = {"sessions_ended": sessions.close_all(user.id)}
        action = AuditAction.USER_PASSWORD_CHANGED
        record(session, Event(action, actor, user_subject(user), detail=detail))
    if new.is_active is False or new.password_hash is not None:
        PasswordLinkStore(session).drop(user.id)


def _rename(session: Session, user: UserInfo, username: str, actor: Actor) -> None:
    UserStore(session).set_username(user.id, username)
    record(session, renamed(user, username, actor))


def _keep_one(others: Collection[int], user: UserInfo) -> None:
    """Raise `Conflict` when *user* is the one administrator who can still come in."""
    if not others and user.role is Role.ADMIN and user.is_active:
        raise Conflict(LAST_ADMINISTRATOR)
