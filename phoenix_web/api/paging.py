"""Query models and responses of paginated lists."""

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

#: Maximum rows of a page.
MAX_PAGE: Final = 1000
#: The contract's limit for cursors of datasets, lower than the limit for ids.
MAX_DATASET_CURSOR: Final = 2**31 - 1
#: `limit` of lists without a maximum in the contract. Larger values are reduced to `MAX_PAGE`; the
#: client follows the cursor to the remaining rows.
AnyLimit = Annotated[
    int, Field(gt=0, le=MAX_ID), AfterValidator(lambda limit: min(limit, MAX_PAGE))
]

Item = TypeVar("Item")


class CursorQuery(Payload):
    """The start of a page; by default the first row."""

    cursor: str = ""

    def first_id(
        self, kind: str, refusal: str = "Invalid cursor format", *, highest: int = MAX_ID
    ) -> int | None:
        """Return the id of the first row of the page, or None without a cursor.

        Raises `Invalid`, with a message that starts with *refusal*, unless the cursor is a GlobalID
        of *kind* with an id up to *highest*.
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
    """The page of a list; the bases are ordered so that `limit` is documented first."""


def respond_page(
    model: type[BaseModel], kind: str, page: Page[Item], to_payload: Callable[[Item], BaseModel]
) -> Response:
    """Respond with *page* as *model*; `next_cursor` is a GlobalID of *kind*."""
    data = [to_payload(item) for item in page.items]
    return respond(model(data=data, next_cursor=page.next_cursor(kind)))
