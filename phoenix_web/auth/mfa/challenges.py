"""Challenges: signed proof of a correct password, between the two steps of a sign-in."""

from __future__ import annotations

import base64
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from phoenix_web.auth.credentials.access_tokens import derive_key
from phoenix_web.errors import ExpiredCredential, InvalidCredential

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo

#: Long enough to find the phone.
LIFETIME: Final = timedelta(minutes=10)
_SIGN_IN_AGAIN: Final = "Sign in again."


class Challenges:
    """Issuer and verifier of challenges, which the form of the second step carries.

    A challenge contains the user id and a MAC of the password hash, so any change of the password
    invalidates it. It replaces the password only: without a code it gives no access.
    """

    def __init__(self, secret: str) -> None:
        """Sign with keys derived from *secret*."""
        self._key = derive_key(secret, "sign-in challenge proof")
        self._serializer = URLSafeTimedSerializer(
            derive_key(secret, "sign-in challenge"), salt="sign-in-challenge"
        )

    def issue(self, user: UserInfo, password_hash: str) -> str:
        """Return a challenge for *user*, who has entered the correct password."""
        proof = password_proof(self._key, user.id, password_hash)
        return str(self._serializer.dumps([user.id, proof]))

    def read_user_id(self, challenge: str) -> int:
        """Return the id of the user that *challenge* was issued for.

        Raises `ExpiredCredential` for an expired challenge, `InvalidCredential` for a forged one.
        """
        return self._read(challenge)[0]

    def verify(self, challenge: str, user: UserInfo, password_hash: str) -> None:
        """Raise `InvalidCredential` unless *challenge* is for *user* with this password hash."""
        user_id, proof = self._read(challenge)
        expected = password_proof(self._key, user.id, password_hash)
        if user_id != user.id or not hmac.compare_digest(proof, expected):
            raise InvalidCredential(f"user {user_id} has changed their password", _SIGN_IN_AGAIN)

    def _read(self, challenge: str) -> tuple[int, str]:
        try:
            user_id, proof = self._serializer.loads(
                challenge, max_age=int(LIFETIME.total_seconds())
            )
        except SignatureExpired:
            raise ExpiredCredential("sign-in challenge expired", _SIGN_IN_AGAIN) from None
        except BadData:
            raise InvalidCredential("sign-in challenge forged", _SIGN_IN_AGAIN) from None
        return user_id, proof


def password_proof(key: bytes, user_id: int, password_hash: str) -> str:
    """Return a MAC of the user id and the password hash, in base64."""
    digest = hmac.digest(key, f"{user_id} {password_hash}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode()
