"""The authenticated caller of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_web.errors import Forbidden, PermissionDenied
from phoenix_web.policy import CredentialKind, Permission, Role, allows, refusal

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller with a valid credential, or the anonymous caller."""

    kind: CredentialKind
    #: The role that permissions are checked against. The admin secret has ADMIN although its user
    #: has SYSTEM.
    role: Role
    #: The owner of the credential; None only for the anonymous caller.
    user: UserInfo | None
    #: The id of the key or the session; None for the admin secret and the anonymous caller.
    credential_id: int | None = None
    #: Whether the credential is a key without a recorded use.
    is_first_use: bool = False

    @property
    def user_id(self) -> int:
        """Return the id of the credential's owner; raise `Forbidden` for the anonymous caller."""
        if self.user is None:
            raise Forbidden(NO_ACCOUNT)
        return self.user.id

    @property
    def session_id(self) -> int | None:
        """Return the id of the caller's session, or None for another kind of credential."""
        return self.credential_id if self.kind is CredentialKind.SESSION else None

    def may(self, permission: Permission) -> bool:
        """Return whether the caller has *permission*."""
        return allows(self.role, self.kind, permission)

    def require(self, permission: Permission) -> None:
        """Raise `Forbidden`, with the text of the contract, unless the caller has *permission*."""
        reason = refusal(self.role, self.kind, permission)
        if reason is not None:
            raise PermissionDenied(reason)


NO_ACCOUNT = "This action needs a user account."

#: Every caller while authentication is off: full access to data, none to credentials.
ANONYMOUS = Principal(CredentialKind.ANONYMOUS, Role.ADMIN, None)
