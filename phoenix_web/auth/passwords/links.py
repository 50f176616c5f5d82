"""One-time links to set a password, for resets and invitations.

The token of a link is a signed nonce. A link is valid while its row exists: redeeming the link or
issuing a newer one deletes the row. A token without a row is rejected, and the row does not contain
the signature.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from itsdangerous import BadData, URLSafeTimedSerializer

from phoenix_web.audit.events import PASSWORD_LINK, AuditAction, Event
from phoenix_web.auth.account_events import user_subject
from phoenix_web.auth.credentials.access_tokens import derive_key
from phoenix_web.errors import Invalid, InvalidCredential
from phoenix_web.policy import Role
from phoenix_web.store.accounts.password_links import LinkInfo, LinkPurpose, PasswordLinkStore
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.auth.passwords.hashing import Passwords
    from phoenix_web.auth.sign_in.login import Login
    from phoenix_web.store.accounts.users import UserInfo
    from phoenix_web.store.database import Database

#: The page that a link opens, with the token in the query parameter `token`.
PATH: Final = "/reset-password-with-token"
#: Longer than any token that this server signs; a longer text is rejected without decoding.
_MAX_LENGTH: Final = 512

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A new link with its token, which is never stored."""

    id: int
    token: str
    expires_at: datetime


def may_choose_password(user: UserInfo) -> bool:
    """Return whether *user* may set a password with a link: only active local users."""
    return user.auth_method == "LOCAL" and user.role is not Role.SYSTEM and user.is_active


class PasswordLinks:
    """Issuer and verifier of password links."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        login: Login,
        secret: str,
        lifetimes: Mapping[LinkPurpose, timedelta],
    ) -> None:
        """Sign with a key derived from *secret*; *lifetimes* has one entry per purpose."""
        self._database = database
        self._passwords = passwords
        self._login = login
        self._lifetimes = lifetimes
        key = derive_key(secret, "password link")
        self._serializers = {
            purpose: URLSafeTimedSerializer(
                key,
                salt=purpose.value,
                signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
            )
            for purpose in LinkPurpose
        }

    def issue(
        self, session: Session, user: UserInfo, purpose: LinkPurpose, actor: Actor
    ) -> IssuedLink:
        """Create a link for *user*, which replaces any older one.

        Raises `Invalid` for a user who has been deleted or may not set a password with a link.
        """
        users = UserStore(session)
        # Locked, so that of two concurrent links the later one replaces the other. Read again,
        # because the account may have changed since the caller read it.
        users.lock(user.id)
        current = users.find(user.id)
        if current is None:
            raise Invalid(f"{user.email} is deleted")
        if not current.is_active:
            raise Invalid(f"{current.email} is deactivated")
        if not may_choose_password(current):
            raise Invalid(f"{current.email} does not sign in with a password")
        nonce = secrets.token_urlsafe(16)
        now = datetime.now(UTC)
        expires_at = now + self._lifetimes[purpose]
        link_id = PasswordLinkStore(session).replace(current.id, purpose, nonce, now, expires_at)
        detail = {"purpose": purpose.value, "expires_at": expires_at.isoformat(timespec="seconds")}
        subject = user_subject(current)
        record(session, Event(AuditAction.PASSWORD_LINK_ISSUED, actor, subject, detail=detail))
        return IssuedLink(link_id, self.sign(purpose, nonce), expires_at)

    def sign(self, purpose: LinkPurpose, nonce: str) -> str:
        """Return the token of the link with *nonce*."""
        return str(self._serializers[purpose].dumps(nonce))

    def verify(self, token: str) -> LinkInfo:
        """Return the link for *token* without consuming it.

        Raises `InvalidCredential` alike for a forged, expired, used or replaced link, and for a
        user who may not set a password with a link.
        """
        nonce = self._nonce(token)
        with self._database.reading() as session:
            link = PasswordLinkStore(session).find(nonce)
        if link is None:
            raise InvalidCredential("password link used or replaced")
        if link.expires_at <= datetime.now(UTC):
            raise InvalidCredential(f"password link of user {link.user.id} expired")
        if not may_choose_password(link.user):
            raise InvalidCredential(f"user {link.user.id} may not choose a password")
        return link

    def redeem(
        self, token: str, password: str, actor: Actor, device_cookie: str | None = None
    ) -> str:
        """Consume the link, set the password of its user and end all their sessions; keys stay.

        Returns a cookie that makes the browser a known device, so that a user who can read their
        mail can sign in even while an attacker keeps the account locked.

        Raises `InvalidCredential` as `verify` does, `Invalid` for a password against the policy,
        and `Unavailable` when too many sign-ins are waiting; the link stays valid after the last
        two. Opens its own transactions.
        """
        link = self.verify(token)
        fault = self._passwords.fault(password, link.user.email, link.user.username)
        if fault is not None:
            raise Invalid(fault)
        password_hash = self._passwords.hash(password)
        with self._database.transaction() as session:
            users = UserStore(session)
            users.lock(link.user.id)
            # Read again: the account may have changed while the password was hashed.
            user = users.find(link.user.id)
            if user is None or not may_choose_password(user):
                raise InvalidCredential(f"user {link.user.id} changed in the meantime")
            if not PasswordLinkStore(session).consume(link.nonce, datetime.now(UTC)):
                raise InvalidCredential("password link used or replaced just now")
            users.set_password(user.id, password_hash, needs_reset=False)
            self._login.throttle.reset_account(session, user.email)
            detail = {
                "purpose": link.purpose.value,
                "sessions_ended": SessionStore(session).delete_all(user.id),
            }
            user_actor = actor.as_user(user.id, user.username, PASSWORD_LINK)
            subject = user_subject(user)
            action = AuditAction.PASSWORD_LINK_REDEEMED
            record(session, Event(action, user_actor, subject, detail=detail))
        _log.info("user %s set a password with a link (%s)", user.id, link.purpose)
        return self._login.known_devices.remember(device_cookie, None, user, password_hash)

    def _nonce(self, token: str) -> str:
        """Return the nonce in *token*; raise `InvalidCredential` if it is forged or expired."""
        if len(token) <= _MAX_LENGTH and token.isascii():
            for purpose, serializer in self._serializers.items():
                try:
                    nonce = serializer.loads(
                        token, max_age=int(self._lifetimes[purpose].total_seconds())
                    )
                except BadData:
                    continue
                return str(nonce)
        raise InvalidCredential("password link forged or expired")
