"""Open sessions as the pages list them: one's own, and a user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from phoenix_web.auth.sign_in.devices import describe_user_agent
from phoenix_web.global_ids import MAX_ID
from phoenix_web.store.accounts.sessions import SessionInfo, SessionStore
from phoenix_web.web.guard import current_principal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: Sessions that a page shows; only a program that never signs out has more.
_SHOWN: Final = 50
#: Where a session of the page is ended; a number that fits no id column is no address.
END_PATH: Final = f"/sessions/<int(max={MAX_ID}):session_id>/end"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as a row of the list."""

    session: SessionInfo
    device: str
    #: Whether the page itself was asked for by this session.
    is_current: bool


@dataclass(frozen=True, slots=True)
class SessionList:
    """The newest sessions of a user, and whether there are more."""

    rows: list[SessionRow]
    has_more: bool


def listed(session: Session, user_id: int) -> SessionList:
    """Return the user's sessions, newest first, within the unit of work *session*."""
    page = SessionStore(session).page(user_id, _SHOWN)
    own = current_principal().session_id
    rows = [
        SessionRow(one, describe_user_agent(one.user_agent), one.id == own) for one in page.items
    ]
    return SessionList(rows, page.next_id is not None)
