"""Codes of the second factor: one-time passwords of an authenticator app, and recovery codes.

An app shows six digits, new every 30 seconds, computed with HMAC-SHA-1 (RFC 6238): the only
variant that all apps support. A recovery code replaces the app once: 24 characters in four groups,
from an alphabet without lookalikes. They carry 120 random bits, so a fast hash is enough to store
them (OWASP ASVS 5.0, 6.5.2). Each code of either kind can be used once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.events import AuditAction, Event
from phoenix_web.auth.account_events import user_subject
from phoenix_web.errors import WrongCode
from phoenix_web.store.accounts.mfa import MfaStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    import pyotp
    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.store.accounts.users import UserInfo

#: The kinds of codes, as the audit log names them.
AUTHENTICATOR_APP: Final = "authenticator app"
RECOVERY_CODE: Final = "recovery code"

_DIGITS: Final = 6
_SECONDS: Final = 30
#: The number of steps that a clock may be off, either way (RFC 6238 section 5.2).
_DRIFT: Final = 1

#: Recovery codes in one set.
_COUNT: Final = 10
#: Crockford's base32, in lower case.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUPS: Final = 4
_GROUP_LENGTH: Final = 6
#: Corrections of characters that users misread or add.
_MISTAKEN: Final = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})


def consume(session: Session, user: UserInfo, code: str, actor: Actor) -> str | None:
    """Consume *code* and return its kind, or None for a user without a second factor.

    Raises `WrongCode` alike for a wrong, expired or used code; the reason in the log differs.
    """
    store = MfaStore(session)
    factor = store.find(user.id)
    if factor is None:
        return None
    if is_app_code(code):
        step = matching_step(factor.totp_secret, code)
        if step is None:
            raise WrongCode(f"wrong code for user {user.id}")
        if not store.consume_step(user.id, step):
            raise WrongCode(f"used code for user {user.id}")
        return AUTHENTICATOR_APP
    if not store.consume_recovery_code(user.id, recovery_code_digest(user.id, code)):
        raise WrongCode(f"wrong or used recovery code for user {user.id}")
    remaining = store.count_recovery_codes(user.id)
    subject = user_subject(user)
    record(
        session,
        Event(AuditAction.MFA_RECOVERY_CODE_USED, actor, subject, detail={"left": remaining}),
    )
    return RECOVERY_CODE


def is_app_code(code: str) -> bool:
    """Return whether *code* is six digits. Recovery codes are too long to guess."""
    typed = _without_spaces(code)
    return len(typed) == _DIGITS and typed.isascii() and typed.isdecimal()


def make_totp_secret() -> str:
    """Return 160 random bits in base32, the length that RFC 4226 section 4 recommends."""
    import pyotp  # noqa: PLC0415 - most processes never need it

    return pyotp.random_base32(32)


def totp_uri(secret: str, account: str, issuer: str) -> str:
    """Return the `otpauth://` URI for the QR code that apps scan."""
    return _totp(secret).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(secret: str, code: str) -> int | None:
    """Return the newest time step within the drift that has *code*, or None."""
    totp = _totp(secret)
    typed = _without_spaces(code).encode()
    current = int(datetime.now(UTC).timestamp()) // _SECONDS
    steps = range(current + _DRIFT, current - _DRIFT - 1, -1)
    # All steps are compared, so that timing does not reveal which one matches.
    matching = [
        step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), typed)
    ]
    return matching[0] if matching else None


def make_recovery_codes() -> list[str]:
    """Return a new set of recovery codes, formatted for display."""
    return [_recovery_code() for _ in range(_COUNT)]


def recovery_code_digest(user_id: int, code: str) -> bytes:
    """Return the SHA-256 digest that the user's recovery code is stored and looked up by."""
    normalized = code.lower().translate(_MISTAKEN)
    return hashlib.sha256(f"recovery code {user_id} {normalized}".encode()).digest()


def _recovery_code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP_LENGTH))
    starts = range(0, len(letters), _GROUP_LENGTH)
    return "-".join(letters[start : start + _GROUP_LENGTH] for start in starts)


def _totp(secret: str) -> pyotp.TOTP:
    import pyotp  # noqa: PLC0415 - most processes never need it

    return pyotp.TOTP(secret)


def _without_spaces(code: str) -> str:
    return code.replace(" ", "")
