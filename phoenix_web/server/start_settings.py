"""What a start of the server was told, and its event in the audit log when that has changed."""

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

#: Settings that may well differ between the hosts of one database.
_OF_A_HOST: Final = frozenset({"working_dir", "host", "port", "workers", "threads"})
_SHORT: Final = 200


def record_settings(session: Session, settings: Settings) -> None:
    """Record the settings that are not the default's, unless the last start had the same."""
    told = settings_as_dict(settings)
    newest = AuditStore(session).page(AuditFilters(action=AuditAction.SETTINGS_CHANGED), 1).items
    before = json.loads(newest[0].detail).get("settings", {}) if newest else {}
    changed = sorted(name for name in {*told, *before} if told.get(name) != before.get(name))
    if changed:
        subject = Subject("Settings", None, ", ".join(changed))
        event = Event(
            AuditAction.SETTINGS_CHANGED, SERVER_ACTOR, subject, detail={"settings": told}
        )
        record(session, event)


def settings_as_dict(settings: Settings) -> dict[str, str]:
    """Return what was set; of a secret, that it is, and of a long value, its digest."""
    told = {}
    for name in sorted(settings.model_fields_set - _OF_A_HOST):
        value = getattr(settings, name)
        if value != type(settings).model_fields[name].default:
            text = "set" if isinstance(value, SecretStr) else str(value)
            told[name] = text if len(text) <= _SHORT else sha256(text.encode()).hexdigest()
    return told
