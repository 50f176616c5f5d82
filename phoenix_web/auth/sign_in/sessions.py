"""Sessions: a sign-in, its access token of the moment, and its chain of refresh tokens."""

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
    """The two texts that a signed-in client holds, with how long each is good for."""

    access_token: str
    access_lifetime: timedelta
    refresh_token: str
    refresh_lifetime: timedelta
    session_id: int
    #: From whoever proved their password: by this cookie their browser is known again.
    device_cookie: str | None = None


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """What a refresh token gave: who came with it, and new tokens unless it was just spent."""

    principal: Principal
    tokens: TokenPair | None


@dataclass(frozen=True, slots=True)
class _Validity:
    """From when to when a pair of tokens is good."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


class Sessions:
    """Opens and renews sessions."""

    def __init__(  # noqa: PLR0913 - one argument for each thing that is set once
        self,
        database: Database,
        tokens: AccessTokens,
        secret: str,
        *,
        lifetime: timedelta,
        reuse_interval: timedelta,
        max_age: timedelta,
    ) -> None:
        """Let refresh tokens live for *lifetime*, and be shown again within *reuse*.

        A session ends *max_age* after it was opened, however often it was renewed.
        """
        self._database = database
        self._tokens = tokens
        # Keyed, so that another PHOENIX_SECRET ends every session, as it does for access tokens.
        self._digest_key = derive_key(secret, "refresh token")
        self._lifetime = lifetime
        self._reuse_interval = reuse_interval
        self._max_age = max_age

    def open(self, session: Session, user: UserInfo, actor: Actor) -> TokenPair:
        """Open a session for *user*, who signs in as *actor*, and return its tokens."""
        now = datetime.now(UTC)
        token_id = new_token_id()
        store = SessionStore(session)
        # An expired token is told so for a day; after that it is as unknown as any other.
        store.purge_expired(now - timedelta(days=1))
        term = self._term(now, now)
        session_id = store.open(user.id, token_id, now, term.end, **device_columns(actor))
        return self._pair(store, user, session_id, token_id, term)

    def refresh(self, refresh_token: str, actor: Actor) -> RefreshResult:
        """Exchange *refresh_token*, which can be used once, for new tokens.

        Raises `InvalidCredential` for a token that is unknown, or that was spent longer ago than
        the time of reuse: that is a replay, and ends the whole session (RFC 9700 section 4.14.2).
        Raises `ExpiredCredential` for one that was good.
        """
        digest = self._digest(refresh_token)
        # Junk must not wait for the write lock, let alone hold it.
        with self._database.reading() as session:
            found = SessionStore(session).find_refresh_token(digest) if digest else None
        if digest is None or found is None:
            raise InvalidCredential("unknown refresh token", _INVALID)
        now = datetime.now(UTC)
        if found.spent_at is None and found.expires_at <= now:
            raise ExpiredCredential(
                f"refresh token of session {found.session_id} expired", _EXPIRED
            )
        with self._database.transaction() as session:
            renewal = self._exchange(session, digest, found, actor)
        if renewal is None:
            raise InvalidCredential(
                f"replay of a spent refresh token ended session {found.session_id}", _INVALID
            )
        return renewal

    def find_refresh_token(self, refresh_token: str) -> RefreshTokenInfo | None:
        """Return the open session behind *refresh_token*, spent or not, or None."""
        digest = self._digest(refresh_token)
        if digest is None:
            return None
        with self._database.reading() as session:
            return SessionStore(session).find_refresh_token(digest)

    def sign_out(self, user_id: int, session_id: int, actor: Actor, *, is_everywhere: bool) -> None:
        """End the session of the user who signs out, or all that they have."""
        with self._database.transaction() as session:
            user = UserStore(session).find(user_id)
            if user is None:  # deleted, and the sessions with it
                return
            by = actor.as_user(user.id, user.username, CredentialKind.SESSION, session_id)
            if is_everywhere:
                end_sessions(session, user, by)
            else:
                end_session(session, user, session_id, by)

    def _exchange(
        self, session: Session, digest: bytes, found: RefreshTokenInfo, actor: Actor
    ) -> RefreshResult | None:
        """Return the renewal, or None for a replay, which has then ended the session."""
        store = SessionStore(session)
        opened_at = store.lock(found.session_id)
        user = UserStore(session).find(found.user_id)
        if opened_at is None or user is None or not user.is_active:
            raise InvalidCredential("the session has just ended", _INVALID)
        now = datetime.now(UTC)  # only now: whoever was waited for has spent the token before
        term = self._term(opened_at, now)
        if term.end <= now:  # sessions have been given a shorter life since
            raise ExpiredCredential(f"session {found.session_id} is too old", _EXPIRED)
        principal = Principal(CredentialKind.SESSION, user.role, user, found.session_id)
        if store.consume_refresh_token(digest, now):
            token_id = new_token_id()
            store.renew(found.session_id, token_id, now, term.end, **device_columns(actor))
            return RefreshResult(
                principal, self._pair(store, user, found.session_id, token_id, term)
            )
        spent = store.find_refresh_token(digest)
        if spent and spent.spent_at and now - spent.spent_at < self._reuse_interval:
            return RefreshResult(principal, None)
        store.close(user.id, found.session_id)
        # Whoever it was has come with this person's credential.
        shown_by = actor.as_user(user.id, user.username, REFRESH_TOKEN, found.session_id)
        subject = session_subject(found.session_id, user)
        refusal = "a spent refresh token was shown again"
        record(session, Event(AuditAction.SESSION_REPLAYED, shown_by, subject, refusal))
        return None

    def _term(self, opened_at: datetime, now: datetime) -> _Validity:
        """Return how long the tokens are good that a session gets *now*."""
        return _Validity(now, min(now + self._lifetime, opened_at + self._max_age))

    def _pair(
        self, store: SessionStore, user: UserInfo, session_id: int, token_id: str, term: _Validity
    ) -> TokenPair:
        refresh_token = key_text.generate(key_text.REFRESH_TOKEN)
        store.add_refresh_token(session_id, self._keyed(refresh_token), term.end)
        access_lifetime = min(self._tokens.lifetime, term.length)
        return TokenPair(
            access_token=self._tokens.sign(user, session_id, token_id, access_lifetime),
            access_lifetime=access_lifetime,
            refresh_token=refresh_token,
            refresh_lifetime=term.length,
            session_id=session_id,
        )

    def _digest(self, refresh_token: str) -> bytes | None:
        if not key_text.is_well_formed(refresh_token, key_text.REFRESH_TOKEN):
            return None
        return self._keyed(refresh_token)

    def _keyed(self, refresh_token: str) -> bytes:
        return hmac.digest(self._digest_key, refresh_token.encode(), "sha256")


def end_session(session: Session, user: UserInfo, session_id: int, actor: Actor) -> bool:
    """End the session if it is the user's; return whether it was, and open."""
    if not SessionStore(session).close(user.id, session_id):
        return False
    record(session, Event(AuditAction.SESSION_ENDED, actor, session_subject(session_id, user)))
    return True


def end_sessions(
    session: Session, user: UserInfo, actor: Actor, *, except_session: int | None = None
) -> None:
    """End every session of *user*, or all but one."""
    ended = SessionStore(session).close_all(user.id, except_session=except_session)
    if ended:
        record(session, all_sessions_ended(user, ended, actor))
