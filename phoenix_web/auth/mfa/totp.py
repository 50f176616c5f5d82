"""Time-based one-time passwords (RFC 6238), as every authenticator app makes them.

Six digits, new every 30 seconds, by HMAC-SHA-1: apps read no other form reliably. pyotp is imported
on use: most processes never need it.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

DIGITS: Final = 6
SECONDS: Final = 30
#: So many steps a clock may be off, either way (RFC 6238 section 5.2).
_DRIFT: Final = 1


def new_secret() -> str:
    """Return 160 random bits in base32, the length that RFC 4226 section 4 asks for."""
    import pyotp  # noqa: PLC0415 - see above

    return pyotp.random_base32(32)


def uri(secret: str, account: str, issuer: str) -> str:
    """Return the `otpauth://` address that a QR code brings to an app."""
    import pyotp  # noqa: PLC0415 - see above

    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the newest time step around *now* whose code is *code*, or None."""
    import pyotp  # noqa: PLC0415 - see above

    made = pyotp.TOTP(secret)
    current = int(now.timestamp()) // SECONDS
    steps = range(current + _DRIFT, current - _DRIFT - 1, -1)
    # Each is compared, so that the time tells nothing of the clock's drift.
    matching = [
        step
        for step in steps
        if hmac.compare_digest(made.generate_otp(step).encode(), code.encode())
    ]
    return matching[0] if matching else None
