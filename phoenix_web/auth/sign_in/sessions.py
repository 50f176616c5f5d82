"""Sessions: each has one valid access token and one valid refresh token at a time."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.events import REFRESH_TOKEN, AuditAction, Event
from phoenix_web.auth.account_events import all_sessions_ended, session_subject
from phoenix_web.auth.credentials import key_text
from phoenix_web.auth.credentials.access_tokens import derive_key, new_token_id
from phoenix_web.auth.credentials.principal import Principal
from phoenix_web.auth.sign_in.devices import device_columns
from phoenix_web.errors import ExpiredCredential, InvalidCredential
from phoenix_web.policy import CredentialKind
from phoenix_web.store.accounts.sessions import RefreshTokenInfo, SessionStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.auth.credentials.access_tokens import AccessTokens
    from phoenix_web.store.accounts.users import UserInfo
    from phoenix_web.store.database import Database

_INVALID: Final = "Invalid refresh token"
_EXPIRED: Final = "Expired refresh token"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The access and refresh token of a session, with their lifetimes."""

    access_token: str
    access_lifetime: timedelta
    refresh_token: str
    refresh_lifetime: timedelta
    session_id: int
    #: Cookie that makes the browser a known device; set after a sign-in with a password.
    device_cookie: str | None = None


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """The caller, and new tokens unless another request has just used the refresh token."""

    principal: Principal
    tokens: TokenPair | None


