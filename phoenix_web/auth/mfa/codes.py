"""Taking a code: each is good once, whichever of the two kinds it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.events import AuditAction, Event
from phoenix_web.auth.account_events import user_subject
from phoenix_web.auth.mfa import recovery_codes, totp
from phoenix_web.errors import WrongCode
from phoenix_web.store.accounts.mfa import MfaStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.store.accounts.users import UserInfo

#: What a code was, as the audit log says it.
AUTHENTICATOR_APP: Final = "authenticator app"
RECOVERY_CODE: Final = "recovery code"


def is_of_app(code: str) -> bool:
    """Tell whether *code* has the form that apps make, which alone is short enough to guess."""
    typed = _typed(code)
    return len(typed) == totp.DIGITS and typed.isascii() and typed.isdecimal()


def consume(session: Session, user: UserInfo, code: str, actor: Actor) -> str | None:
    """Spend *code* in the unit of work *session*, and return what it was.

    Whoever has no second factor needs no code, so for them it is None. Raises `WrongCode` alike for
    a code that is wrong, too old, or spent; the reason in the log says which.
    """
    store = MfaStore(session)
    factor = store.find(user.id)
    if factor is None:
        return None
    typed = _typed(code)
    if is_of_app(code):
        step = totp.matching_step(factor.totp_secret, typed, datetime.now(UTC))
        if step is None:
            raise WrongCode(f"wrong code for user {user.id}")
        if not store.consume_step(user.id, step):
            raise WrongCode(f"spent code for user {user.id}")
        return AUTHENTICATOR_APP
    if not store.consume_recovery_code(user.id, recovery_codes.digest(user.id, typed)):
        raise WrongCode(f"wrong or spent recovery code for user {user.id}")
    left = store.count_recovery_codes(user.id)
    subject = user_subject(user)
    record(
        session, Event(AuditAction.MFA_RECOVERY_CODE_USED, actor, subject, detail={"left": left})
    )
    return RECOVERY_CODE


def _typed(code: str) -> str:
    return code.replace(" ", "")
