"""The page of system keys for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint

from phoenix_web.policy import Permission
from phoenix_web.store.accounts.users import UserInfo, UserStore
from phoenix_web.ui.keys.pages import REVOKE_PATH, KeyPage
from phoenix_web.web.guard import requires
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

routes = Blueprint("system_keys", __name__, url_prefix="/settings/system-keys")
_PAGE: Final = KeyPage("system_keys")


@routes.get("")
@requires(Permission.SYSTEM_KEY_READ)
def index() -> Response:
    """Show the system keys."""
    return _PAGE.show(_owner())


@routes.post("")
@requires(Permission.SYSTEM_KEY_ISSUE)
def create() -> Response:
    """Create a system key."""
    return _PAGE.create(_owner())


@routes.post(REVOKE_PATH)
@requires(Permission.SYSTEM_KEY_REVOKE)
def revoke(key_id: int) -> Response:
    """Revoke a system key."""
    return _PAGE.revoke(_owner(), key_id)


def _owner() -> UserInfo:
    with services().database.reading() as session:
        return UserStore(session).find_system_user()
