"""One-time links by which somebody chooses a password: after a reset, or when they are invited.

A link is signed with a key of its own, and a row stands behind it. The row makes it good once,
and ends it when a newer one is issued; without the row the signature opens nothing, and without
the signature neither does the row.
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

#: The page that a link leads to, with its text as `?token=`.
PATH: Final = "/reset-password-with-token"
#: Longer than any link of ours; a longer text is not worth reading.
_MAX_LENGTH: Final = 512

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A new link with its text, which is told to its user and stored nowhere."""

    id: int
    token: str
    expires_at: datetime


def may_choose_password(user: UserInfo) -> bool:
    """Tell whether *user* has a password here to choose; for nobody else a link works."""
    return user.auth_method == "LOCAL" and user.role is not Role.SYSTEM and user.is_active


class PasswordLinks:
    """Issues links and redeems them."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        login: Login,
        secret: str,
        lifetimes: Mapping[LinkPurpose, timedelta],
    ) -> None:
        """Sign with a key that is derived from *secret*; each purpose has one of *lifetimes*."""
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
        """Give *user* a link in place of any older one, in the unit of work *session*.

        Raises `Invalid` for whoever
        has no password to choose, or is gone by now.
        """
        users = UserStore(session)
        # Of two that are issued at once, the later one takes the place of the other.
        users.lock(user.id)
        # Not as the caller has read them: they may have gone meanwhile.
        held = users.find(user.id)
        if held is None:
            raise Invalid(f"{user.email} is deleted")
        if not held.is_active:
            raise Invalid(f"{held.email} is deactivated")
        if not may_choose_password(held):
            raise Invalid(f"{held.email} does not sign in with a password")
        nonce = secrets.token_urlsafe(16)
        now = datetime.now(UTC)
        expires_at = now + self._lifetimes[purpose]
        link_id = PasswordLinkStore(session).replace(held.id, purpose, nonce, now, expires_at)
        detail = {"purpose": purpose.value, "expires_at": expires_at.isoformat(timespec="seconds")}
        subject = user_subject(held)
        record(session, Event(AuditAction.PASSWORD_LINK_ISSUED, actor, subject, detail=detail))
        return IssuedLink(link_id, self.sign(purpose, nonce), expires_at)

    def sign(self, purpose: LinkPurpose, nonce: str) -> str:
        """Return the text of the link that *nonce* names."""
        return str(self._serializers[purpose].dumps(nonce))

    def verify(self, token: str) -> LinkInfo:
        """Return the link whose text is *token*; it stays as good as it is.

        Raises `InvalidCredential` alike for one that is forged, expired, used or replaced, or
        whose user may not choose a password.
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
        """Give the link's user *password*, and end the link and all their sessions; keys stay.

        Returns the cookie by which the browser of *device_cookie* is known to the user from now
        on: so whoever can read their mail can sign in, whatever strangers do to the account.

        Raises `InvalidCredential` as `find` does, `Invalid` for a password that is not
        acceptable, and `Unavailable` when too many wait to sign in; the link stays good then.
        """
        link = self.verify(token)
        fault = self._passwords.fault(password, link.user.email, link.user.username)
        if fault is not None:
            raise Invalid(fault)
        password_hash = self._passwords.hash(password)
        with self._database.transaction() as session:
            users = UserStore(session)
            users.lock(link.user.id)
            # Much may have happened while the password was being hashed.
            user = users.find(link.user.id)
            if user is None or not may_choose_password(user):
                raise InvalidCredential(f"user {link.user.id} changed meanwhile")
            if not PasswordLinkStore(session).consume(link.nonce, datetime.now(UTC)):
                raise InvalidCredential("password link used or replaced just now")
            users.set_password(user.id, password_hash, needs_reset=False)
            self._login.throttle.reset_account(session, user.email)
            detail = {
                "purpose": link.purpose.value,
                "sessions_ended": SessionStore(session).close_all(user.id),
            }
            by = actor.as_user(user.id, user.username, PASSWORD_LINK)
            subject = user_subject(user)
            record(session, Event(AuditAction.PASSWORD_LINK_REDEEMED, by, subject, detail=detail))
        _log.info("user %s set a password with a link (%s)", user.id, link.purpose)
        return self._login.known_devices.remember(device_cookie, None, user, password_hash)

    def _nonce(self, token: str) -> str:
        """Return what *token* names; raise `InvalidCredential` when we did not sign it in time."""
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
