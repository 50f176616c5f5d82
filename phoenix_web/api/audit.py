"""`/v1/audit_events`: the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import AfterValidator, Field

from phoenix_web.api.declaring import declares
from phoenix_web.api.identifiers import require_id
from phoenix_web.api.paging import PageQuery, respond_page
from phoenix_web.api.payloads import Payload
from phoenix_web.audit.events import AuditAction, AuditEntry, Outcome
from phoenix_web.audit.payloads import KIND, SUBJECT_KINDS, to_payload
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import decode
from phoenix_web.policy import Permission
from phoenix_web.store.audit.reading import AuditFilters, AuditStore
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

routes = Blueprint("audit", __name__, url_prefix="/v1")


def _in_utc(value: datetime) -> datetime:
    try:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError("The time is out of range") from None


_UTCDateTime = Annotated[datetime, AfterValidator(_in_utc)]


class AuditActor(Payload):
    """The actor: a user with the name at that time, or another name without an id."""

    id: str | None
    name: str | None


class AuditCredential(Payload):
    """The kind and id of the credential, never its text."""

    kind: str | None
    id: str | None


class AuditSubject(Payload):
    """The subject of the event, with its name at that time."""

    type: str
    id: str | None
    label: str


class AuditEvent(Payload):
    """An event of the audit log."""

    id: str
    number: Annotated[int, Field(description="Position in the log, from 1 without gaps")]
    occurred_at: str
    action: str
    outcome: str
    reason: Annotated[str | None, Field(description="Why the action failed")]
    actor: AuditActor
    credential: AuditCredential
    address: str | None
    user_agent: str | None
    subject: AuditSubject
    detail: dict[str, Any]
    key_id: Annotated[str, Field(description="Id of the key that computed the MAC")]
    mac: Annotated[str, Field(description="With the number, the head of the log at that time")]


class AuditEventsResponse(Payload):
    """A page of events, newest first; `next_cursor` is the first event of the next page."""

    data: list[AuditEvent]
    next_cursor: str | None


class _FilterQuery(Payload):
    action: AuditAction | None = None
    outcome: Outcome | None = None
    actor: Annotated[str, Field(description="Id of a user")] = ""
    subject: Annotated[str, Field(description="Id of a user, key or session")] = ""
    since: Annotated[_UTCDateTime | None, Field(alias="from")] = None
    until: Annotated[_UTCDateTime | None, Field(alias="to", description="Exclusive")] = None


class AuditEventsQuery(PageQuery, _FilterQuery):
    """Filters of audit events, and the page."""


@routes.get("/audit_events")
@requires(Permission.AUDIT_READ)
@declares(AuditEventsResponse)
def list_audit_events(query: AuditEventsQuery) -> Response:
    """List audit events."""
    filters = AuditFilters(
        action=query.action,
        outcome=query.outcome,
        actor_id=require_id("User", query.actor) if query.actor else None,
        subject=_subject(query.subject),
        since=query.since,
        until=query.until,
    )
    cursor = query.first_id(KIND)
    with services().database.reading() as session:
        page = AuditStore(session).page(filters, query.limit, cursor)
    return respond_page(AuditEventsResponse, KIND, page, _to_event)


def _to_event(entry: AuditEntry) -> AuditEvent:
    return AuditEvent.model_validate(to_payload(entry))


def _subject(global_id: str) -> tuple[str, int] | None:
    subject = decode(global_id) if global_id else None
    if global_id and (subject is None or subject[0] not in SUBJECT_KINDS):
        raise Invalid(f"Invalid subject GlobalID format: {global_id}")
    return subject
