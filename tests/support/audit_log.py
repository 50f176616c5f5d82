"""The audit log as a test reads it: what was written since the test last looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_web.audit.verification import verify_chain
from phoenix_web.store.audit.reading import AuditStore
from phoenix_web.web.services import audit_log
from tests.factories import services_of

if TYPE_CHECKING:
    from flask import Flask

    from phoenix_web.audit.events import AuditEntry


@dataclass
class Watch:
    """Reads the log of an application."""

    app: Flask
    _seen: int = 0

    def __post_init__(self) -> None:
        self.new()

    def new(self) -> list[AuditEntry]:
        """Return the lines that have come since the last time."""
        with services_of(self.app).database.reading() as session:
            lines = [line for line in AuditStore(session).all() if line.number > self._seen]
        self._seen = lines[-1].number if lines else self._seen
        return lines

    def one(self) -> AuditEntry:
        """Return the one line that has come; fail when there are more, or none."""
        lines = self.new()
        assert len(lines) == 1, [line.action for line in lines]
        return lines[0]

    def prove(self) -> None:
        """Fail unless every line is as it was written."""
        services = services_of(self.app)
        key = audit_log(services.settings).key
        with services.database.snapshot() as session:
            store = AuditStore(session)
            bounds = store.bounds()
            assert bounds is not None
            verify_chain(store.all(), *bounds, {key.id: key})


def by(line: AuditEntry) -> tuple[str | None, str | None, int | None]:
    """Return who has done it: the name, and the kind and the id of the credential."""
    return line.actor_name, line.credential_kind, line.credential_id


def what(line: AuditEntry) -> tuple[str, str, str, str]:
    """Return what was done: the action, the outcome, and to what."""
    return line.action, line.outcome, line.subject_kind, line.subject_label
