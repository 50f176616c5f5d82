"""Password hashing with argon2id, one hash at a time per process."""

from __future__ import annotations

import base64
import secrets
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from phoenix_web.auth.passwords import policy
from phoenix_web.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_web.auth.passwords.policy import Rating

#: The smallest memory cost that argon2 accepts.
_LEAST_KIB: Final = 8
#: How long a thread waits for the hashing slot, and how many threads may wait per process.
_MAX_WAIT_SECONDS: Final = 15
_MAX_WAITING: Final = 32
_CROWDED: Final = "Too many sign-ins at once. Try again."


class Passwords:
    """Password hasher that computes one hash at a time, so that sign-ins cannot exhaust memory."""

    def __init__(self, memory_kib: int, iterations: int, *, is_strong: bool = False) -> None:
        """Hash with *memory_kib* KiB and *iterations*; *is_strong* requires a mix of characters."""
        self._hasher = argon2.PasswordHasher(
            time_cost=iterations, memory_cost=memory_kib, parallelism=1
        )
        self._is_strong = is_strong
        self._slot = threading.RLock()
        self._queue = threading.BoundedSemaphore(_MAX_WAITING)
        self._dummy_hash = self._make_dummy_hash()

    @contextmanager
    def hashing_slot(self) -> Iterator[None]:
        """Reserve hashing for this thread; raise `Unavailable` when too many threads wait."""
        # The lock is reentrant: the thread that has the slot does not wait for it again.
        if not self._slot.acquire(blocking=False) and not self._wait_for_slot():
            raise Unavailable(_CROWDED, retry_after=5)
        try:
            yield
        finally:
            self._slot.release()

    def hash(self, password: str) -> str:
        """Return the argon2id hash of *password*; raise `Unavailable` as `hashing_slot` does."""
        with self.hashing_slot():
            return self._hasher.hash(password)

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Return whether *password* matches *password_hash*.

        A mismatch takes the same time without a hash or with a cheaper one, so that timing does not
        reveal which accounts exist.
        """
        with self.hashing_slot():
            compared = password_hash or self._dummy_hash
            try:
                self._hasher.verify(compared, password)
            except (VerificationError, InvalidHashError):
                self._equalize_cost(compared)
                return False
            return True

    def needs_rehash(self, password_hash: str) -> bool:
        """Return whether *password_hash* has other parameters than new hashes."""
        return self._hasher.check_needs_rehash(password_hash)

    def fault(self, password: str, *names: str) -> str | None:
        """Return why the policy rejects *password* for a user with *names*, or None."""
        return policy.fault(password, names, is_strong=self._is_strong)

    def rate(self, password: str, *names: str) -> Rating | None:
        """Return the strength of *password*, without hashing it, or None if it is empty."""
        return policy.rate(password, names, is_strong=self._is_strong)

    def generate(self) -> str:
        """Return a random password that satisfies the policy."""
        return f"Aa1!{secrets.token_urlsafe(18)}"

    def _wait_for_slot(self) -> bool:
        """Wait for the slot; return False if the queue is full or the wait is too long."""
        if not self._queue.acquire(blocking=False):
            return False
        try:
            return self._slot.acquire(timeout=_MAX_WAIT_SECONDS)
        finally:
            self._queue.release()

    def _equalize_cost(self, password_hash: str) -> None:
        """Make up for the lower cost of *password_hash* with another hash.

        A user who has not signed in since the cost was raised has a cheaper hash; a faster mismatch
        would reveal that the account exists.
        """
        try:
            parameters = argon2.extract_parameters(password_hash)
        except InvalidHashError:
            cost = 0
        else:
            cost = parameters.time_cost * parameters.memory_cost
        passes = self._hasher.time_cost
        missing_kib = self._hasher.memory_cost - cost // passes
        if missing_kib >= _LEAST_KIB:
            argon2.PasswordHasher(passes, missing_kib, parallelism=1).hash("")

    def _make_dummy_hash(self) -> str:
        """Return a random hash with the current parameters, without computing one."""
        parameters = f"m={self._hasher.memory_cost},t={self._hasher.time_cost},p=1"
        salt, digest = (
            base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
            for size in (self._hasher.salt_len, self._hasher.hash_len)
        )
        return f"$argon2id$v=19${parameters}${salt}${digest}"
