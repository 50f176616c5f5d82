"""Audit events: the action, its actor and subject, and the entry that is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: Longer texts are cut to this many characters, because clients choose user agents and names.
MAX_LENGTH: Final = 256
_MAX_DETAIL: Final = 16 * 1024


class AuditAction(StrEnum):
    """A recorded action, named `noun.past_participle`."""

    SESSION_OPENED = "session.opened"
    SESSION_ENDED = "session.ended"
    SESSION_ALL_ENDED = "session.all_ended"
    #: A refresh token was replayed, which ended its session.
    SESSION_REPLAYED = "session.replayed"
    LOGIN_FAILED = "login.failed"
    #: The password was correct; the second factor is still required.
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
    """The result of an action."""

    SUCCESS = "success"
    REFUSED = "refused"


# Credential kinds of an actor, besides those of `policy.CredentialKind`.
PASSWORD: Final = "password"  # noqa: S105 - a word, not a secret
PASSWORD_LINK: Final = "password link"  # noqa: S105 - words, not a secret
REFRESH_TOKEN: Final = "refresh token"  # noqa: S105 - a word, not a secret
COMMAND_LINE: Final = "command line"
#: The server itself, which creates accounts at start-up and removes entries by retention.
SERVER: Final = "server"


@dataclass(frozen=True, slots=True)
class Actor:
    """The user, credential, address and user agent of an action; None where unknown."""

    user_id: int | None = None
    #: The current username or, for commands, the name of the operating system's user.
    name: str | None = None
    credential_kind: str | None = None
    #: The id of the key or session.
    credential_id: int | None = None
    address: str | None = None
    agent: str | None = None

    def as_user(
        self, user_id: int, name: str, credential_kind: str, credential_id: int | None = None
    ) -> Actor:
        """Return a copy with the user and credential, and the same address and user agent."""
        return replace(
            self,
            user_id=user_id,
            name=name,
            credential_kind=credential_kind,
            credential_id=credential_id,
        )


SERVER_ACTOR: Final = Actor(name="phoenix_web", credential_kind=SERVER)


@dataclass(frozen=True, slots=True)
class Subject:
    """The object of an action, with its name at that time."""

    #: The type in its GlobalID.
    kind: str
    id: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Event:
    """An action to record in the audit log."""

    action: AuditAction
    actor: Actor
    subject: Subject
    #: The reason for a refusal; None on success.
    refusal: str | None = None
    #: Further values: small, JSON-compatible, without secrets.
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_entry(self, number: int, at: datetime, key_id: str) -> AuditEntry:
        """Return the entry with *number* for this event, with texts redacted and cut."""
        actor = self.actor
        detail = json.dumps(_redact_values(self.detail), sort_keys=True, separators=(",", ":"))
        if len(detail) > _MAX_DETAIL:
            detail = '{"cut":true}'
        return AuditEntry(
            number=number,
            at=at,
            action=self.action.value,
            outcome=(Outcome.REFUSED if self.refusal else Outcome.SUCCESS).value,
            reason=_sanitize(self.refusal),
            actor_id=actor.user_id,
            actor_name=_sanitize(actor.name),
            credential_kind=actor.credential_kind,
            credential_id=actor.credential_id,
            address=_sanitize(actor.address),
            agent=_sanitize(actor.agent),
            subject_kind=self.subject.kind,
            subject_id=self.subject.id,
            subject_label=_sanitize(self.subject.label) or "",
            detail=detail,
            key_id=key_id,
        )


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A stored entry of the audit log."""

    #: Consecutive from 1; retention removes the lowest.
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
    #: A JSON object as text, because its MAC covers every character.
    detail: str
    #: The `chain.Key.id` of the key for `mac`.
    key_id: str
    mac: bytes = b""


def _sanitize(text: str | None) -> str | None:
    """Return *text* redacted, printable and cut to `MAX_LENGTH`, or None if nothing is left."""
    if text is None:
        return None
    printable = "".join(character for character in redact(text) if character.isprintable())
    return printable[:MAX_LENGTH].strip() or None


def _redact_values(value: Any) -> Any:
    """Return the JSON-compatible *value* with every string redacted."""
    if isinstance(value, dict):
        return {name: _redact_values(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_redact_values(inner) for inner in value]
    return redact(value) if isinstance(value, str) else value
