"""The lists that the API answers page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from phoenix_web.api.payloads import respond
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import MAX_ID, number_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response
    from pydantic import BaseModel

    from phoenix_web.store.paging import Page

Item = TypeVar("Item")


def cursor_in(text: str, kind: str, highest: int = MAX_ID) -> int | None:
    """Return the number of the first row that the cursor *text* asks for, or None without one.

    Raises `Invalid` when it is no GlobalID of *kind*, or its number is above *highest*.
    """
    if not text:
        return None
    number = number_of(kind, text)
    if number is None or number > highest:
        raise Invalid(f"Invalid cursor format: {text}")
    return number


def respond_page(
    model: type[BaseModel], kind: str, page: Page[Item], to_payload: Callable[[Item], BaseModel]
) -> Response:
    """Answer *page* as *model*, whose fields are `data` and `next_cursor`, a GlobalID of *kind*."""
    data = [to_payload(item) for item in page.items]
    return respond(model(data=data, next_cursor=page.next_cursor(kind)))
