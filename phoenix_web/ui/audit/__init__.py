"""The audit log page for administrators, and its export."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, make_response, render_template

from phoenix_web.audit.events import AuditEntry, Outcome
from phoenix_web.audit.payloads import KIND, SUBJECT_KINDS, to_payload
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.audit.reading import AuditStore, batches
from phoenix_web.store.paging import Page
from phoenix_web.ui.audit import words
from phoenix_web.ui.audit.filters import search
from phoenix_web.ui.filters import optional_id
from phoenix_web.ui.template_helpers import exact
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services
from phoenix_web.web.streams import stream_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response

    from phoenix_web.ui.audit.filters import AuditSearch

routes = Blueprint("audit", __name__, url_prefix="/settings/audit")
_PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class EventRow:
    """An entry as a row of the page."""

    entry: AuditEntry
    title: str
    #: The kind of the subject, and the GlobalID that filters by it.
    subject_word: str
    subject_link: str | None
    actor_link: str | None
    #: The credential and the address, as far as they are known.
    origin: str
    #: Names and values that the opened row shows.
    facts: list[tuple[str, str]]

    @property
    def is_refused(self) -> bool:
        """Return whether the action was refused."""
        return self.entry.outcome == Outcome.REFUSED


@routes.get("")
@requires(Permission.AUDIT_READ)
def index() -> Response:
    """Show a page of the log, filtered by the form or by a link."""
    cursor = optional_id("cursor", KIND, "This page of events does not exist.")
    page: Page[AuditEntry] = Page([])
    with services().database.reading() as session:
        found = search(session)
        if found.filters is not None:
            page = AuditStore(session).page(found.filters, _PAGE_SIZE, cursor)
    body = render_template(
        "settings/audit.html",
        lines=[_row(entry) for entry in page.items],
        form=found.form,
        query=found.query,
        groups=words.GROUPS,
        only=_link_filters(found, page.items),
        next_cursor=page.next_cursor(KIND),
        is_first=cursor is None,
    )
    is_wrong = found.filters is None
    return make_response(body, HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK)


@routes.get("/export")
@requires(Permission.AUDIT_READ)
def export() -> Response:
    """Return the filtered events as JSON Lines, oldest first."""
    database = services().database
    with database.reading() as session:
        found = search(session)
    if found.filters is None:
        raise Invalid(next(iter(found.form.faults.values())))
    name = f"audit-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.jsonl"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    parts = (_json_lines(batch) for batch in batches(database, found.filters))
    return stream_response(parts, "application/x-ndjson", headers)


def _json_lines(entries: list[AuditEntry]) -> str:
    return "".join(json.dumps(to_payload(entry), ensure_ascii=False) + "\n" for entry in entries)


def _link_filters(found: AuditSearch, entries: list[AuditEntry]) -> list[tuple[str, str]]:
    """Return the filters by link, each as *(name, description)*."""
    first = entries[0] if entries else None
    filters = []
    if "actor" in found.query:
        name = found.actor.username if found.actor else first and first.actor_name
        filters.append(("actor", f"by {name or 'a deleted user'}"))
    if "subject" in found.query:
        filters.append(
            ("subject", f"about {_describe_subject(first)}" if first else "about one item")
        )
    return filters


def _describe_subject(entry: AuditEntry) -> str:
    return f"{words.subject_word(entry.subject_kind)} {entry.subject_label}".strip()


def _row(entry: AuditEntry) -> EventRow:
    is_refused = entry.outcome == Outcome.REFUSED
    kind, number = entry.subject_kind, entry.subject_id
    has_link = kind in SUBJECT_KINDS and number is not None
    return EventRow(
        entry,
        words.title(entry.action, is_refused=is_refused),
        words.subject_word(kind) if has_link else "",
        encode(kind, number) if has_link and number is not None else None,
        None if entry.actor_id is None else encode("User", entry.actor_id),
        words.origin(entry.credential_kind, entry.address),
        list(_facts(entry)),
    )


def _facts(entry: AuditEntry) -> Iterator[tuple[str, str]]:
    payload = to_payload(entry)
    yield "Event", f"{entry.number}, {entry.action}"
    yield "Time", exact(entry.at)
    for name, text in (
        ("Credential", " ".join(filter(None, payload["credential"].values()))),
        ("User agent", entry.agent),
        ("Id", payload["subject"]["id"]),
    ):
        if text:
            yield name, text
    for name, value in payload["detail"].items():
        yield name.replace("_", " ").capitalize(), _text(value)
    yield "MAC", payload["mac"]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
