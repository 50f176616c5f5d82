"""Access tokens: JWTs (RFC 7519) in the form of RFC 9068, signed with HS256."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import jwt

from phoenix_web.errors import ExpiredCredential, InvalidCredential
from phoenix_web.global_ids import MAX_ID
from phoenix_web.policy import Role

if TYPE_CHECKING:
    from phoenix_web.store.accounts.users import UserInfo

#: The media type of access tokens (RFC 9068 section 2.1), which no other JWT has.
_TYPE: Final = "at+jwt"
_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "phoenix-web"
_CLAIMS: Final = ("iss", "aud", "sub", "sid", "role", "iat", "exp", "jti")
#: Longer than any token that this server signs; a longer text is rejected without decoding.
_MAX_LENGTH: Final = 2048
#: PyJWT also raises built-in errors when a header or a claim has an unexpected JSON type.
_DECODE_ERRORS: Final = (jwt.PyJWTError, TypeError, ValueError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a valid access token. The verifier checks them against the store."""

    user_id: int
    session_id: int
    role: Role
    token_id: str


class AccessTokens:
    """Signer and decoder of access tokens."""

    def __init__(self, secret: str, issuer: str, lifetime: timedelta) -> None:
        """Sign with a key derived from *secret*; *lifetime* is the longest of a token."""
        self._key = derive_key(secret, "access token")
        self._issuer = issuer
        self.lifetime = lifetime
        self._jwt = jwt.PyJWT({"enforce_minimum_key_length": True})

    def sign(self, user: UserInfo, session_id: int, token_id: str, lifetime: timedelta) -> str:
        """Return an access token for *user* in the session *session_id*, valid for *lifetime*."""
        now = datetime.now(UTC)
        claims = {
            "iss": self._issuer,
            "aud": _AUDIENCE,
            "sub": str(user.id),
            "sid": session_id,
            "role": user.role.value,
            "iat": now,
            "exp": now + lifetime,
            "jti": token_id,
        }
        return self._jwt.encode(claims, self._key, _ALGORITHM, headers={"typ": _TYPE})

    def decode(self, text: str, *, allow_expired: bool = False) -> Claims:
        """Return the claims of an access token; *allow_expired* accepts an expired one.

        Raises `ExpiredCredential` for an expired token, `InvalidCredential` for any other.
        """
        if len(text) > _MAX_LENGTH:
            raise InvalidCredential("token too long")
        try:
            token = self._jwt.decode_complete(
                text,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=self._issuer,
                options={"require": list(_CLAIMS), "verify_exp": not allow_expired},
            )
        except jwt.ExpiredSignatureError as error:
            raise ExpiredCredential("access token expired") from error
        except _DECODE_ERRORS as error:
            raise InvalidCredential(f"access token refused: {type(error).__name__}") from error
        return _claims(token["header"], token["payload"])


def new_token_id() -> str:
    """Return a new `jti` claim of 128 random bits."""
    return secrets.token_urlsafe(16)


def derive_key(secret: str, purpose: str) -> bytes:
    """Return a 32-byte key derived from *secret*, different for each *purpose*."""
    return hmac.digest(secret.encode(), f"phoenix-web {purpose} v1".encode(), "sha256")


def _claims(header: dict[str, object], payload: dict[str, object]) -> Claims:
    subject, session_id, token_id = payload["sub"], payload["sid"], payload["jti"]
    role = payload["role"]
    if (
        header.get("typ") != _TYPE
        or not (isinstance(subject, str) and subject.isdecimal() and subject.isascii())
        # bool is a subclass of int, so isinstance would accept `true`.
        or not (type(session_id) is int and 0 < session_id <= MAX_ID)
        or not isinstance(token_id, str)
        or not (isinstance(role, str) and role in Role.__members__)
    ):
        raise InvalidCredential("access token of another kind")
    return Claims(int(subject), session_id, Role(role), token_id)
