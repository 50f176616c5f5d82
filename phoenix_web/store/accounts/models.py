"""The tables of users and of what belongs to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from phoenix_web.policy import Role
from phoenix_web.store.models import Base, Id, check_one_of

AUTH_METHODS = ["LOCAL", "OAUTH2", "LDAP"]


class LinkPurpose(StrEnum):
    """Why somebody gets a one-time link to choose a password."""

    RESET = "reset"
    INVITATION = "invitation"


class User(Base):
    """Somebody who can own credentials; the first row is the system user."""

    __tablename__ = "users"
    __table_args__ = (
        check_one_of("role", [role.value for role in Role]),
        check_one_of("auth_method", AUTH_METHODS),
        # Whether somebody is the last administrator is asked without reading everybody.
        Index(None, "role"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    #: Lower case: addresses are one person's whatever their case.
    email: Mapped[str] = mapped_column(unique=True)
    username: Mapped[str]
    #: The case-folded username, so that two names that look alike cannot coexist.
    username_key: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str] = mapped_column(String(16))
    auth_method: Mapped[str] = mapped_column(String(16))
    #: Argon2id; None for whoever has no password to sign in with.
    password_hash: Mapped[str | None]
    password_needs_reset: Mapped[bool]
    oauth2_client_id: Mapped[str | None]
    oauth2_user_id: Mapped[str | None]
    profile_picture_url: Mapped[str | None]
    created_at: Mapped[datetime]
    #: When somebody last changed the account; signing in does not.
    updated_at: Mapped[datetime]
    #: Since when every credential of the user is refused; None for whoever may come in.
    deactivated_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    #: Since when a sign-in needs a code as well; the two below are there as long as this is.
    mfa_enrolled_at: Mapped[datetime | None]
    #: Base32, as authenticator apps take it. The server computes codes from it, so it is no digest.
    totp_secret: Mapped[str | None] = mapped_column(String(32))
    #: The newest time step (RFC 6238) of which a code was taken: it and those before are spent.
    totp_step: Mapped[int | None] = mapped_column(BigInteger)


class ApiKey(Base):
    """A key: its digest, never its text."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    description: Mapped[str | None]
    #: SHA-256 of the text: 256 random bits need no slow hash.
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    #: The first characters of the text, so that a person recognises the key in a list.
    hint: Mapped[str] = mapped_column(String(16))
    #: Set once per submitted form, so that a repeated submission makes no second key.
    form_nonce: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    #: When it first opened anything; noted some seconds later.
    first_used_at: Mapped[datetime | None]


class Session(Base):
    """A sign-in that is still open; it ends by deletion."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: The `jti` of the one access token that is good now.
    access_token_id: Mapped[str]
    created_at: Mapped[datetime]
    #: When the newest refresh token ends, and the session with it.
    expires_at: Mapped[datetime] = mapped_column(index=True)
    #: When the session was opened or last renewed, and by what from where. None of it is known of
    #: a session that an older version has opened.
    last_seen_at: Mapped[datetime | None]
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))


class RefreshToken(Base):
    """A refresh token of a session; spent ones stay, so that a replay is noticed."""

    __tablename__ = "refresh_tokens"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    session_id: Mapped[int] = mapped_column(
        Id, ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    spent_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A code that stands in once for the authenticator app; it is spent by deletion."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: SHA-256 of the user and the text: 120 random bits need no slow hash.
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)


class LoginAttempts(Base):
    """How many attempts stand against an account, a device or an address, on all hosts."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "forget_at"),)

    #: A keyed digest: people type passwords into the wrong field, and addresses are personal.
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    attempts: Mapped[int]
    locked_until: Mapped[datetime | None]
    #: From then on the row means nothing.
    forget_at: Mapped[datetime]


class PasswordLink(Base):
    """The one link by which a user may choose a password now; it ends by deletion."""

    __tablename__ = "password_links"
    __table_args__ = (
        check_one_of("purpose", [purpose.value for purpose in LinkPurpose]),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    #: Unique, so that a newer link can only take the place of an older one.
    user_id: Mapped[int] = mapped_column(
        Id, ForeignKey("users.id", ondelete="CASCADE"), unique=True
    )
    purpose: Mapped[str] = mapped_column(String(16))
    #: What the text of the link names. It opens nothing without the signature beside it, which
    #: needs `PHOENIX_SECRET`: so a mail can be written when it is sent, and is kept nowhere.
    nonce: Mapped[str] = mapped_column(String(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
