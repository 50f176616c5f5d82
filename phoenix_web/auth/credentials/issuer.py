"""Issuing and revoking API keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_web.audit.events import AuditAction, Event
from phoenix_web.auth import account_rules
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


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its text, which is shown once and never stored."""

    key: KeyInfo
    text: str


def issue_key(  # noqa: PLR0913 - one argument for each field of a key
    session: Session,
    owner: UserInfo,
    name: str,
    *,
    actor: Actor,
    description: str | None = None,
    expires_at: datetime | None = None,
    form_nonce: str | None = None,
) -> IssuedKey:
    """Create a key for *owner* and return it with its text.

    Raises `Invalid` for a name, description or expiry against the `account_rules`, and
    `FormAlreadyUsed` if a key with *form_nonce* exists.
    """
    text = key_text.generate(
        key_text.SYSTEM_KEY if owner.role is Role.SYSTEM else key_text.USER_KEY
    )
    key = KeyStore(session).add(
        user_id=owner.id,
        name=account_rules.key_name(name),
        description=account_rules.key_description(description or "") or None,
        digest=key_text.digest(text),
        hint=key_text.hint(text),
        expires_at=account_rules.key_expiry(expires_at) if expires_at else None,
        form_nonce=form_nonce,
    )
    record(session, key_issued(key, owner, actor))
    return IssuedKey(key, text)


def revoke_key(session: Session, key: KeyInfo, *, actor: Actor) -> None:
    """Revoke *key*; records no event if it has been revoked before."""
    if KeyStore(session).revoke(key.id):
        record(session, Event(AuditAction.KEY_REVOKED, actor, key_subject(key)))
