"""The page of the caller's own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint

from phoenix_web.policy import Permission
from phoenix_web.ui.keys.pages import REVOKE_PATH, KeyPage
from phoenix_web.web.guard import current_principal, requires

if TYPE_CHECKING:
    from flask import Response

    from phoenix_web.store.accounts.users import UserInfo

routes = Blueprint("keys", __name__, url_prefix="/settings/keys")
_PAGE: Final = KeyPage("keys")


@routes.get("")
@requires(Permission.KEY_READ)
def index() -> Response:
    """Show the caller's keys."""
    return _PAGE.show(_owner())


@routes.post("")
@requires(Permission.KEY_ISSUE)
def create() -> Response:
    """Create a key of the caller."""
    return _PAGE.create(_owner())


@routes.post(REVOKE_PATH)
@requires(Permission.KEY_REVOKE)
def revoke(key_id: int) -> Response:
    """Revoke one of the caller's keys."""
    return _PAGE.revoke(_owner(), key_id)


def _owner() -> UserInfo:
    user = current_principal().user
    assert user is not None  # noqa: S101 - the permissions require an account
    return user
