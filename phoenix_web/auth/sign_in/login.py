"""Sign-in with e-mail address, password and, for users with a second factor, a code."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phoenix_web.addresses import normal_email
from phoenix_web.audit.events import PASSWORD, AuditAction, Event
from phoenix_web.auth.account_events import session_subject, user_subject
from phoenix_web.auth.accounts import rename
from phoenix_web.auth.mfa import codes
from phoenix_web.auth.passwords.reauthentication import WRONG_LOGIN, lock_unchanged
from phoenix_web.auth.sign_in.failure_audit import record_failures
from phoenix_web.errors import InvalidCredential
from phoenix_web.store.accounts.mfa import MfaStore
from phoenix_web.store.accounts.password_links import PasswordLinkStore
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.auth.mfa.challenges import Challenges
    from phoenix_web.auth.passwords.hashing import Passwords
    from phoenix_web.auth.passwords.reauthentication import Reauthentication
    from phoenix_web.auth.sign_in.known_devices import KnownDevices
    from phoenix_web.auth.sign_in.sessions import Sessions, TokenPair
    from phoenix_web.auth.sign_in.throttling import LoginAttempt, LoginThrottle
    from phoenix_web.store.accounts.users import UserInfo
    from phoenix_web.store.database import Database

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CodeRequired:
    """The result of a correct password when a code is required: no session is open yet."""

    #: The first argument of `Login.verify_code`.
    challenge: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """Sign-in, in one step or two, and the user's change of password.

    Methods open their own transactions after hashing, so that no row is locked during a hash.
    """

    database: Database
    passwords: Passwords
    sessions: Sessions
    throttle: LoginThrottle
    known_devices: KnownDevices
    reauthentication: Reauthentication
    challenges: Challenges

    def log_in(
        self,
        email: str,
        password: str,
        actor: Actor,
        device_cookie: str | None,
        code: str | None = None,
    ) -> TokenPair | CodeRequired:
        """Open a session and return its tokens, or a challenge when a code is required.

        A code is required when the user has a second factor and *code* is None.

        Raises `InvalidCredential` alike for an unknown address, a wrong password, an account
        without a password and a deactivated account; `WrongCode` for a correct password with a
        wrong code; `TooManyRequests` after too many failures, whether the account exists or not;
        `Unavailable`, without counting an attempt, when too many sign-ins are waiting.
        """
        failures = record_failures(self.database, AuditAction.LOGIN_FAILED, email, actor)
        # Counting inside the slot keeps parallel sign-ins with correct passwords below the limit.
        with self.passwords.hashing_slot(), failures:
            return self._log_in(normal_email(email), password, actor, device_cookie, code)

    def verify_code(
        self, challenge: str, code: str, actor: Actor, device_cookie: str | None
    ) -> TokenPair:
        """Complete a sign-in with the code of its second step, and return the session's tokens.

        Raises `WrongCode` and `TooManyRequests` as `log_in` does; the challenge stays valid.
        Raises `InvalidCredential` for a forged or expired challenge, or when the user's password
        has changed or the account has been deactivated or deleted.
        """
        user_id = self.challenges.read_user_id(challenge)
        with self.database.reading() as session:
            users = UserStore(session)
            user, password_hash = users.find(user_id), users.password_hash(user_id)
        if user is None:
            raise InvalidCredential(f"user {user_id} was deactivated or deleted", WRONG_LOGIN)
        with record_failures(self.database, AuditAction.LOGIN_FAILED, user.email, actor):
            if not user.is_active or password_hash is None:
                raise InvalidCredential(f"user {user_id} was deactivated or deleted", WRONG_LOGIN)
            self.challenges.verify(challenge, user, password_hash)
            device = self.known_devices.verify(device_cookie, user, password_hash)
            attempt = self.throttle.register_failure(user.email, actor.address, device)
            if codes.is_app_code(code):
                attempt = self.throttle.register_code(attempt, user.id)
            user_actor = actor.as_user(user.id, user.username, PASSWORD)
            with self.database.transaction() as session:
                lock_unchanged(session, user, password_hash)
                tokens = self._open(session, user, attempt, user_actor, code)
        return self._with_device_cookie(tokens, user, attempt, device_cookie, password_hash)

    def change_password(  # noqa: PLR0913 - both passwords and the context of the request
        self,
        user: UserInfo,
        current: str,
        new: str,
        actor: Actor,
        device_cookie: str | None,
        *,
        username: str | None = None,
    ) -> TokenPair:
        """Set the password *new*, end all sessions of *user* and return the tokens of a new one.

        With *username*, the user is renamed in the same transaction.

        Raises `InvalidCredential` when *current* is wrong, `TooManyRequests` after too many
        failures, `Unavailable` as `log_in` does, and `UsernameTaken`.
        """
        action = AuditAction.USER_PASSWORD_CHANGED
        failures = record_failures(self.database, action, user.email, actor)
        with self.passwords.hashing_slot(), failures:
            proof = self.reauthentication.reauthenticate(user, current)
            new_hash = self.passwords.hash(new)
            with self.database.transaction() as session:
                self.reauthentication.confirm(session, proof)
                UserStore(session).set_password(user.id, new_hash, needs_reset=False)
                PasswordLinkStore(session).delete_for(user.id)
                ended = SessionStore(session).delete_all(user.id)
                tokens = self.sessions.open(session, user, actor)
                detail = {"sessions_ended": ended, "new_session": tokens.session_id}
                record(session, Event(action, actor, user_subject(user), detail=detail))
                if username is not None:
                    rename(session, user, username, actor)
        _log.info("user %s changed their password", user.id)
        # A new password hash makes every device unknown, but this browser has proved the password.
        cookie = self.known_devices.remember(device_cookie, None, user, new_hash)
        return replace(tokens, device_cookie=cookie)

    def _log_in(
        self, email: str, password: str, actor: Actor, device_cookie: str | None, code: str | None
    ) -> TokenPair | CodeRequired:
        with self.database.reading() as session:
            # One query, whether the user exists or not, so that timing does not reveal accounts.
            user, password_hash = UserStore(session).find_for_sign_in(email)
        if user is not None and not user.is_active:
            # Compare with a dummy hash: the response takes as long as for an active account.
            password_hash = None
        device = self.known_devices.verify(device_cookie, user, password_hash)
        # Count before checking the password, so that parallel guesses cannot exceed the limit.
        attempt = self.throttle.register_failure(email, actor.address, device)
        is_right = self.passwords.verify(password, password_hash)
        if not is_right or user is None or password_hash is None:
            account = f"user {user.id}" if user else "an unknown address"
            account += "" if user is None or user.is_active else ", who is deactivated"
            raise InvalidCredential(f"wrong password for {account}", WRONG_LOGIN)
        if code is not None and codes.is_app_code(code):
            attempt = self.throttle.register_code(attempt, user.id)
        outdated = self.passwords.needs_rehash(password_hash)
        new_hash = self.passwords.hash(password) if outdated else password_hash
        user_actor = actor.as_user(user.id, user.username, PASSWORD)
        with self.database.transaction() as session:
            lock_unchanged(session, user, password_hash)
            if outdated:
                UserStore(session).set_password(
                    user.id, new_hash, needs_reset=user.password_needs_reset
                )
            if code is None and MfaStore(session).find(user.id) is not None:
                # A correct password removes only its own attempt. If it reset the count, an
                # attacker who knows it would get unlimited code attempts.
                self.throttle.cancel(session, attempt)
                record(session, Event(AuditAction.LOGIN_CODE_ASKED, user_actor, user_subject(user)))
                return CodeRequired(self.challenges.issue(user, new_hash))
            tokens = self._open(session, user, attempt, user_actor, code or "")
        return self._with_device_cookie(tokens, user, attempt, device_cookie, new_hash)

    def _open(
        self, session: Session, user: UserInfo, attempt: LoginAttempt, actor: Actor, code: str
    ) -> TokenPair:
        """Consume *code* if one is required, open a session and reset the counts of failures."""
        second_factor = codes.consume(session, user, code, actor)
        self.throttle.reset(session, attempt)
        UserStore(session).record_sign_in(user.id, datetime.now(UTC))
        tokens = self.sessions.open(session, user, actor)
        subject = session_subject(tokens.session_id, user)
        detail = {"second_factor": second_factor} if second_factor else {}
        record(session, Event(AuditAction.SESSION_OPENED, actor, subject, detail=detail))
        return tokens

    def _with_device_cookie(
        self,
        tokens: TokenPair,
        user: UserInfo,
        attempt: LoginAttempt,
        device_cookie: str | None,
        password_hash: str,
    ) -> TokenPair:
        """Return *tokens* with a cookie that makes the browser a known device."""
        _log.info("user %s signed in", user.id)
        cookie = self.known_devices.remember(device_cookie, attempt.device, user, password_hash)
        return replace(tokens, device_cookie=cookie)
