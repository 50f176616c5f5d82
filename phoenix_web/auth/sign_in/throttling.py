"""Throttling of sign-ins against password guessing.

Each attempt is counted before the password is checked, so parallel guesses cannot exceed the limit.
An attempt from a known device (`known_devices`) counts against that device only. Any other attempt
counts against the account and against the client's network. An attacker can therefore lock an
account for unknown devices, but not for the browsers its owner has signed in with.
"""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from phoenix_web.addresses import client_network
from phoenix_web.auth.credentials.access_tokens import derive_key
from phoenix_web.auth.sign_in.known_devices import DEVICE_LIFETIME
from phoenix_web.errors import Quota, TooManyFailures
from phoenix_web.store.accounts.login_attempts import AttemptCount, LoginAttemptStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.store.database import Database

#: Time an account stays locked after the last allowed failure, as the contract says.
_LOCKOUT: Final = timedelta(minutes=5)
#: Time without an attempt after which the count of an account starts again at zero.
_RETENTION: Final = timedelta(minutes=20)
#: Time over which the failures from one network are added up.
_NETWORK_WINDOW: Final = timedelta(minutes=15)
#: At any time three of the million six-digit codes are valid. An attacker who knows the password
#: finds one within months at five attempts every five minutes, but needs decades at 30 a day
#: (NIST SP 800-63B-4 section 3.2.2).
_CODE_QUOTA: Final = Quota("wrong-codes", 30, 24 * 60 * 60)
_CODE_UNKNOWN_DEVICE: Final = "code"
_CODE_KNOWN_DEVICE: Final = "code by a known device"
_CODE_SIGNED_IN: Final = "own code"
_LOCKED: Final = "Too many failed login attempts. Please try again later."


@dataclass(frozen=True, slots=True)
class ThrottleRule:
    """A limit of attempts and the lockout that follows."""

    quota: Quota
    #: Lifetime of a count: from its last attempt if there is a lockout, else from its first.
    retention: timedelta
    #: Duration of the lockout; None locks until the count expires.
    lockout: timedelta | None = None

    def increment(self, count: AttemptCount, now: datetime) -> AttemptCount:
        """Return *count* plus one attempt; raise `TooManyFailures` while it is locked.

        A rejected attempt does not prolong the lockout.
        """
        attempts, locked_until, expires_at = count.attempts, count.locked_until, count.expires_at
        if expires_at <= now or (locked_until is not None and locked_until <= now):
            attempts, expires_at = 0, now + self.retention
        elif locked_until is not None:
            wait = math.ceil((locked_until - now).total_seconds())
            raise TooManyFailures(_LOCKED, max(1, wait), self.quota)
        attempts += 1
        if self.lockout is not None:
            expires_at = now + self.retention
        is_full = attempts >= self.quota.amount
        end = expires_at if self.lockout is None else now + self.lockout
        return AttemptCount(attempts, end if is_full else None, expires_at)

    def decrement(self, count: AttemptCount) -> AttemptCount:
        """Return *count* minus one attempt, unlocked if that is below the quota."""
        attempts = max(0, count.attempts - 1)
        is_full = attempts >= self.quota.amount
        return AttemptCount(attempts, count.locked_until if is_full else None, count.expires_at)


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """The counts that one attempt was added to, so that a success can reset them."""

    subject: bytes | None = None
    network: bytes | None = None
    #: The known device of the attempt, if any.
    device: str | None = None
    #: The count of codes; None until a code is tried.
    code: bytes | None = None


