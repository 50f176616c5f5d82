"""The current password, from somebody who is signed in and wants to change how they sign in."""

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

WRONG: Final = "Invalid email and/or password"


@dataclass(frozen=True, slots=True)
class ReauthenticationProof:
    """That the password of a moment ago was right."""

    user: UserInfo
    attempt: LoginAttempt
    password_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """Asks for the current password; who finds an open session does not know it."""

    database: Database
    passwords: Passwords
    throttle: LoginThrottle

    def reauthenticate(self, user: UserInfo, current: str) -> ReauthenticationProof:
        """Return the proof that *current* is the user's password.

        Raises `InvalidCredential` when it is not, `TooManyRequests` when it was not too often, and
        `Unavailable` as for a sign-in.
        """
        with self.passwords.hashing_slot():
            attempt = self.throttle.register_reauthentication(user.id)
            with self.database.reading() as session:
                password_hash = UserStore(session).password_hash(user.id)
            if not self.passwords.verify(current, password_hash):
                raise InvalidCredential(f"wrong current password of user {user.id}", WRONG)
        return ReauthenticationProof(user, attempt, password_hash)

    def confirm(self, session: Session, proof: ReauthenticationProof) -> None:
        """Keep what *proof* says true until the unit of work *session* ends, and forgive.

        Raises `InvalidCredential` when the password has been changed, or the user deactivated or
        deleted, since it was looked at.
        """
        if UserStore(session).lock(proof.user.id) != proof.password_hash:
            raise InvalidCredential(f"user {proof.user.id} changed meanwhile", WRONG)
        self.throttle.reset(session, proof.attempt)
