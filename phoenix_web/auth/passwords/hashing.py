"""Passwords: argon2id, one hash at a time in each process."""

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

#: The least memory that argon2 takes.
_LEAST_KIB: Final = 8
#: How long a sign-in waits for its turn to hash, and how many wait in one process at most.
_MAX_WAIT_SECONDS: Final = 15
_MAX_WAITING: Final = 32
_CROWDED: Final = "Too many sign-ins at once. Try again."


class Passwords:
    """Hashes and checks passwords, one at a time: a storm of sign-ins cannot fill the memory."""

    def __init__(self, memory_kib: int, iterations: int, *, is_strong: bool = False) -> None:
        """Cost *memory_kib* KiB and *iterations* passes a hash; *is_strong* asks for a mix."""
        self._hasher = argon2.PasswordHasher(
            time_cost=iterations, memory_cost=memory_kib, parallelism=1
        )
        self._is_strong = is_strong
        self._slot = threading.RLock()
        self._queue = threading.BoundedSemaphore(_MAX_WAITING)
        self._dummy_hash = self._make_dummy_hash()

    @contextmanager
    def hashing_slot(self) -> Iterator[None]:
        """Let one thread hash, as often as it needs; raise `Unavailable` when too many wait."""
        # The thread whose turn it is does not queue again.
        if not self._slot.acquire(blocking=False) and not self._wait_for_slot():
            raise Unavailable(_CROWDED, retry_after=5)
        try:
            yield
        finally:
            self._slot.release()

    def hash(self, password: str) -> str:
        """Return the argon2id hash of *password*; raise `Unavailable` when too many wait."""
        with self.hashing_slot():
            return self._hasher.hash(password)

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Tell whether *password* is the one behind *password_hash*.

        With no hash, or an older one, a no costs the same, so that time names no account.
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
        """Tell whether *password_hash* was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def fault(self, password: str, *names: str) -> str | None:
        """Return why *password* is not acceptable for whoever goes by *names*, or None."""
        return policy.fault(password, names, is_strong=self._is_strong)

    def rate(self, password: str, *names: str) -> Rating | None:
        """Return how strong *password* is, at the cost of no hash, or None for none."""
        return policy.rate(password, names, is_strong=self._is_strong)

    def generate(self) -> str:
        """Return a password that satisfies every policy."""
        return f"Aa1!{secrets.token_urlsafe(18)}"

    def _wait_for_slot(self) -> bool:
        """Return whether this thread got its turn: the queue was not full, and moved in time."""
        if not self._queue.acquire(blocking=False):
            return False
        try:
            return self._slot.acquire(timeout=_MAX_WAIT_SECONDS)
        finally:
            self._queue.release()

    def _equalize_cost(self, password_hash: str) -> None:
        """Spend what a comparison with *password_hash* cost less than one of today's does.

        Whoever has not signed in since the cost was raised has an older hash: without this, its
        quicker refusal would tell that the account exists.
        """
        try:
            parameters = argon2.extract_parameters(password_hash)
        except InvalidHashError:
            spent = 0
        else:
            spent = parameters.time_cost * parameters.memory_cost
        passes = self._hasher.time_cost
        lacking_kib = self._hasher.memory_cost - spent // passes
        if lacking_kib >= _LEAST_KIB:
            argon2.PasswordHasher(passes, lacking_kib, parallelism=1).hash("")

    def _make_dummy_hash(self) -> str:
        """Return a hash of today's cost that no password matches; making it costs nothing."""
        parameters = f"m={self._hasher.memory_cost},t={self._hasher.time_cost},p=1"
        salt, digest = (
            base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
            for size in (self._hasher.salt_len, self._hasher.hash_len)
        )
        return f"$argon2id$v=19${parameters}${salt}${digest}"
