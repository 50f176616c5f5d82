"""What stands between the two steps of a sign-in: the password was right, the code is to come."""

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

#: Long enough to find a telephone.
LIFETIME: Final = timedelta(minutes=10)
_AGAIN: Final = "Sign in again."


class Challenges:
    """Writes and reads challenges: a signed text, which the form of the second step carries.

    It says for whom the right password was given, and with which password hash: another password,
    by whatever road, ends it. It stands for the password and for nothing more, so it opens nothing
    without a code.
    """

    def __init__(self, secret: str) -> None:
        """Sign by keys that are derived from *secret* for this one purpose."""
        self._key = derive_key(secret, "sign-in challenge proof")
        self._serializer = URLSafeTimedSerializer(
            derive_key(secret, "sign-in challenge"), salt="sign-in-challenge"
        )

    def issue(self, user: UserInfo, password_hash: str) -> str:
        """Return a challenge for *user*, whose password was right."""
        proof = password_proof(self._key, user.id, password_hash)
        return str(self._serializer.dumps([user.id, proof]))

    def read_user_id(self, challenge: str) -> int:
        """Return for whom *challenge* was issued.

        Raises `ExpiredCredential` for one that is too old, `InvalidCredential` for no challenge.
        """
        return self._read(challenge)[0]

    def verify(self, challenge: str, user: UserInfo, password_hash: str) -> None:
        """Raise `InvalidCredential` unless *challenge* is for *user* with this password hash."""
        user_id, proof = self._read(challenge)
        expected = password_proof(self._key, user.id, password_hash)
        if user_id != user.id or not hmac.compare_digest(proof, expected):
            raise InvalidCredential(f"user {user_id} has another password by now", _AGAIN)

    def _read(self, challenge: str) -> tuple[int, str]:
        try:
            user_id, proof = self._serializer.loads(
                challenge, max_age=int(LIFETIME.total_seconds())
            )
        except SignatureExpired:
            raise ExpiredCredential("sign-in challenge expired", _AGAIN) from None
        except BadData:
            raise InvalidCredential("no sign-in challenge", _AGAIN) from None
        return user_id, proof


def password_proof(key: bytes, user_id: int, password_hash: str) -> str:
    """Return what says that *password_hash* is the user's, and nothing of it without *key*."""
    digest = hmac.digest(key, f"{user_id} {password_hash}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode()
