"""Who is calling: all that the rest of the program knows about the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_web.errors import Forbidden
from phoenix_web.policy import CredentialKind, Permission, Role, allows, refusal

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose credential held."""

    kind: CredentialKind
    #: What the caller may do now; the admin secret acts as ADMIN although its user is SYSTEM.
    role: Role
    #: Whom the credential belongs to; None only for the anonymous caller.
    user: UserInfo | None
    #: The id of the key or of the session; None for the admin secret and for nobody.
    credential_id: int | None = None
    #: Whether it is a key of which no use is known yet.
    is_first_use: bool = False

    @property
    def user_id(self) -> int:
        """Return the id of the credential's owner; raise `Forbidden` for the anonymous caller."""
        if self.user is None:
            raise Forbidden(NO_ACCOUNT)
        return self.user.id

    @property
    def session_id(self) -> int | None:
        """Return the id of the session that the caller came by, or None for another credential."""
        return self.credential_id if self.kind is CredentialKind.SESSION else None

    def may(self, permission: Permission) -> bool:
        """Tell whether the caller may use *permission*."""
        return allows(self.role, self.kind, permission)

    def require(self, permission: Permission) -> None:
        """Raise `Forbidden`, with the contract's text, unless the caller may use *permission*."""
        reason = refusal(self.role, self.kind, permission)
        if reason is not None:
            raise Forbidden(reason)


NO_ACCOUNT = "This action needs a user account."

#: Everybody, when authentication is switched off: full rights on data, none on credentials.
ANONYMOUS = Principal(CredentialKind.ANONYMOUS, Role.ADMIN, None)
