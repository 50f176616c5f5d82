"""The one maker of API keys, and the one who ends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.events import AuditAction, Event
from phoenix_web.auth.account_events import key_issued, key_subject
from phoenix_web.auth.credentials import key_text
from phoenix_web.policy import Role
from phoenix_web.store.accounts.keys import KeyInfo, KeyStore
from phoenix_web.store.audit.log import record

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from phoenix_web.audit.events import Actor
    from phoenix_web.store.accounts.users import UserInfo


#: Characters of what people say of a key, on a page and by the API alike.
MAX_NAME_LENGTH: Final = 256
MAX_DESCRIPTION_LENGTH: Final = 4096


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its text, which is shown once and stored nowhere."""

    key: KeyInfo
    text: str


def issue_key(  # noqa: PLR0913 - one argument for each thing that a caller may choose
    session: Session,
    owner: UserInfo,
    name: str,
    *,
    actor: Actor,
    description: str | None = None,
    expires_at: datetime | None = None,
    form_nonce: str | None = None,
) -> IssuedKey:
    """Make a key that acts for *owner*, as asked for *actor* somebody; return it with its text.

    Raises `Conflict` when *form_nonce* names a form that has made its key already.
    """
    text = key_text.mint(key_text.SYSTEM_KEY if owner.role is Role.SYSTEM else key_text.USER_KEY)
    key = KeyStore(session).add(
        user_id=owner.id,
        name=name,
        description=description or None,
        digest=key_text.digest(text),
        hint=key_text.hint(text),
        expires_at=expires_at,
        form_nonce=form_nonce,
    )
    record(session, key_issued(key, owner, actor))
    return IssuedKey(key, text)


def revoke_key(session: Session, key: KeyInfo, *, actor: Actor) -> None:
    """End *key* for good, as asked for *actor* somebody."""
    # Of two who revoke it at once, one has done it.
    if KeyStore(session).revoke(key.id):
        record(session, Event(AuditAction.KEY_REVOKED, actor, key_subject(key)))
