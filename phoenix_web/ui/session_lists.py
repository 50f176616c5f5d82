"""Lists of active sessions on the profile page and on the page of a user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from phoenix_web.auth.sign_in.devices import describe_user_agent
from phoenix_web.global_ids import MAX_ID
from phoenix_web.store.accounts.sessions import SessionInfo, SessionStore
from phoenix_web.web.guard import current_principal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: The maximum number of sessions on a page. Only programs that never sign out have more.
_SHOWN: Final = 50
#: The path to end a session. The converter rejects numbers that exceed an id column.
END_PATH: Final = f"/sessions/<int(max={MAX_ID}):session_id>/end"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as a row of the list."""

    session: SessionInfo
    device: str
    #: Whether it is the session of this request.
    is_current: bool


@dataclass(frozen=True, slots=True)
class SessionList:
    """The newest sessions of a user, and whether there are more."""

    rows: list[SessionRow]
    has_more: bool


def listed(session: Session, user_id: int) -> SessionList:
    """Return the user's sessions, newest first."""
    page = SessionStore(session).page(user_id, _SHOWN)
    current = current_principal().session_id
    rows = [
        SessionRow(one, describe_user_agent(one.user_agent), one.id == current)
        for one in page.items
    ]
    return SessionList(rows, page.next_id is not None)
