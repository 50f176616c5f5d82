"""The outbox page: queued, sent and failed mails."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, make_response, request

from phoenix_web.errors import NotFound
from phoenix_web.global_ids import MAX_ID, parse_row_id
from phoenix_web.policy import Permission
from phoenix_web.store.mail.outbox import MailState, OutboxStore
from phoenix_web.ui import filters, htmx, links
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("mail", __name__, url_prefix="/settings/mail")
_PAGE_SIZE: Final = 50


@routes.get("")
@requires(Permission.MAIL_MANAGE)
def index() -> Response:
    """Show the mails, newest first, optionally in one state."""
    return _page()


@routes.post(f"/<int(max={MAX_ID}):mail_id>/retry")
@requires(Permission.MAIL_MANAGE)
def retry(mail_id: int) -> Response:
    """Queue a failed mail again."""
    with services().database.transaction() as session:
        is_found = OutboxStore(session).retry(mail_id, datetime.now(UTC))
    if not is_found:
        raise NotFound("This mail is not in the failed state. It may already be on its way.")
    if htmx.is_htmx():
        return _page(is_retried=True)
    return htmx.redirect(
        links.url_for("ui.mail.index", state=filters.choice("state", MailState), retried="yes")
    )


def _page(*, is_retried: bool = False) -> Response:
    state = filters.choice("state", MailState)
    cursor = parse_row_id(request.args.get("cursor"))
    with services().database.reading() as session:
        page = OutboxStore(session).page(_PAGE_SIZE, cursor, state)
    body = htmx.render(
        "settings/mail.html",
        "settings/_mails.html",
        mails=page.items,
        state=state,
        states=list(MailState),
        next_cursor=page.next_id,
        is_first=cursor is None,
        is_retried=is_retried or "retried" in request.args,
        sends=services().mail is not None,
    )
    return make_response(body, HTTPStatus.OK)
