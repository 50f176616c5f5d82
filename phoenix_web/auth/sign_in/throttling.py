"""Guesses of passwords: each is counted before the password is looked at, and too many wait.

An attempt stands against one of two things. From a browser in which its person has signed in
before it stands against that browser alone (`known_devices`); from anywhere else against the
account, and against the network that it comes from. So a stranger can lock strangers out of an
account, and never the person at their own browser.
"""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from phoenix_web.addresses import client_network
from phoenix_web.auth.credentials.access_tokens import derive_key
from phoenix_web.auth.sign_in.known_devices import LIFETIME
from phoenix_web.errors import Quota, TooManyRequests
from phoenix_web.store.accounts.login_attempts import AttemptCount, LoginAttemptStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.store.database import Database

#: The contract's lock: five minutes from the failure that filled the measure.
_LOCKOUT: Final = timedelta(minutes=5)
#: A count against an account that has not moved for this long is dropped.
_RETENTION: Final = timedelta(minutes=20)
#: Within this time the failures from one network are added up.
_NETWORK_WINDOW: Final = timedelta(minutes=15)
#: Six digits stand three at a time. Five tries in five minutes, day after day, would find some;
#: so many in a day, by whoever knows the password, do not (NIST 800-63B-4, section 3.2.2).
_CODE_QUOTA: Final = Quota("wrong-codes", 30, 24 * 60 * 60)
_CODE_UNKNOWN_DEVICE: Final = "code"
_CODE_KNOWN_DEVICE: Final = "code by a known device"
_CODE_SIGNED_IN: Final = "own code"
_LOCKED: Final = "Too many failed login attempts. Please try again later."


@dataclass(frozen=True, slots=True)
class ThrottleRule:
    """How many attempts are too many, and what follows."""

    quota: Quota
    #: How long a count is kept: from its last attempt or, when there is no lock, from its first.
    retention: timedelta
    #: How long the attempt that fills the quota locks; without, until the count is forgotten.
    lockout: timedelta | None = None

    def increment(self, count: AttemptCount, now: datetime) -> AttemptCount:
        """Return *count* with one attempt more; raise `TooManyRequests` while it is locked.

        An attempt that is refused changes nothing: it does not prolong the lock.
        """
        attempts, locked_until, forget_at = count.attempts, count.locked_until, count.forget_at
        if forget_at <= now or (locked_until is not None and locked_until <= now):
            attempts, forget_at = 0, now + self.retention
        elif locked_until is not None:
            wait = math.ceil((locked_until - now).total_seconds())
            raise TooManyRequests(_LOCKED, max(1, wait), self.quota)
        attempts += 1
        if self.lockout is not None:
            forget_at = now + self.retention
        is_full = attempts >= self.quota.amount
        end = forget_at if self.lockout is None else now + self.lockout
        return AttemptCount(attempts, end if is_full else None, forget_at)

    def decrement(self, count: AttemptCount) -> AttemptCount:
        """Return *count* without one of its attempts, which was none of a guesser."""
        attempts = max(0, count.attempts - 1)
        is_full = attempts >= self.quota.amount
        return AttemptCount(attempts, count.locked_until if is_full else None, count.forget_at)


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """Where one attempt has been counted, so that a success can be forgiven there."""

    subject: bytes | None = None
    network: bytes | None = None
    #: The known device that it came from.
    device: str | None = None
    #: Set once a code has been tried as well.
    code: bytes | None = None


