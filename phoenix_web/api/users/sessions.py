"""`/v1/user/sessions` and `/v1/users/{id}/sessions`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final

from flask import Blueprint, Response
from pydantic import Field

from phoenix_web.api.declaring import declares
from phoenix_web.api.identifiers import require_id
from phoenix_web.api.paging import PageQuery, respond_page
from phoenix_web.api.payloads import Payload, Timestamp, is_absent, no_content
from phoenix_web.auth.sign_in.devices import describe_user_agent
from phoenix_web.auth.sign_in.sessions import end_session, end_sessions
from phoenix_web.errors import NotFound, UserNotFound
from phoenix_web.global_ids import encode
from phoenix_web.policy import Permission
from phoenix_web.store.accounts.sessions import SessionStore
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.web import cookies
from phoenix_web.web.guard import (
    current_actor,
    current_principal,
    requires,
    signed_in_user,
    uses_cookie_auth,
)
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from phoenix_web.store.accounts.sessions import SessionInfo
    from phoenix_web.store.accounts.users import UserInfo

routes = Blueprint("sessions", __name__, url_prefix="/v1")

_KIND: Final = "UserSession"
_MISSING: Final = "Session not found"
_ERRORS: Final = [HTTPStatus.UNPROCESSABLE_ENTITY]


class UserSession(Payload):
    """An active session."""

    id: str
    created_at: Timestamp
    last_seen_at: Annotated[Timestamp, Field(description="Time of the last token renewal")]
    expires_at: Annotated[Timestamp, Field(description="Expiry time, unless renewed earlier")]
    device: Annotated[str, Field(description="Browser and operating system")]
    user_agent: str | None = Field(None, exclude_if=is_absent)
    address: str | None = Field(None, exclude_if=is_absent)
    is_current: Annotated[bool, Field(description="Whether this request uses the session")]


class UserSessionsResponse(Payload):
    """A page of sessions, newest first; `next_cursor` is the first session of the next page."""

    data: list[UserSession]
    next_cursor: str | None


@routes.get("/user/sessions")
@requires(Permission.ACCOUNT_MANAGE)
@declares(UserSessionsResponse)
def list_own_sessions(query: PageQuery) -> Response:
    """List the caller's sessions."""
    with services().database.reading() as session:
        return _page(session, current_principal().user_id, query)


@routes.delete("/user/sessions/<session_id>")
@requires(Permission.ACCOUNT_MANAGE)
@declares(errors=_ERRORS)
def end_own_session(session_id: str) -> Response:
    """End one of the caller's sessions.

    The current session can be ended, too. Sessions of other users give 404.
    """
    principal = current_principal()
    number = require_id(_KIND, session_id)
    with services().database.transaction() as session:
        _end(session, signed_in_user(), number)
    response = no_content()
    if number == principal.credential_id and uses_cookie_auth():
        cookies.clear_session_cookies(response)
    return response


@routes.get("/users/<user_id>/sessions")
@requires(Permission.SESSION_READ_ALL)
@declares(UserSessionsResponse, errors=_ERRORS)
def list_sessions_of_user(user_id: str, query: PageQuery) -> Response:
    """List a user's sessions."""
    with services().database.reading() as session:
        return _page(session, _existing(session, user_id).id, query)


@routes.delete("/users/<user_id>/sessions/<session_id>")
@requires(Permission.SESSION_END_ALL)
@declares(errors=_ERRORS)
def end_session_of_user(user_id: str, session_id: str) -> Response:
    """End a session of a user."""
    with services().database.transaction() as session:
        owner = _existing(session, user_id)
        _end(session, owner, require_id(_KIND, session_id))
    return no_content()


@routes.delete("/users/<user_id>/sessions")
@requires(Permission.SESSION_END_ALL)
@declares(errors=_ERRORS)
def end_all_sessions_of_user(user_id: str) -> Response:
    """End all sessions of a user.

    The API keys of the user keep working.
    """
    with services().database.transaction() as session:
        end_sessions(session, _existing(session, user_id), current_actor())
    return no_content()


def _existing(session: Session, global_id: str) -> UserInfo:
    """Return the user with *global_id*; raise `Invalid` or `UserNotFound`."""
    user = UserStore(session).find(require_id("User", global_id))
    if user is None:
        raise UserNotFound
    return user


def _end(session: Session, user: UserInfo, number: int) -> None:
    if not end_session(session, user, number, current_actor()):
        raise NotFound(_MISSING)


def _page(session: Session, user_id: int, query: PageQuery) -> Response:
    page = SessionStore(session).page(user_id, query.limit, query.first_id(_KIND))
    return respond_page(UserSessionsResponse, _KIND, page, _to_payload)


def _to_payload(session: SessionInfo) -> UserSession:
    return UserSession(
        id=encode(_KIND, session.id),
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        expires_at=session.expires_at,
        device=describe_user_agent(session.user_agent),
        user_agent=session.user_agent,
        address=session.address,
        is_current=current_principal().session_id == session.id,
    )
