"""Which lines of the audit log an address asks for."""

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

#: The fields of the form, and what a link in a line adds to it.
FIELDS: Final = ("who", "action", "outcome", "from", "to")
LINKS: Final = ("actor", "subject")
_DAY: Final = timedelta(days=1)
_NO_DAY: Final = "Enter a date in the format YYYY-MM-DD, for example 2030-12-31."
_NO_CHOICE: Final = "Choose an option from the list."

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """What was asked for."""

    #: The form as it goes back to the page.
    form: Submission[Any]
    #: None when the form has a fault.
    filters: AuditFilters | None
    #: What an address needs to ask for the same lines again.
    query: dict[str, str]
    #: Whom the lines are limited to, when they still exist.
    actor: UserInfo | None


def search(session: Session) -> AuditSearch:
    """Return what this request asks for; raise `NotFound` when it comes by a broken link."""
    told = {name: request.args.get(name, "").strip() for name in (*FIELDS, *LINKS)}
    query = {name: text for name, text in told.items() if text}
    faults: dict[str, str] = {}
    users = UserStore(session)
    actor_id = _linked(told["actor"], ("User",))
    actor = users.find(actor_id[1]) if actor_id else None
    if told["who"]:
        actor = users.find_by_email(told["who"]) or users.find_by_username(told["who"])
        if actor is None:
            faults["who"] = "No user has this name or e-mail address."
        query.pop("actor", None)
    action = _chosen(AuditAction, "action", told, faults)
    outcome = _chosen(Outcome, "outcome", told, faults)
    since = _day("from", told, faults)
    last = _day("to", told, faults)
    subject = _linked(told["subject"], SUBJECT_KINDS)
    filters = AuditFilters(
        action=action,
        outcome=outcome,
        actor_id=actor.id if actor else actor_id and actor_id[1],
        subject=subject,
        since=since,
        until=last and last + _DAY,
    )
    values = {name: told[name] for name in FIELDS}
    return AuditSearch(Submission(values, faults), None if faults else filters, query, actor)


def _linked(text: str, kinds: tuple[str, ...]) -> tuple[str, int] | None:
    named = decode(text) if text else None
    if text and (named is None or named[0] not in kinds):
        raise NotFound("These events do not exist.")
    return named


def _chosen(
    kind: type[Choice], name: str, told: dict[str, str], faults: dict[str, str]
) -> Choice | None:
    try:
        return kind(told[name]) if told[name] else None
    except ValueError:
        faults[name] = _NO_CHOICE
        return None


def _day(name: str, told: dict[str, str], faults: dict[str, str]) -> datetime | None:
    """Return the first moment of the day in the field *name*, in UTC."""
    try:
        day = date.fromisoformat(told[name]) if told[name] else None
    except ValueError:
        faults[name] = _NO_DAY
        return None
    if day is not None and day > date.max - _DAY:
        faults[name] = "Choose an earlier date."
        return None
    return None if day is None else datetime.combine(day, time(tzinfo=UTC))
