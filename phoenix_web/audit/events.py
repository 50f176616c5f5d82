"""What an event of the audit log says: who did what to what, by which credential, from where."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: Characters that are kept of each text, so that no caller can swell the log.
MAX_LENGTH: Final = 256
_MAX_DETAIL: Final = 16 * 1024


class AuditAction(StrEnum):
    """What was done; the grammar is `noun.what_happened`."""

    SESSION_OPENED = "session.opened"
    SESSION_ENDED = "session.ended"
    #: By signing out everywhere.
    SESSION_ALL_ENDED = "session.all_ended"
    #: A spent refresh token was shown again, which has ended its session.
    SESSION_REPLAYED = "session.replayed"
    LOGIN_FAILED = "login.failed"
    #: The password was right, and a code of the second factor is to come.
    LOGIN_CODE_ASKED = "login.code_asked"
    USER_CREATED = "user.created"
    USER_RENAMED = "user.renamed"
    USER_ROLE_CHANGED = "user.role_changed"
    USER_PASSWORD_CHANGED = "user.password_changed"  # noqa: S105 - a name, not a secret
    USER_DEACTIVATED = "user.deactivated"
    USER_REACTIVATED = "user.reactivated"
    USER_DELETED = "user.deleted"
    PASSWORD_LINK_ISSUED = "password_link.issued"  # noqa: S105 - a name, not a secret
    PASSWORD_LINK_REDEEMED = "password_link.redeemed"  # noqa: S105 - a name, not a secret
    MFA_ENROLLED = "mfa.enrolled"
    MFA_REMOVED = "mfa.removed"
    MFA_RECOVERY_CODE_USED = "mfa.recovery_code_used"
    MFA_RECOVERY_CODES_RENEWED = "mfa.recovery_codes_renewed"
    KEY_ISSUED = "key.issued"
    KEY_FIRST_USED = "key.first_used"
    KEY_REVOKED = "key.revoked"
    SETTINGS_CHANGED = "settings.changed"
    AUDIT_PRUNED = "audit.pruned"


class Outcome(StrEnum):
    """How it ended."""

    SUCCESS = "success"
    REFUSED = "refused"


#: By what somebody is known who comes with no credential of `policy.CredentialKind`.
PASSWORD: Final = "password"  # noqa: S105 - a word, not a secret
PASSWORD_LINK: Final = "password link"  # noqa: S105 - words, not a secret
REFRESH_TOKEN: Final = "refresh token"  # noqa: S105 - a word, not a secret
COMMAND_LINE: Final = "command line"
#: The server itself: what a start makes, and what retention removes.
SERVER: Final = "server"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, by which credential, from where; None for what is not known."""

    user_id: int | None = None
    #: The user as they are called now, or whoever the operating system says runs the command.
    name: str | None = None
    credential_kind: str | None = None
    #: The id of the key or of the session; never its text.
    credential_id: int | None = None
    address: str | None = None
    agent: str | None = None

    def as_user(
        self, user_id: int, name: str, credential_kind: str, credential_id: int | None = None
    ) -> Actor:
        """Return the same place with the user who has turned out to be there."""
        return replace(
            self,
            user_id=user_id,
            name=name,
            credential_kind=credential_kind,
            credential_id=credential_id,
        )


#: Nobody has asked for it.
SERVER_ACTOR: Final = Actor(name="phoenix_web", credential_kind=SERVER)


@dataclass(frozen=True, slots=True)
class Subject:
    """What something was done to, as it was called then."""

    #: The type of its GlobalID.
    kind: str
    id: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is done, on its way into the log."""

    action: AuditAction
    actor: Actor
    subject: Subject
    #: Why it was refused; None when it was not.
    refusal: str | None = None
    #: What else there is to say: small, JSON, and without secrets.
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_entry(self, number: int, at: datetime, key_id: str) -> AuditEntry:
        """Return the line that the log gets as its *number*."""
        told = self.actor
        detail = json.dumps(_clean(self.detail), sort_keys=True, separators=(",", ":"))
        if len(detail) > _MAX_DETAIL:
            detail = '{"cut":true}'
        return AuditEntry(
            number=number,
            at=at,
            action=self.action.value,
            outcome=(Outcome.REFUSED if self.refusal else Outcome.SUCCESS).value,
            reason=_kept(self.refusal),
            actor_id=told.user_id,
            actor_name=_kept(told.name),
            credential_kind=told.credential_kind,
            credential_id=told.credential_id,
            address=_kept(told.address),
            agent=_kept(told.agent),
            subject_kind=self.subject.kind,
            subject_id=self.subject.id,
            subject_label=_kept(self.subject.label) or "",
            detail=detail,
            key_id=key_id,
        )


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line of the log, as it is stored."""

    #: They run without a gap from 1; retention removes the first ones.
    number: int
    at: datetime
    action: str
    outcome: str
    reason: str | None
    actor_id: int | None
    actor_name: str | None
    credential_kind: str | None
    credential_id: int | None
    address: str | None
    agent: str | None
    subject_kind: str
    subject_id: int | None
    subject_label: str
    #: A JSON object, as text: the chain covers every character of it.
    detail: str
    #: Which key `mac` was made with.
    key_id: str
    mac: bytes = b""


def _kept(text: str | None) -> str | None:
    """Return the beginning of *text*, without secrets and without what cannot be shown or stored.

    Anybody can send anything as a user agent or a name. Nothing left is None.
    """
    if text is None:
        return None
    shown = "".join(character for character in redact(text) if character.isprintable())
    return shown[:MAX_LENGTH].strip() or None


def _clean(value: Any) -> Any:
    """Return *value*, which can be JSON, without secrets."""
    if isinstance(value, dict):
        return {name: _clean(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return redact(value) if isinstance(value, str) else value
