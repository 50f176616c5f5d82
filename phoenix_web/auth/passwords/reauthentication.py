"""Reauthentication: a signed-in user re-enters their password before changing how they sign in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from phoenix_web.errors import InvalidCredential
from phoenix_web.store.accounts.users import UserStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.auth.passwords.hashing import Passwords
    from phoenix_web.auth.sign_in.throttling import LoginAttempt, LoginThrottle
    from phoenix_web.store.accounts.users import UserInfo
    from phoenix_web.store.database import Database

WRONG_LOGIN: Final = "Invalid email and/or password"


@dataclass(frozen=True, slots=True)
class ReauthenticationProof:
    """A correct current password, with the hash that it was verified against."""

    user: UserInfo
    attempt: LoginAttempt
    password_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """Verification of the current password, which the thief of a session does not know."""

    database: Database
    passwords: Passwords
    throttle: LoginThrottle

    def reauthenticate(self, user: UserInfo, current: str) -> ReauthenticationProof:
        """Verify *current* as the user's password and return the proof.

        Raises `InvalidCredential` for a wrong password, `TooManyRequests` after too many, and
        `Unavailable` when too many sign-ins are waiting. Opens its own transactions.
        """
        with self.passwords.hashing_slot():
            attempt = self.throttle.register_reauthentication(user.id)
            with self.database.reading() as session:
                password_hash = UserStore(session).password_hash(user.id)
            if not self.passwords.verify(current, password_hash):
                raise InvalidCredential(f"wrong current password of user {user.id}", WRONG_LOGIN)
        return ReauthenticationProof(user, attempt, password_hash)

    def confirm(self, session: Session, proof: ReauthenticationProof) -> None:
        """Lock the user and reset the count of failures; raises as `lock_unchanged` does."""
        lock_unchanged(session, proof.user, proof.password_hash)
        self.throttle.reset(session, proof.attempt)


def lock_unchanged(session: Session, user: UserInfo, password_hash: str | None) -> None:
    """Lock the user; raise `InvalidCredential` unless they still have *password_hash*.

    Another request may have changed the password, or deactivated or deleted the user, while the
    password was verified.
    """
    if UserStore(session).lock(user.id) != password_hash:
        raise InvalidCredential(f"user {user.id} changed in the meantime", WRONG_LOGIN)
