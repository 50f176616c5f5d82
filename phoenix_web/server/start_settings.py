"""The audit event for settings that changed since the last start of a server."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from phoenix_web.audit.events import SERVER_ACTOR, AuditAction, Event, Subject
from phoenix_web.store.audit.log import record
from phoenix_web.store.audit.reading import AuditFilters, AuditStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.settings import Settings

#: Settings that may differ between the hosts of one database.
_HOST_SETTINGS: Final = frozenset({"working_dir", "host", "port", "workers", "threads"})
_MAX_VALUE_LENGTH: Final = 200


def record_settings(session: Session, settings: Settings) -> None:
    """Record the settings that differ from their defaults, if the last start had others."""
    values = settings_as_dict(settings)
    newest = AuditStore(session).page(AuditFilters(action=AuditAction.SETTINGS_CHANGED), 1).items
    before = json.loads(newest[0].detail).get("settings", {}) if newest else {}
    changed = sorted(name for name in {*values, *before} if values.get(name) != before.get(name))
    if changed:
        subject = Subject("Settings", None, ", ".join(changed))
        event = Event(
            AuditAction.SETTINGS_CHANGED, SERVER_ACTOR, subject, detail={"settings": values}
        )
        record(session, event)


def settings_as_dict(settings: Settings) -> dict[str, str]:
    """Return the settings that differ from their defaults, with secrets and long values masked.

    A secret is shown as `set`, and a long value by its SHA-256 digest.
    """
    values = {}
    for name in sorted(settings.model_fields_set - _HOST_SETTINGS):
        value = getattr(settings, name)
        if value != type(settings).model_fields[name].default:
            text = "set" if isinstance(value, SecretStr) else str(value)
            is_short = len(text) <= _MAX_VALUE_LENGTH
            values[name] = text if is_short else sha256(text.encode()).hexdigest()
    return values
