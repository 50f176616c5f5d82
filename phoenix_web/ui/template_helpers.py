"""Filters, functions and variables of templates: URLs, times and the caller."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from flask import g

from phoenix_web.policy import Permission
from phoenix_web.ui import links
from phoenix_web.web import static_files
from phoenix_web.web.guard import lacks_second_factor
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Flask

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
#: Name, length and threshold of each unit. Days are used up to 99, because a key created for 90
#: days expires "in 90 days", not "in 3 months".
_UNITS: Final = (
    ("year", 365 * _DAY, 364.5 * _DAY),
    ("month", 30 * _DAY, 99.5 * _DAY),
    ("day", _DAY, 23.5 * _HOUR),
    ("hour", _HOUR, 59.5 * _MINUTE),
    ("minute", _MINUTE, _MINUTE),
)
_HTMX: Final = "vendor/htmx-4.0.1/htmx.min.js"


def register(app: Flask) -> None:
    """Register the helpers with the templates of *app*."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["ago"] = ago
    app.jinja_env.filters["exact"] = exact
    app.jinja_env.filters["when"] = when
    app.jinja_env.globals.update(
        # Flask's own `url_for` does not add the path that a proxy strips.
        url_for=links.url_for,
        static_url=links.static_url,
        integrity=static_files.integrity,
        HTMX=_HTMX,
        Permission=Permission,
        lacks_second_factor=lacks_second_factor,
    )
    app.context_processor(_caller)


def ago(moment: datetime) -> str:
    """Return the distance of *moment* from now in words: `3 minutes ago`, `in 2 days`."""
    distance = moment - datetime.now(UTC)
    length = abs(distance)
    for name, unit, threshold in _UNITS:
        if length >= threshold:
            # Rounded to the nearest: 89 days and 23 hours are 90 days.
            count = round(length / unit)
            words = f"{count} {name}{'s' if count > 1 else ''}"
            return f"in {words}" if distance > timedelta(0) else f"{words} ago"
    return "in less than a minute" if distance > timedelta(0) else "just now"


def when(moment: datetime) -> str:
    """Return the date of *moment* in UTC with its distance, or only the distance within a day."""
    distance = ago(moment)
    if abs(moment - datetime.now(UTC)) < _DAY:
        return distance
    day = moment.astimezone(UTC)
    return f"{day.day} {day:%b %Y}, {distance}"


def exact(moment: datetime) -> str:
    """Return *moment* to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _caller() -> dict[str, Any]:
    # Public pages and early error pages have no principal.
    return {"principal": g.get("principal"), "has_mail": services().mail is not None}
