"""Filters of the audit log page, from the query of the URL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flask import request

from phoenix_web.audit.events import AuditAction, Outcome
from phoenix_web.audit.payloads import SUBJECT_KINDS
from phoenix_web.errors import NotFound
from phoenix_web.global_ids import decode
from phoenix_web.store.accounts.users import UserInfo, UserStore
from phoenix_web.store.audit.reading import AuditFilters
from phoenix_web.ui.forms import Submission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: The fields of the form, and the query parameters that links in rows set.
FIELDS: Final = ("who", "action", "outcome", "from", "to")
LINKS: Final = ("actor", "subject")
_DAY: Final = timedelta(days=1)
_NO_DAY: Final = "Enter a date in the format YYYY-MM-DD, for example 2030-12-31."
_NO_CHOICE: Final = "Choose an option from the list."

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """A search of the audit log."""

    #: The form with its values and faults.
    form: Submission[Any]
    #: None if the form has a fault.
    filters: AuditFilters | None
    #: The query of a URL with the same filters.
    query: dict[str, str]
    #: The user whose actions are shown, unless deleted.
    actor: UserInfo | None


def search(session: Session) -> AuditSearch:
    """Return the search of this request; raise `NotFound` for an invalid link."""
    values = {name: request.args.get(name, "").strip() for name in (*FIELDS, *LINKS)}
    query = {name: text for name, text in values.items() if text}
    faults: dict[str, str] = {}
    users = UserStore(session)
    actor_id = _referenced(values["actor"], ("User",))
    actor = users.find(actor_id[1]) if actor_id else None
    if values["who"]:
        actor = users.find_by_email(values["who"]) or users.find_by_username(values["who"])
        if actor is None:
            faults["who"] = "No user has this name or e-mail address."
        query.pop("actor", None)
    action = _choice(AuditAction, "action", values, faults)
    outcome = _choice(Outcome, "outcome", values, faults)
    since = _day("from", values, faults)
    last = _day("to", values, faults)
    subject = _referenced(values["subject"], SUBJECT_KINDS)
    filters = AuditFilters(
        action=action,
        outcome=outcome,
        actor_id=actor.id if actor else actor_id and actor_id[1],
        subject=subject,
        since=since,
        until=last and last + _DAY,
    )
    form: Submission[Any] = Submission({name: values[name] for name in FIELDS}, faults)
    return AuditSearch(form, None if faults else filters, query, actor)


def _referenced(text: str, kinds: tuple[str, ...]) -> tuple[str, int] | None:
    reference = decode(text) if text else None
    if text and (reference is None or reference[0] not in kinds):
        raise NotFound("These events do not exist.")
    return reference


def _choice(
    kind: type[Choice], name: str, values: dict[str, str], faults: dict[str, str]
) -> Choice | None:
    try:
        return kind(values[name]) if values[name] else None
    except ValueError:
        faults[name] = _NO_CHOICE
        return None


def _day(name: str, values: dict[str, str], faults: dict[str, str]) -> datetime | None:
    """Return the start of the day in the field *name*, in UTC."""
    try:
        day = date.fromisoformat(values[name]) if values[name] else None
    except ValueError:
        faults[name] = _NO_DAY
        return None
    if day is not None and day > date.max - _DAY:
        faults[name] = "Choose an earlier date."
        return None
    return None if day is None else datetime.combine(day, time(tzinfo=UTC))
