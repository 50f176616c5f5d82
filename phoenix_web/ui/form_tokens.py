"""The hidden token of a form that may be carried out once: whose it is, and a nonce."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, cast

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from phoenix_web.auth.credentials.access_tokens import derive_key

if TYPE_CHECKING:
    from flask import Flask

_EXTENSION: Final = "phoenix_web.form_tokens"
_MAX_AGE_SECONDS: Final = 24 * 60 * 60


def register(app: Flask, secret: str) -> None:
    """Sign the forms of *app* with a key that is derived from *secret* for this one purpose."""
    key = derive_key(secret, "form token")
    app.extensions[_EXTENSION] = URLSafeTimedSerializer(key, salt="create-key")


def issue(user_id: int) -> str:
    """Return a token for a form that is shown to the user."""
    return str(_serializer().dumps([user_id, secrets.token_urlsafe(16)]))


def nonce_of(token: str, user_id: int) -> str | None:
    """Return the nonce of *token*, or None when it is forged, another user's or too old."""
    try:
        owner_id, nonce = _serializer().loads(token, max_age=_MAX_AGE_SECONDS)
    except BadData:
        return None
    return str(nonce) if owner_id == user_id else None


def _serializer() -> URLSafeTimedSerializer:
    return cast("URLSafeTimedSerializer", current_app.extensions[_EXTENSION])
