"""Audit entries as JSON, for API responses and exports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.audit.events import REFRESH_TOKEN
from phoenix_web.global_ids import encode
from phoenix_web.policy import CredentialKind

if TYPE_CHECKING:
    from phoenix_web.audit.events import AuditEntry

KIND: Final = "AuditEvent"
#: The subject types that have an id.
SUBJECT_KINDS: Final = ("User", "UserApiKey", "SystemApiKey", "UserSession")
_CREDENTIALS: Final = {
    CredentialKind.SESSION: "UserSession",
    REFRESH_TOKEN: "UserSession",
    CredentialKind.USER_KEY: "UserApiKey",
    CredentialKind.SYSTEM_KEY: "SystemApiKey",
}


def to_payload(entry: AuditEntry) -> dict[str, Any]:
    """Return *entry* as a JSON object, with None for unknown values."""
    return {
        "id": encode(KIND, entry.number),
        "number": entry.number,
        "occurred_at": entry.at.isoformat(),
        "action": entry.action,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "actor": {"id": _id("User", entry.actor_id), "name": entry.actor_name},
        "credential": {
            "kind": entry.credential_kind,
            "id": _id(_CREDENTIALS.get(entry.credential_kind or "", ""), entry.credential_id),
        },
        "address": entry.address,
        "user_agent": entry.agent,
        "subject": {
            "type": entry.subject_kind,
            "id": _id(entry.subject_kind, entry.subject_id),
            "label": entry.subject_label,
        },
        "detail": json.loads(entry.detail),
        "key_id": entry.key_id,
        "mac": entry.mac.hex(),
    }


def _id(kind: str, number: int | None) -> str | None:
    return encode(kind, number) if kind and number is not None else None
