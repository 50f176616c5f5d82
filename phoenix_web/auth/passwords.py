"""Passwords: argon2id, and what makes a password acceptable (NIST SP 800-63B, section 3.1.1)."""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from phoenix_web.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 128
_SPECIAL: Final = "!@#$%^&*()_+"
#: How long a sign-in waits for its turn to hash, and how many wait in one process at most.
_TURN_SECONDS: Final = 15
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
        self._turn = threading.RLock()
        self._waiting = 0
        self._nobody: str | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Let one thread hash, as often as it likes; raise `Unavailable` when too many wait."""
        if self._waiting >= _MAX_WAITING:
            raise Unavailable(_CROWDED, retry_after=5)
        self._waiting += 1
        try:
            if not self._turn.acquire(timeout=_TURN_SECONDS):
                raise Unavailable(_CROWDED, retry_after=5)
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()

    def hash(self, password: str) -> str:
        """Return the argon2id hash of *password*; raise `Unavailable` when too many wait."""
        with self.turn():
            return self._hasher.hash(password)

    def matches(self, password: str, password_hash: str | None) -> bool:
        """Tell whether *password* is the one behind *password_hash*.

        With no hash the answer is no, at the same cost, so that time names no account.
        """
        with self.turn():
            if self._nobody is None:
                self._nobody = self._hasher.hash(secrets.token_hex())
            try:
                self._hasher.verify(password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
            return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether *password_hash* was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def fault(self, password: str, *names: str) -> str | None:
        """Return why *password* is not acceptable for whoever goes by *names*, or None."""
        if len(password) < MIN_LENGTH:
            return f"Password must be at least {MIN_LENGTH} characters long"
        if len(password) > MAX_LENGTH:
            return f"Password must be at most {MAX_LENGTH} characters long"
        if password.casefold() in {name.casefold() for name in names}:
            return "Password must not be the name or the e-mail address"
        return self._strong_fault(password) if self._is_strong else None

    def random(self) -> str:
        """Return a password that satisfies every policy."""
        return f"Aa1!{secrets.token_urlsafe(18)}"

    def _strong_fault(self, password: str) -> str | None:
        missing = [
            what
            for what, is_there in (
                ("one digit", any(character.isdigit() for character in password)),
                ("one uppercase letter", any(character.isupper() for character in password)),
                ("one lowercase letter", any(character.islower() for character in password)),
                ("one special character", any(character in _SPECIAL for character in password)),
            )
            if not is_there
        ]
        if not missing:
            return None
        return f"Password must contain at least {', at least '.join(missing)}"
