"""The lists that the API answers page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from pydantic import AfterValidator, Field

from phoenix_web.api.identifiers import require_id
from phoenix_web.api.payloads import Payload, respond
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import MAX_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response
    from pydantic import BaseModel

    from phoenix_web.store.paging import Page

#: Rows of the longest page.
MAX_PAGE: Final = 1000
#: The contract's bound for the cursors of datasets, below the one for ids.
MAX_DATASET_CURSOR: Final = 2**31 - 1
#: The limit of a list for which the contract has no maximum: a longer page is cut to `MAX_PAGE`,
#: and its next cursor leads to the rest.
AnyLimit = Annotated[
    int, Field(gt=0, le=MAX_ID), AfterValidator(lambda limit: min(limit, MAX_PAGE))
]

Item = TypeVar("Item")


class CursorQuery(Payload):
    """Where a page begins; by default with the first row."""

    cursor: str = ""

    def first_id(
        self, kind: str, refusal: str = "Invalid cursor format", *, highest: int = MAX_ID
    ) -> int | None:
        """Return the id of the page's first row, of *kind*, or None without a cursor.

        Raises `Invalid`, beginning with *refusal*, for a cursor that is not a GlobalID of *kind* or
        names a row above *highest*.
        """
        if not self.cursor:
            return None
        number = require_id(kind, self.cursor, refusal)
        if number > highest:
            raise Invalid(f"{refusal}: {self.cursor}")
        return number


class _LimitQuery(Payload):
    limit: int = Field(100, gt=0, le=MAX_PAGE)


class PageQuery(CursorQuery, _LimitQuery):
    """Which page of a list; the description of the API names `limit` first."""


def respond_page(
    model: type[BaseModel], kind: str, page: Page[Item], to_payload: Callable[[Item], BaseModel]
) -> Response:
    """Answer *page* as *model*, whose fields are `data` and `next_cursor`, a GlobalID of *kind*."""
    data = [to_payload(item) for item in page.items]
    return respond(model(data=data, next_cursor=page.next_cursor(kind)))
