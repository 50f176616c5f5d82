"""Verification of credentials.

Each verification reads the store, so revocation, expiry and changes of the owner take effect on the
next request, in every process.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phoenix_web.auth.credentials import key_text
from phoenix_web.auth.credentials.principal import Principal
from phoenix_web.errors import ExpiredCredential, InvalidCredential
from phoenix_web.policy import CredentialKind, Role
from phoenix_web.store.accounts.keys import FIND_BY_DIGEST
from phoenix_web.store.accounts.sessions import FIND_BY_ID
from phoenix_web.store.accounts.users import FIND_SYSTEM_USER, user_from

if TYPE_CHECKING:
    from phoenix_web.auth.credentials.access_tokens import AccessTokens
    from phoenix_web.store.database import Database


class Verifier:
    """Verifier of bearer tokens and session cookies."""

    def __init__(
        self, database: Database, tokens: AccessTokens, admin_secret: str | None = None
    ) -> None:
        """Accept the keys in *database*, access tokens signed by *tokens*, and *admin_secret*."""
        self._database = database
        self._tokens = tokens
        self._admin_digest = None if admin_secret is None else _sha256(admin_secret)

    def verify_bearer(self, text: str) -> Principal:
        """Return the principal for a bearer token: a key, an access token or the admin secret.

        Raises `ExpiredCredential` for an expired token, `InvalidCredential` for any other.
        """
        if self._admin_digest and hmac.compare_digest(_sha256(text), self._admin_digest):
            return self._admin()
        if text.startswith((key_text.USER_KEY, key_text.SYSTEM_KEY)):
            return self._key(text)
        return self.verify_session(text)

    def verify_session(self, text: str, *, allow_expired: bool = False) -> Principal:
        """Return the principal for an access token, the only credential the session cookie carries.

        Raises `ExpiredCredential` for an expired token, `InvalidCredential` for any other.
        *allow_expired* accepts an expired token, so that a late sign-out still works.
        """
        claims = self._tokens.decode(text, allow_expired=allow_expired)
        row = self._database.find_row(FIND_BY_ID, {"session_id": claims.session_id})
        if row is None:
            raise InvalidCredential(f"session {claims.session_id} has ended")
        token_id = row[0]
        user = user_from(row[1:])
        if token_id != claims.token_id or user.id != claims.user_id:
            raise InvalidCredential(f"session {claims.session_id} has a newer access token")
        if user.role is not claims.role:
            raise InvalidCredential(f"session {claims.session_id} was opened with another role")
        return Principal(CredentialKind.SESSION, user.role, user, claims.session_id)

    def _key(self, text: str) -> Principal:
        if not key_text.is_well_formed(text, key_text.USER_KEY, key_text.SYSTEM_KEY):
            raise InvalidCredential("malformed key")
        row = self._database.find_row(FIND_BY_DIGEST, {"digest": key_text.digest(text)})
        if row is None:
            raise InvalidCredential("unknown or revoked key")
        key_id, expires_at, is_first_use = row[:3]
        if expires_at is not None and expires_at <= datetime.now(UTC):
            raise ExpiredCredential(f"key {key_id} expired")
        user = user_from(row[3:])
        is_system = user.role is Role.SYSTEM
        kind = CredentialKind.SYSTEM_KEY if is_system else CredentialKind.USER_KEY
        return Principal(kind, user.role, user, key_id, is_first_use)

    def _admin(self) -> Principal:
        row = self._database.find_row(FIND_SYSTEM_USER, {})
        if row is None:
            raise InvalidCredential("the system user is missing")
        return Principal(CredentialKind.ADMIN_SECRET, Role.ADMIN, user_from(row))


def _sha256(text: str) -> bytes:
    # Comparing digests of equal length does not reveal the length of the secret. A lone surrogate
    # in the header must not raise.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