class LoginThrottle:
    """Counter of attempts in the database, shared by all processes and hosts."""

    def __init__(
        self, database: Database, secret: str, per_account: int | None, per_network: int | None
    ) -> None:
        """Set the maximum failures per account and per network; None turns a limit off."""
        self._database = database
        self._key = derive_key(secret, "login attempts")
        self._account_rule = self._device_rule = self._network_rule = None
        # No setting turns this limit off: without it, a six-digit code can be guessed.
        self._code_rule = ThrottleRule(_CODE_QUOTA, timedelta(seconds=_CODE_QUOTA.seconds))
        if per_account is not None:
            quota = Quota("failed-sign-ins", per_account, int(_LOCKOUT.total_seconds()))
            self._account_rule = ThrottleRule(quota, _RETENTION, _LOCKOUT)
            # Counts last as long as the cookie, so that a locked device stays unknown.
            self._device_rule = ThrottleRule(quota, DEVICE_LIFETIME, _LOCKOUT)
        if per_account is not None and per_network is not None:
            window = int(_NETWORK_WINDOW.total_seconds())
            quota = Quota("failed-sign-ins-from-one-network", per_network, window)
            self._network_rule = ThrottleRule(quota, _NETWORK_WINDOW)

    def register_failure(self, email: str, address: str | None, device: str | None) -> LoginAttempt:
        """Count an attempt to sign in as *email* from the client *address* or a known *device*.

        Raises `TooManyFailures` over the limit. Without a known device, queries and results are
        the same whether the account exists or not.
        """
        now = datetime.now(UTC)
        if self._account_rule is None:
            return LoginAttempt()
        with self._database.transaction() as session:
            store = LoginAttemptStore(session)
            attempt = self._count_for_device(store, device, now) or self._count_for_account(
                store, self._account_rule, email, client_network(address), now
            )
            # Purge last: it locks rows in no fixed order, so a lock taken after it could deadlock.
            store.purge_expired(now)
        return attempt

    def register_code(
        self, attempt: LoginAttempt, user_id: int, *, is_signed_in: bool = False
    ) -> LoginAttempt:
        """Count an attempt at a code and return *attempt* with that count.

        Raises `TooManyFailures` over the daily limit. Unknown devices, known devices and signed-in
        users have separate counts: an attacker who knows the password can lock only the first.
        """
        now = datetime.now(UTC)
        kind = _CODE_UNKNOWN_DEVICE
        if is_signed_in:
            kind = _CODE_SIGNED_IN
        elif attempt.device is not None:
            kind = _CODE_KNOWN_DEVICE
        subject = self._subject(kind, str(user_id))
        with self._database.transaction() as session:
            store = LoginAttemptStore(session)
            _increment(store, self._code_rule, subject, now)
        return replace(attempt, code=subject)

    def register_reauthentication(self, user_id: int) -> LoginAttempt:
        """Count an attempt of a signed-in user to re-enter their password.

        This count is separate from that of sign-ins, so that an attacker can neither block changes
        of the password nor, with a stolen session, lock the account. Raises `TooManyFailures` over
        the limit.
        """
        if self._account_rule is None:
            return LoginAttempt()
        now = datetime.now(UTC)
        subject = self._subject("own password", str(user_id))
        with self._database.transaction() as session:
            store = LoginAttemptStore(session)
            _increment(store, self._account_rule, subject, now)
            store.purge_expired(now)
        return LoginAttempt(subject)

    def reset(self, session: Session, attempt: LoginAttempt) -> None:
        """Reset the counts of the account or device and of the codes after a success.

        The network's count drops by this attempt only: otherwise an attacker with an account would
        get unlimited guesses at other accounts. To avoid deadlocks, a caller that also locks the
        user in *session* locks the user first.
        """
        store = LoginAttemptStore(session)
        _decrement(store, self._network_rule, attempt.network)
        for subject in (attempt.subject, attempt.code):
            if subject is not None:
                store.clear(subject)

    def cancel(self, session: Session, attempt: LoginAttempt) -> None:
        """Remove *attempt* from the counts; earlier attempts stay counted."""
        store = LoginAttemptStore(session)
        _decrement(store, self._network_rule, attempt.network)
        rule = self._device_rule if attempt.device else self._account_rule
        _decrement(store, rule, attempt.subject)

    def reset_account(self, session: Session, email: str) -> None:
        """Reset the count of the account after its user has set a password with a link."""
        LoginAttemptStore(session).clear(self._subject("account", email))

    def reset_codes(self, session: Session, user_id: int) -> None:
        """Reset all code counts of the user after a new second factor."""
        for kind in (_CODE_UNKNOWN_DEVICE, _CODE_KNOWN_DEVICE, _CODE_SIGNED_IN):
            LoginAttemptStore(session).clear(self._subject(kind, str(user_id)))

    def _count_for_device(
        self, store: LoginAttemptStore, device: str | None, now: datetime
    ) -> LoginAttempt | None:
        """Count against *device*; return None without one, or if it was locked before."""
        if device is None or self._device_rule is None:
            return None
        subject = self._subject("device", device)
        count = store.lock(subject, now)
        if count.locked_until is not None and count.locked_until <= now:
            return None
        store.put(subject, self._device_rule.increment(count, now))
        return LoginAttempt(subject, device=device)

    def _count_for_account(
        self,
        store: LoginAttemptStore,
        rule: ThrottleRule,
        email: str,
        network: str | None,
        now: datetime,
    ) -> LoginAttempt:
        network_subject = None
        if network is not None and self._network_rule is not None:
            network_subject = self._subject("network", network)
            _increment(store, self._network_rule, network_subject, now)
        subject = self._subject("account", email)
        _increment(store, rule, subject, now)
        return LoginAttempt(subject, network_subject)

    def _subject(self, kind: str, name: str) -> bytes:
        return hmac.digest(self._key, f"{kind} {name}".encode(), "sha256")


def _increment(store: LoginAttemptStore, rule: ThrottleRule, subject: bytes, now: datetime) -> None:
    store.put(subject, rule.increment(store.lock(subject, now), now))


def _decrement(store: LoginAttemptStore, rule: ThrottleRule | None, subject: bytes | None) -> None:
    if rule is not None and subject is not None:
        store.put(subject, rule.decrement(store.lock(subject, datetime.now(UTC))))
