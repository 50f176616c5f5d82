"""The cookies of sessions and known devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from phoenix_web.auth.sign_in.known_devices import DEVICE_LIFETIME
from phoenix_web.web.guard import ACCESS_COOKIE, DEVICE_COOKIE, REFRESH_COOKIE
from phoenix_web.web.services import services

if TYPE_CHECKING:
    from flask import Response

    from phoenix_web.auth.sign_in.sessions import TokenPair


class _Attributes(TypedDict):
    httponly: bool
    path: str
    samesite: str
    secure: bool


def set_session_cookies(response: Response, tokens: TokenPair) -> None:
    """Set the cookies of *tokens*: HttpOnly and SameSite=Strict."""
    for name, value, lifetime in (
        (ACCESS_COOKIE, tokens.access_token, tokens.access_lifetime),
        (REFRESH_COOKIE, tokens.refresh_token, tokens.refresh_lifetime),
    ):
        response.set_cookie(name, value, max_age=int(lifetime.total_seconds()), **_attributes())
    if tokens.device_cookie is not None:
        set_device_cookie(response, tokens.device_cookie)


def set_device_cookie(response: Response, device_cookie: str) -> None:
    """Set the cookie that identifies a known device."""
    lifetime = int(DEVICE_LIFETIME.total_seconds())
    response.set_cookie(DEVICE_COOKIE, device_cookie, max_age=lifetime, **_attributes())


def clear_session_cookies(response: Response) -> None:
    """Delete the cookies of the session, with the attributes that they were set with.

    The device cookie remains: a browser stays known after signing out.
    """
    for name in (ACCESS_COOKIE, REFRESH_COOKIE):
        response.set_cookie(name, "", max_age=0, expires=0, **_attributes())


def _attributes() -> _Attributes:
    settings = services().settings
    return {
        "httponly": True,
        "path": settings.cookies_path,
        "samesite": "Strict",
        "secure": settings.has_secure_cookies,
    }
