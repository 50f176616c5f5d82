"""The list of users."""

from __future__ import annotations

from typing import Final

from flask import render_template, request

from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.accounts.user_lists import UserListStore
from phoenix_web.ui import filters
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

_PAGE_SIZE: Final = 25


@requires(Permission.USER_WRITE)
def index() -> str:
    """Show a page of users, optionally those with `search` in their name or address."""
    search = filters.search_text("search")
    cursor = filters.optional_id("cursor", "User", "This page of users does not exist.")
    with services().database.reading() as session:
        page = UserListStore(session).page(_PAGE_SIZE, cursor, contains=search or None)
    return render_template(
        "settings/users/list.html",
        rows=[(encode("User", listed.user.id), listed) for listed in page.items],
        next_cursor=page.next_cursor("User"),
        is_first=cursor is None,
        search=search,
        is_deleted="deleted" in request.args,
    )
