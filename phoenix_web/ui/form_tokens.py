"""Signed hidden tokens of single-use forms, with the user id and a nonce."""

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
    """Sign the form tokens of *app* with a key derived from *secret*."""
    key = derive_key(secret, "form token")
    app.extensions[_EXTENSION] = URLSafeTimedSerializer(key, salt="create-key")


def issue(user_id: int) -> str:
    """Return a token for a form of the user."""
    return str(_serializer().dumps([user_id, secrets.token_urlsafe(16)]))


def nonce_of(token: str, user_id: int) -> str | None:
    """Return the nonce of *token*, or None if it is forged, expired or of another user."""
    try:
        owner_id, nonce = _serializer().loads(token, max_age=_MAX_AGE_SECONDS)
    except BadData:
        return None
    return str(nonce) if owner_id == user_id else None


def _serializer() -> URLSafeTimedSerializer:
    return cast("URLSafeTimedSerializer", current_app.extensions[_EXTENSION])
