"""Roles, permissions and who has them.

`GRANTS` lists the lowest role and the credential kinds for each permission. All other code calls
`refusal` or `allows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """The role of a user; `SYSTEM` belongs to system keys."""

    VIEWER = "VIEWER"
    MEMBER = "MEMBER"
    SYSTEM = "SYSTEM"
    ADMIN = "ADMIN"


#: SYSTEM reads and writes data like MEMBER, without administrative rights.
RANK: Final = {Role.VIEWER: 1, Role.MEMBER: 2, Role.SYSTEM: 2, Role.ADMIN: 3}


class CredentialKind(StrEnum):
    """The type of credential that authenticates a caller."""

    SESSION = "session"
    USER_KEY = "user key"
    SYSTEM_KEY = "system key"
    ADMIN_SECRET = "admin secret"  # noqa: S105 - the name of a kind of credential, not a secret
    #: Every caller when authentication is disabled.
    ANONYMOUS = "anonymous"


class Permission(StrEnum):
    """A permission that routes require, named `noun:verb`."""

    PROFILE_READ = "profile:read"
    ACCOUNT_MANAGE = "account:manage"
    USER_READ = "user:read"
    USER_WRITE = "user:write"
    SESSION_READ_ALL = "session:read-all"
    SESSION_END_ALL = "session:end-all"
    KEY_READ = "key:read"
    KEY_ISSUE = "key:issue"
    KEY_REVOKE = "key:revoke"
    KEY_READ_ALL = "key:read-all"
    SYSTEM_KEY_READ = "system-key:read"
    SYSTEM_KEY_ISSUE = "system-key:issue"
    SYSTEM_KEY_REVOKE = "system-key:revoke"
    MAIL_MANAGE = "mail:manage"
    AUDIT_READ = "audit:read"
    DATASET_READ = "dataset:read"
    DATASET_WRITE = "dataset:write"


class Refusal(StrEnum):
    """A reason why a caller lacks a permission, with the text of the API."""

    ADMINS_ONLY = "Only admin or system users can perform this action."
    NOT_FOR_VIEWERS = "Viewers cannot perform this action."
    NOT_FOR_KEYS = "API keys cannot create API keys"
    NOT_FOR_SYSTEM_KEYS = "System API keys must be managed through the /system/api_keys endpoints."
    SESSIONS_ONLY = "This action requires a signed-in session."
    NEEDS_AUTHENTICATION = (
        "This action requires authentication to be enabled. "
        "Set the PHOENIX_ENABLE_AUTH environment variable to true."
    )


_IDENTIFIED: Final = frozenset(CredentialKind) - {CredentialKind.ANONYMOUS}
_ANY: Final = frozenset(CredentialKind)
_SESSION: Final = frozenset({CredentialKind.SESSION})


@dataclass(frozen=True, slots=True)
class Grant:
    """The roles and credential kinds with a permission, and the refusal of other kinds."""

    #: The lowest role with the permission.
    role: Role
    kinds: frozenset[CredentialKind]
    #: The refusal of a credential kind that is not in `kinds`.
    refusal: Refusal = Refusal.SESSIONS_ONLY
    #: Whether viewers get `NOT_FOR_VIEWERS` instead of `ADMINS_ONLY`.
    is_write: bool = False


GRANTS: Final = {
    Permission.PROFILE_READ: Grant(Role.VIEWER, _ANY),
    Permission.ACCOUNT_MANAGE: Grant(Role.VIEWER, _SESSION),
    Permission.USER_READ: Grant(Role.ADMIN, _ANY),
    Permission.USER_WRITE: Grant(Role.ADMIN, _IDENTIFIED, is_write=True),
    Permission.SESSION_READ_ALL: Grant(Role.ADMIN, _IDENTIFIED),
    # Not for keys, because a leaked key must not end the sessions of its owner.
    Permission.SESSION_END_ALL: Grant(Role.ADMIN, _SESSION | {CredentialKind.ADMIN_SECRET}),
    Permission.KEY_READ: Grant(Role.VIEWER, _IDENTIFIED),
    Permission.KEY_ISSUE: Grant(Role.VIEWER, _SESSION, Refusal.NOT_FOR_KEYS),
    Permission.KEY_REVOKE: Grant(
        Role.VIEWER, _IDENTIFIED - {CredentialKind.SYSTEM_KEY}, Refusal.NOT_FOR_SYSTEM_KEYS
    ),
    Permission.KEY_READ_ALL: Grant(Role.ADMIN, _IDENTIFIED),
    Permission.SYSTEM_KEY_READ: Grant(Role.ADMIN, _IDENTIFIED),
    Permission.SYSTEM_KEY_ISSUE: Grant(
        Role.ADMIN, _SESSION | {CredentialKind.ADMIN_SECRET}, Refusal.NOT_FOR_KEYS
    ),
    Permission.SYSTEM_KEY_REVOKE: Grant(Role.ADMIN, _IDENTIFIED),
    Permission.MAIL_MANAGE: Grant(Role.ADMIN, _SESSION),
    Permission.AUDIT_READ: Grant(Role.ADMIN, _IDENTIFIED),
    Permission.DATASET_READ: Grant(Role.VIEWER, _ANY),
    Permission.DATASET_WRITE: Grant(Role.MEMBER, _ANY, is_write=True),
}


def refusal(role: Role, kind: CredentialKind, permission: Permission) -> Refusal | None:
    """Return why *role* with a credential of *kind* lacks *permission*, or None if it has it.

    The texts and the order of the checks are those of Phoenix, because clients match on them.
    """
    grant = GRANTS[permission]
    if kind is CredentialKind.ANONYMOUS and kind not in grant.kinds:
        return Refusal.NEEDS_AUTHENTICATION
    if RANK[role] < RANK[grant.role]:
        if role is Role.VIEWER and grant.is_write:
            return Refusal.NOT_FOR_VIEWERS
        return Refusal.ADMINS_ONLY
    if kind not in grant.kinds:
        return grant.refusal
    return None


def allows(role: Role, kind: CredentialKind, permission: Permission) -> bool:
    """Return whether *role* with a credential of *kind* has *permission*."""
    return refusal(role, kind, permission) is None
