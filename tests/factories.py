"""Users, sessions and keys for tests, made by the same stores and issuers that the doors call."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from sqlalchemy import update

from phoenix_web.audit.events import Actor
from phoenix_web.auth.credentials.issuer import issue_key
from phoenix_web.global_ids import encode
from phoenix_web.policy import Role
from phoenix_web.settings import Settings
from phoenix_web.store.accounts.models import ApiKey
from phoenix_web.store.accounts.password_links import LinkPurpose
from phoenix_web.store.accounts.users import UserStore
from phoenix_web.web.guard import ACCESS_COOKIE, REFRESH_COOKIE
from phoenix_web.web.services import EXTENSION, Services

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

SECRET = "the-secret-behind-all-sessions-0001"
ADMIN_SECRET = "the-secret-of-an-administrator-00001"
#: Every prepared database is written with this key.
AUDIT_KEY = "the-key-of-the-audit-log-of-tests-01"
#: Of `admin@localhost`, the account that the server makes itself; it must be changed in the pages.
DEFAULT_ADMIN_PASSWORD = "initial-password-of-the-admin"
PASSWORD = "correct horse battery staple"

_numbers = count(1)


@dataclass(frozen=True)
class SignedIn:
    """A user with an open session, as plain values."""

    #: The number of the row, and the GlobalID by which the API names it.
    user_id: int
    global_id: str
    email: str
    username: str
    role: Role
    password: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that carries the access token as Bearer."""
        return {"Authorization": f"Bearer {self.access_token}"}

    @property
    def cookie(self) -> dict[str, str]:
        """Return the header that carries the access token as the session's cookie."""
        return {"Cookie": f"{ACCESS_COOKIE}={self.access_token}"}

    @property
    def refresh_cookie(self) -> dict[str, str]:
        """Return the header that carries the refresh token as its cookie."""
        return {"Cookie": f"{REFRESH_COOKIE}={self.refresh_token}"}

    @property
    def both_cookies(self) -> dict[str, str]:
        """Return the header with both cookies, as a browser sends them."""
        return {"Cookie": f"{self.cookie['Cookie']}; {self.refresh_cookie['Cookie']}"}


@dataclass(frozen=True)
class MadeKey:
    """An API key, as plain values."""

    #: The number of the row, and the GlobalID by which the API names it.
    key_id: int
    global_id: str
    name: str
    text: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that carries the key as Bearer."""
        return {"Authorization": f"Bearer {self.text}"}


def make_settings(database_url: str, working_dir: Path, **changes: Any) -> Settings:
    """Return settings for a test: cheap hashes, known secrets, and then *changes*."""
    values = {
        "sql_database_url": SecretStr(database_url),
        "working_dir": working_dir,
        "secret": SecretStr(SECRET),
        "admin_secret": SecretStr(ADMIN_SECRET),
        "audit_key": SecretStr(AUDIT_KEY),
        "default_admin_initial_password": SecretStr(DEFAULT_ADMIN_PASSWORD),
        "password_hash_memory_kib": 8,
        "password_hash_iterations": 1,
        # The tests come from one address, many at once; those of the limits set this themselves.
        "disable_rate_limit": True,
    }
    return Settings(**{**values, **changes})


def services_of(app: Flask) -> Services:
    """Return what *app* holds, for a test that needs it outside of a request."""
    services: Services = app.extensions[EXTENSION]
    return services


def add_user(
    app: Flask, role: Role | str = Role.MEMBER, *, password: str = PASSWORD, **fields: Any
) -> SignedIn:
    """Add a user with a fresh name, or by *fields* of `UserStore.add`, and sign them in."""
    number = next(_numbers)
    services = services_of(app)
    values = {"email": f"user{number}@example.com", "username": f"user {number}", **fields}
    password_hash = services.passwords.hash(password)
    with services.database.transaction() as session:
        user = UserStore(session).add(role=Role(role), password_hash=password_hash, **values)
        tokens = services.sessions.open(session, user, Actor())
    return SignedIn(
        user_id=user.id,
        global_id=encode("User", user.id),
        email=user.email,
        username=user.username,
        role=user.role,
        password=password,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
    )


def sign_in(app: Flask, user: SignedIn) -> SignedIn:
    """Open one more session for *user* and return the user with its tokens."""
    services = services_of(app)
    with services.database.transaction() as session:
        found = UserStore(session).find(user.user_id)
        assert found is not None
        tokens = services.sessions.open(session, found, Actor())
    return SignedIn(
        **{
            **vars(user),
            "role": found.role,
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
        }
    )


def add_key(
    app: Flask,
    owner: SignedIn | None = None,
    name: str = "a key",
    description: str | None = None,
    expires_at: datetime | None = None,
) -> MadeKey:
    """Issue a key for *owner*, or a system key without one."""
    with services_of(app).database.transaction() as session:
        users = UserStore(session)
        user = users.find(owner.user_id) if owner else users.find_system_user()
        assert user is not None
        issued = issue_key(
            session,
            user,
            name,
            actor=Actor(),
            description=description,
        )
        # Not by `issue_key`, which refuses a moment in the past.
        expiry = update(ApiKey).where(ApiKey.id == issued.key.id).values(expires_at=expires_at)
        session.execute(expiry)
    kind = "UserApiKey" if owner else "SystemApiKey"
    return MadeKey(issued.key.id, encode(kind, issued.key.id), name, issued.text)


def issue_link(app: Flask, user: SignedIn, purpose: LinkPurpose = LinkPurpose.RESET) -> str:
    """Issue a one-time link for *user* and return its text."""
    services = services_of(app)
    with services.database.transaction() as session:
        found = UserStore(session).find(user.user_id)
        assert found is not None
        return services.password_links.issue(session, found, purpose, Actor()).token


def set_role(app: Flask, user: SignedIn, role: Role | str) -> None:
    """Give *user* another role behind the API's back, which offers no such route."""
    with services_of(app).database.transaction() as session:
        UserStore(session).set_role(user.user_id, Role(role))


def forge_jwt(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """Return a signed JWT by hand: with any header, and with any algorithm that it names.

    A library would refuse to make most of what an attacker makes.
    """
    parts = [_base64url(json.dumps(part).encode()) for part in (header, claims)]
    digest = _DIGESTS.get(str(header.get("alg")))
    signature = hmac.digest(key, ".".join(parts).encode(), digest) if digest else b""
    return ".".join([*parts, _base64url(signature)])


_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