class LoginThrottle:
    """Counts attempts in *database*."""

    def __init__(
        self, database: Database, secret: str, per_account: int | None, per_network: int | None
    ) -> None:
        """Let so many attempts fail; None counts none, of all accounts or from one network."""
        self._database = database
        self._key = derive_key(secret, "login attempts")
        self._account_rule = self._device_rule = self._network_rule = None
        # Without this one, six digits would be no factor of their own: nothing switches it off.
        self._code_rule = ThrottleRule(_CODE_QUOTA, timedelta(seconds=_CODE_QUOTA.seconds))
        if per_account is not None:
            quota = Quota("failed-sign-ins", per_account, int(_LOCKOUT.total_seconds()))
            self._account_rule = ThrottleRule(quota, _RETENTION, _LOCKOUT)
            # Kept for as long as the cookie is good: a device that was locked stays unknown.
            self._device_rule = ThrottleRule(quota, LIFETIME, _LOCKOUT)
        if per_account is not None and per_network is not None:
            window = int(_NETWORK_WINDOW.total_seconds())
            quota = Quota("failed-sign-ins-from-one-network", per_network, window)
            self._network_rule = ThrottleRule(quota, _NETWORK_WINDOW)

    def register_failure(self, email: str, address: str | None, device: str | None) -> LoginAttempt:
        """Count an attempt to sign in as *email*, from *address* or by the person's *device*.

        Raises `TooManyRequests` when there were too many. All that is asked and answered is the
        same whether the account exists or not; only a known device says that it does.
        """
        now = datetime.now(UTC)
        if self._account_rule is None:
            return LoginAttempt()
        with self._database.transaction() as session:
            store = LoginAttemptStore(session)
            attempt = self._count_for_device(store, device, now) or self._count_for_account(
                store, self._account_rule, email, client_network(address), now
            )
            # Last, as it waits for nobody: two that count in one order never wait for each other.
            store.purge_expired(now)
        return attempt

    def register_wrong_code(
        self, attempt: LoginAttempt, user_id: int, *, is_signed_in: bool = False
    ) -> LoginAttempt:
        """Count, beside *attempt*, a code of the user's authenticator app.

        Raises `TooManyRequests` when there were too many in a day. Strangers, the person's known
        browsers, and whoever is signed in are counted apart: who has stolen the password alone
        locks the person out of neither of the others.
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
            store.put(subject, self._code_rule.increment(store.lock(subject, now), now))
        return replace(attempt, code=subject)

    def register_reauthentication(self, user_id: int) -> LoginAttempt:
        """Count an attempt of somebody who is signed in as the user to prove that they are.

        It stands alone: no stranger can keep people from changing their password, and a thief of
        a session cannot lock its person out. Raises `TooManyRequests` when there were too many.
        """
        if self._account_rule is None:
            return LoginAttempt()
        now = datetime.now(UTC)
        subject = self._subject("own password", str(user_id))
        with self._database.transaction() as session:
            store = LoginAttemptStore(session)
            store.put(subject, self._account_rule.increment(store.lock(subject, now), now))
            store.purge_expired(now)
        return LoginAttempt(subject)

    def reset(self, session: Session, attempt: LoginAttempt) -> None:
        """Forget what stood against the account or the device, after an attempt that succeeded.

        The network gets back this one attempt alone: whoever has an account must not buy guesses
        at others by it. Whoever also holds the user in *session* has done so before.
        """
        store = LoginAttemptStore(session)
        _decrement(store, self._network_rule, attempt.network)
        for subject in (attempt.subject, attempt.code):
            if subject is not None:
                store.clear(subject)

    def cancel(self, session: Session, attempt: LoginAttempt) -> None:
        """Take back this one attempt, which was no guess; whatever else was counted stays."""
        store = LoginAttemptStore(session)
        _decrement(store, self._network_rule, attempt.network)
        _decrement(
            store, self._device_rule if attempt.device else self._account_rule, attempt.subject
        )

    def reset_account(self, session: Session, email: str) -> None:
        """Forget what strangers did to the account, after its person got in by another way."""
        LoginAttemptStore(session).clear(self._subject("account", email))

    def reset_codes(self, session: Session, user_id: int) -> None:
        """Forget the wrong codes of the user, who has another second factor from now on."""
        for kind in (_CODE_UNKNOWN_DEVICE, _CODE_KNOWN_DEVICE, _CODE_SIGNED_IN):
            LoginAttemptStore(session).clear(self._subject(kind, str(user_id)))

    def _count_for_device(
        self, store: LoginAttemptStore, device: str | None, now: datetime
    ) -> LoginAttempt | None:
        """Count against *device*; return None when there is none that is still known."""
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
            store.put(
                network_subject, self._network_rule.increment(store.lock(network_subject, now), now)
            )
        subject = self._subject("account", email)
        store.put(subject, rule.increment(store.lock(subject, now), now))
        return LoginAttempt(subject, network_subject)

    def _subject(self, kind: str, name: str) -> bytes:
        return hmac.digest(self._key, f"{kind} {name}".encode(), "sha256")


def _decrement(store: LoginAttemptStore, rule: ThrottleRule | None, subject: bytes | None) -> None:
    if rule is not None and subject is not None:
        store.put(subject, rule.decrement(store.lock(subject, datetime.now(UTC))))
