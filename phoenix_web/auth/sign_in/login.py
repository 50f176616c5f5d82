"""Signing in by e-mail and password and, for whoever has a second factor, a code."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.events import PASSWORD, AuditAction, Event
from phoenix_web.auth.account_events import session_subject, user_subject
from phoenix_web.auth.accounts import rename
from phoenix_web.auth.mfa import codes
from phoenix_web.auth.sign_in.failure_audit import record_failures
from phoenix_web.errors import InvalidCredential
from phoenix_web.store.accounts.mfa import MfaStore
from phoenix_web.store.accounts.password_links import PasswordLinkStore
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.user_names import normal_email
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

_WRONG: Final = "Invalid email and/or password"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CodeRequired:
    """The password was right, and a code is to come; nothing has been opened."""

    #: What `Login.verify_code` takes beside the code.
    challenge: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """Turns an address and a password into a session."""

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

        A code is asked for when the user has a second factor and *code* is None.

        Raises `InvalidCredential` alike for an unknown address, a wrong password, an account
        without one and a deactivated one, `WrongCode` for a right password with a code that does
        not hold, `TooManyRequests` after too many failures, whether the account exists or not,
        and `Unavailable` when too many wait to sign in; that counts for nothing.
        """
        refusals = record_failures(self.database, AuditAction.LOGIN_FAILED, email, actor)
        # The turn spans the count too, so that right passwords at once are not taken for guesses.
        with self.passwords.hashing_slot(), refusals:
            return self._log_in(normal_email(email), password, actor, device_cookie, code)

    def verify_code(
        self, challenge: str, code: str, actor: Actor, device_cookie: str | None
    ) -> TokenPair:
        """Open the session that *challenge* stands for, and return its tokens.

        Raises `WrongCode` and `TooManyRequests` as `log_in` does; then the challenge stays good.
        Raises `InvalidCredential` for one that is forged, or too old, or whose user has another
        password by now or may no more come in.
        """
        user_id = self.challenges.read_user_id(challenge)
        with self.database.reading() as session:
            users = UserStore(session)
            user, password_hash = users.find(user_id), users.password_hash(user_id)
        if user is None:
            raise InvalidCredential(f"user {user_id} went away during the sign-in", _WRONG)
        with record_failures(self.database, AuditAction.LOGIN_FAILED, user.email, actor):
            if not user.is_active or password_hash is None:
                raise InvalidCredential(f"user {user_id} went away during the sign-in", _WRONG)
            self.challenges.verify(challenge, user, password_hash)
            known = self.known_devices.verify(device_cookie, user, password_hash)
            attempt = self.throttle.register_failure(user.email, actor.address, known)
            if codes.is_app_code(code):
                attempt = self.throttle.register_wrong_code(attempt, user.id)
            by = actor.as_user(user.id, user.username, PASSWORD)
            with self.database.transaction() as session:
                _lock(session, user, password_hash)
                tokens = self._open(session, user, attempt, by, code)
        return self._with_device_cookie(tokens, user, attempt, device_cookie, password_hash)

    def change_password(  # noqa: PLR0913 - who, what and from where
        self,
        user: UserInfo,
        current: str,
        new: str,
        actor: Actor,
        device_cookie: str | None,
        *,
        username: str | None = None,
    ) -> TokenPair:
        """Give *user* the password *new*, end all their sessions, and open one; return its tokens.

        With *username* they get that name, too, or neither of both.

        Raises `InvalidCredential` when *current* is wrong, `TooManyRequests` when it was so too
        often, `Unavailable` as for a sign-in, and `Conflict` when the name is taken.
        """
        action = AuditAction.USER_PASSWORD_CHANGED
        with (
            self.passwords.hashing_slot(),
            record_failures(self.database, action, user.email, actor),
        ):
            proof = self.reauthentication.reauthenticate(user, current)
            new_hash = self.passwords.hash(new)
            with self.database.transaction() as session:
                self.reauthentication.confirm(session, proof)
                UserStore(session).set_password(user.id, new_hash, needs_reset=False)
                PasswordLinkStore(session).delete_for(user.id)
                ended = SessionStore(session).close_all(user.id)
                tokens = self.sessions.open(session, user, actor)
                detail = {"sessions_ended": ended, "new_session": tokens.session_id}
                record(session, Event(action, actor, user_subject(user), detail=detail))
                if username is not None:
                    rename(session, user, username, actor)
        _log.info("user %s changed their password", user.id)
        # Every browser is a stranger's now; this one has just proved both passwords.
        cookie = self.known_devices.remember(device_cookie, None, user, new_hash)
        return replace(tokens, device_cookie=cookie)

    def forget_failures(self, session: Session, user: UserInfo) -> None:
        """Forget what strangers did to *user*'s account, in the unit of work *session*."""
        self.throttle.reset_account(session, user.email)

    def _log_in(
        self, email: str, password: str, actor: Actor, device_cookie: str | None, code: str | None
    ) -> TokenPair | CodeRequired:
        with self.database.reading() as session:
            # One statement, whether there is such a user or not.
            user, password_hash = UserStore(session).find_for_sign_in(email)
        if user is not None and not user.is_active:
            # A deactivated account has no password that matches, at the cost of one that has.
            password_hash = None
        known = self.known_devices.verify(device_cookie, user, password_hash)
        # Counted before the password is looked at: forty parallel guesses are not forty tries.
        attempt = self.throttle.register_failure(email, actor.address, known)
        is_right = self.passwords.verify(password, password_hash)
        if not is_right or user is None or password_hash is None:
            who = f"user {user.id}" if user else "an unknown address"
            who += "" if user is None or user.is_active else ", who is deactivated"
            raise InvalidCredential(f"wrong password for {who}", _WRONG)
        if code is not None and codes.is_app_code(code):
            attempt = self.throttle.register_wrong_code(attempt, user.id)
        outdated = self.passwords.needs_rehash(password_hash)
        new_hash = self.passwords.hash(password) if outdated else password_hash
        by = actor.as_user(user.id, user.username, PASSWORD)
        with self.database.transaction() as session:
            _lock(session, user, password_hash)
            if outdated:
                UserStore(session).set_password(
                    user.id, new_hash, needs_reset=user.password_needs_reset
                )
            if code is None and MfaStore(session).find(user.id) is not None:
                # One right password is no wrong code. What stood against the account stands on:
                # whoever knows the password must not buy guesses at the code by it.
                self.throttle.cancel(session, attempt)
                record(session, Event(AuditAction.LOGIN_CODE_ASKED, by, user_subject(user)))
                return CodeRequired(self.challenges.issue(user, new_hash))
            tokens = self._open(session, user, attempt, by, code or "")
        return self._with_device_cookie(tokens, user, attempt, device_cookie, new_hash)

    def _open(
        self, session: Session, user: UserInfo, attempt: LoginAttempt, actor: Actor, code: str
    ) -> TokenPair:
        """Open a session once *code* holds, or none is needed; forgive what led here."""
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
        """Return *tokens* with the cookie by which the browser is known from now on."""
        _log.info("user %s signed in", user.id)
        cookie = self.known_devices.remember(device_cookie, attempt.device, user, password_hash)
        return replace(tokens, device_cookie=cookie)


def _lock(session: Session, user: UserInfo, password_hash: str) -> None:
    """Keep the user as they are until *session* ends; raise `InvalidCredential` if they changed.

    While it was being checked, the password may have been changed, or the user deactivated or
    deleted.
    """
    if UserStore(session).lock(user.id) != password_hash:
        raise InvalidCredential(f"user {user.id} changed meanwhile", _WRONG)