@dataclass(frozen=True, slots=True)
class _Validity:
    """The time during which a pair of tokens is valid."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


class Sessions:
    """Manager of sessions, which opens, refreshes and ends them."""

    def __init__(  # noqa: PLR0913 - one argument for each setting
        self,
        database: Database,
        tokens: AccessTokens,
        secret: str,
        *,
        lifetime: timedelta,
        reuse_interval: timedelta,
        max_age: timedelta,
    ) -> None:
        """Configure the lifetimes.

        A refresh token is valid for *lifetime* and may be sent again within *reuse_interval* after
        its use. A session ends *max_age* after it was opened, however often it was refreshed.
        """
        self._database = database
        self._tokens = tokens
        # A keyed digest: changing PHOENIX_SECRET invalidates refresh tokens as well.
        self._digest_key = derive_key(secret, "refresh token")
        self._lifetime = lifetime
        self._reuse_interval = reuse_interval
        self._max_age = max_age

    def open(self, session: Session, user: UserInfo, actor: Actor) -> TokenPair:
        """Open a session for *user*, on the device of *actor*, and return its tokens."""
        now = datetime.now(UTC)
        token_id = new_token_id()
        store = SessionStore(session)
        # Expired tokens are kept for a day, so that a refresh can report them as expired.
        store.purge_expired(now - timedelta(days=1))
        validity = self._validity(now, now)
        session_id = store.add(user.id, token_id, now, validity.end, **device_columns(actor))
        return self._pair(store, user, session_id, token_id, validity)

    def refresh(self, refresh_token: str, actor: Actor) -> RefreshResult:
        """Exchange *refresh_token*, which can be used once, for new tokens.

        Raises `InvalidCredential` for an unknown token, and for one used longer ago than the reuse
        interval: such a replay ends the session (RFC 9700 section 4.14.2). Raises
        `ExpiredCredential` for an expired token or session. Opens its own transactions.
        """
        digest = self._digest(refresh_token)
        # Read first, so that requests with an unknown token do not take the write lock.
        with self._database.reading() as session:
            found = SessionStore(session).find_refresh_token(digest) if digest else None
        if digest is None or found is None:
            raise InvalidCredential("unknown refresh token", _INVALID)
        now = datetime.now(UTC)
        if found.used_at is None and found.expires_at <= now:
            raise ExpiredCredential(
                f"refresh token of session {found.session_id} expired", _EXPIRED
            )
        with self._database.transaction() as session:
            renewal = self._exchange(session, digest, found, actor)
        if renewal is None:
            raise InvalidCredential(
                f"replay of a used refresh token ended session {found.session_id}", _INVALID
            )
        return renewal

    def find_refresh_token(self, refresh_token: str) -> RefreshTokenInfo | None:
        """Return the stored *refresh_token*, used or not, or None."""
        digest = self._digest(refresh_token)
        if digest is None:
            return None
        with self._database.reading() as session:
            return SessionStore(session).find_refresh_token(digest)

    def sign_out(self, user_id: int, session_id: int, actor: Actor, *, is_everywhere: bool) -> None:
        """End the user's session, or all of them with *is_everywhere*."""
        with self._database.transaction() as session:
            user = UserStore(session).find(user_id)
            if user is None:  # deleted together with the sessions
                return
            user_actor = actor.as_user(user.id, user.username, CredentialKind.SESSION, session_id)
            if is_everywhere:
                end_sessions(session, user, user_actor)
            else:
                end_session(session, user, session_id, user_actor)

    def _exchange(
        self, session: Session, digest: bytes, found: RefreshTokenInfo, actor: Actor
    ) -> RefreshResult | None:
        """Exchange the token under the lock of its session; return None after a replay."""
        store = SessionStore(session)
        opened_at = store.lock(found.session_id)
        user = UserStore(session).find(found.user_id)
        if opened_at is None or user is None or not user.is_active:
            raise InvalidCredential("the session has just ended", _INVALID)
        now = datetime.now(UTC)  # read after waiting for the lock
        validity = self._validity(opened_at, now)
        if validity.end <= now:  # the maximum age was lowered since the session was opened
            raise ExpiredCredential(f"session {found.session_id} is too old", _EXPIRED)
        principal = Principal(CredentialKind.SESSION, user.role, user, found.session_id)
        if store.consume_refresh_token(digest, now):
            token_id = new_token_id()
            store.update(found.session_id, token_id, now, validity.end, **device_columns(actor))
            pair = self._pair(store, user, found.session_id, token_id, validity)
            return RefreshResult(principal, pair)
        used = store.find_refresh_token(digest)
        if used and used.used_at and now - used.used_at < self._reuse_interval:
            return RefreshResult(principal, None)
        store.delete(user.id, found.session_id)
        # The actor may be an attacker, but the credential is the user's.
        replayed_by = actor.as_user(user.id, user.username, REFRESH_TOKEN, found.session_id)
        subject = session_subject(found.session_id, user)
        refusal = "replay of a used refresh token"
        record(session, Event(AuditAction.SESSION_REPLAYED, replayed_by, subject, refusal))
        return None

    def _validity(self, opened_at: datetime, now: datetime) -> _Validity:
        return _Validity(now, min(now + self._lifetime, opened_at + self._max_age))

    def _pair(
        self, store: SessionStore, user: UserInfo, session_id: int, token_id: str, valid: _Validity
    ) -> TokenPair:
        refresh_token = key_text.generate(key_text.REFRESH_TOKEN)
        store.add_refresh_token(session_id, self._keyed(refresh_token), valid.end)
        access_lifetime = min(self._tokens.lifetime, valid.length)
        return TokenPair(
            access_token=self._tokens.sign(user, session_id, token_id, access_lifetime),
            access_lifetime=access_lifetime,
            refresh_token=refresh_token,
            refresh_lifetime=valid.length,
            session_id=session_id,
        )

    def _digest(self, refresh_token: str) -> bytes | None:
        if not key_text.is_well_formed(refresh_token, key_text.REFRESH_TOKEN):
            return None
        return self._keyed(refresh_token)

    def _keyed(self, refresh_token: str) -> bytes:
        return hmac.digest(self._digest_key, refresh_token.encode(), "sha256")


def end_session(session: Session, user: UserInfo, session_id: int, actor: Actor) -> bool:
    """End the session and return whether it was open and belonged to *user*."""
    if not SessionStore(session).delete(user.id, session_id):
        return False
    record(session, Event(AuditAction.SESSION_ENDED, actor, session_subject(session_id, user)))
    return True


def end_sessions(
    session: Session, user: UserInfo, actor: Actor, *, except_session: int | None = None
) -> None:
    """End every session of *user* except *except_session*."""
    ended = SessionStore(session).delete_all(user.id, except_session=except_session)
    if ended:
        record(session, all_sessions_ended(user, ended, actor))
