"""Signing in by e-mail and password."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phoenix_web.audit.events import PASSWORD, Action, Event
from phoenix_web.auth.accounts import rename
from phoenix_web.auth.audited import UNKNOWN_ADDRESS, session_subject, user_subject
from phoenix_web.errors import InvalidCredential, TooManyRequests
from phoenix_web.store.audit.log import record
from phoenix_web.store.password_links import PasswordLinkStore
from phoenix_web.store.sessions import SessionStore
from phoenix_web.store.user_names import normal_email
from phoenix_web.store.users import UserStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Circumstances
    from phoenix_web.auth.devices import Device
    from phoenix_web.auth.guesses import Guesses
    from phoenix_web.auth.known_devices import KnownDevices
    from phoenix_web.auth.passwords import Passwords
    from phoenix_web.auth.sessions import Sessions, TokenPair
    from phoenix_web.store.database import Database
    from phoenix_web.store.users import UserInfo

_WRONG = "Invalid email and/or password"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Login:
    """Turns an address and a password into a session."""

    database: Database
    passwords: Passwords
    sessions: Sessions
    guesses: Guesses
    known_devices: KnownDevices

    def log_in(self, email: str, password: str, device: Device, where: Circumstances) -> TokenPair:
        """Open a session on *device* and return its tokens.

        Raises `InvalidCredential` alike for an unknown address, a wrong password, an account
        without one and a deactivated one, `TooManyRequests` after too many failures, whether the
        account exists or not, and `Unavailable` when too many wait to sign in; that counts for
        nothing.
        """
        # The turn spans the count too, so that right passwords at once are not taken for guesses.
        with self.passwords.turn(), self._recording(Action.LOGIN_FAILED, email, where):
            return self._log_in(normal_email(email), password, device, where)

    def change_password(  # noqa: PLR0913 - who, what and from where
        self,
        user: UserInfo,
        current: str,
        new: str,
        device: Device,
        by: Circumstances,
        *,
        username: str | None = None,
    ) -> TokenPair:
        """Give *user* the password *new*, end all their sessions, and open one; return its tokens.

        With *username* they get that name, too, or neither of both.

        Raises `InvalidCredential` when *current* is wrong, `TooManyRequests` when it was so too
        often, `Unavailable` as for a sign-in, and `Conflict` when the name is taken.
        """
        action = Action.USER_PASSWORD_CHANGED
        with self.passwords.turn(), self._recording(action, user.email, by):
            return self._change_password(user, current, new, device, by, username)

    def forget_failures(self, session: Session, user: UserInfo) -> None:
        """Forget what strangers did to *user*'s account, in the unit of work *session*."""
        self.guesses.forgive_account(session, user.email)

    @contextmanager
    def _recording(self, action: Action, email: str, where: Circumstances) -> Iterator[None]:
        """Record, when the block is refused, that *action* was; what it did is rolled back."""
        try:
            yield
        except (InvalidCredential, TooManyRequests) as error:
            refusal = "too many failed sign-ins"
            if isinstance(error, InvalidCredential):
                refusal = error.reason
            with self.database.transaction() as session:
                user = UserStore(session).find_by_email(email)
                subject = user_subject(user) if user else UNKNOWN_ADDRESS
                record(session, Event(action, where, subject, refusal))
            raise

    def _log_in(self, email: str, password: str, device: Device, where: Circumstances) -> TokenPair:
        with self.database.reading() as session:
            # One statement, whether there is such a user or not.
            user, password_hash = UserStore(session).find_to_sign_in(email)
        if user is not None and not user.is_active:
            # A deactivated account has no password that matches, at the cost of one that has.
            password_hash = None
        known = self.known_devices.find(device.cookie, user, password_hash)
        # Counted before the password is looked at: forty parallel guesses are not forty tries.
        attempt = self.guesses.count(email, device.address, known)
        is_right = self.passwords.matches(password, password_hash)
        if not is_right or user is None or password_hash is None:
            who = f"user {user.id}" if user else "an unknown address"
            who += "" if user is None or user.is_active else ", who is deactivated"
            raise InvalidCredential(f"wrong password for {who}", _WRONG)
        outdated = self.passwords.is_outdated(password_hash)
        new_hash = self.passwords.hash(password) if outdated else None
        with self.database.transaction() as session:
            users = UserStore(session)
            # While it was being checked, the password may have been changed, or the user
            # deactivated or deleted.
            if users.hold(user.id) != password_hash:
                raise InvalidCredential(f"user {user.id} changed meanwhile", _WRONG)
            self.guesses.forgive(session, attempt)
            if new_hash is not None:
                users.set_password(user.id, new_hash, needs_reset=user.password_needs_reset)
            users.record_sign_in(user.id, datetime.now(UTC))
            tokens = self.sessions.open(session, user, device)
            by = where.by(user.id, user.username, PASSWORD)
            subject = session_subject(tokens.session_id, user)
            record(session, Event(Action.SESSION_OPENED, by, subject))
        _log.info("user %s signed in", user.id)
        cookie = self.known_devices.remember(
            device.cookie, attempt.device, user, new_hash or password_hash
        )
        return replace(tokens, device_cookie=cookie)

    def _change_password(  # noqa: PLR0913, PLR0917 - as for `change_password`
        self,
        user: UserInfo,
        current: str,
        new: str,
        device: Device,
        by: Circumstances,
        username: str | None,
    ) -> TokenPair:
        attempt = self.guesses.count_own(user.id)
        with self.database.reading() as session:
            password_hash = UserStore(session).password_hash(user.id)
        if not self.passwords.matches(current, password_hash):
            raise InvalidCredential(f"wrong current password of user {user.id}", _WRONG)
        new_hash = self.passwords.hash(new)
        with self.database.transaction() as session:
            users = UserStore(session)
            # As for signing in: the answer was about the hash of a moment ago.
            if users.hold(user.id) != password_hash:
                raise InvalidCredential(f"user {user.id} changed meanwhile", _WRONG)
            self.guesses.forgive(session, attempt)
            users.set_password(user.id, new_hash, needs_reset=False)
            PasswordLinkStore(session).drop(user.id)
            ended = SessionStore(session).close_all(user.id)
            tokens = self.sessions.open(session, user, device)
            detail = {"sessions_ended": ended, "new_session": tokens.session_id}
            record(
                session,
                Event(Action.USER_PASSWORD_CHANGED, by, user_subject(user), detail=detail),
            )
            if username is not None:
                rename(session, user, username, by)
        _log.info("user %s changed their password", user.id)
        # Every browser is a stranger's now; this one has just proved both passwords.
        cookie = self.known_devices.remember(device.cookie, None, user, new_hash)
        return replace(tokens, device_cookie=cookie)
