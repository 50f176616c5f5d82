"""Password links in the store: at most one per user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from phoenix_web.store.accounts.models import LinkPurpose, PasswordLink, User
from phoenix_web.store.accounts.users import USER_COLUMNS, UserInfo, user_from

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

__all__ = ["LinkInfo", "LinkPurpose", "PasswordLinkStore"]


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """An unused link with its user."""

    id: int
    purpose: LinkPurpose
    nonce: str
    created_at: datetime
    expires_at: datetime
    user: UserInfo


class PasswordLinkStore:
    """Store for password links."""

    def __init__(self, session: Session) -> None:
        """Work in *session*, which the caller commits."""
        self._session = session

    def replace(
        self,
        user_id: int,
        purpose: LinkPurpose,
        nonce: str,
        created_at: datetime,
        expires_at: datetime,
    ) -> int:
        """Store a link in place of the user's other one and return its id.

        The caller has locked the user.
        """
        self.delete_for(user_id)
        return self._session.execute(
            insert(PasswordLink)
            .values(
                user_id=user_id,
                purpose=purpose.value,
                nonce=nonce,
                created_at=created_at,
                expires_at=expires_at,
            )
            .returning(PasswordLink.id)
        ).scalar_one()

    def find(self, nonce: str) -> LinkInfo | None:
        """Return the link with *nonce*, expired or not, or None."""
        return self._one(PasswordLink.nonce == nonce)

    def find_by_id(self, link_id: int) -> LinkInfo | None:
        """Return the link with *link_id*, expired or not, or None."""
        return self._one(PasswordLink.id == link_id)

    def find_for(self, user_id: int) -> LinkInfo | None:
        """Return the user's link, expired or not, or None."""
        return self._one(PasswordLink.user_id == user_id)

    def consume(self, nonce: str, now: datetime) -> bool:
        """Delete the link; return False if it has expired or was consumed before.

        A single DELETE: of concurrent calls exactly one returns True.
        """
        consumed = self._session.execute(
            delete(PasswordLink)
            .where(PasswordLink.nonce == nonce, PasswordLink.expires_at > now)
            .returning(PasswordLink.id)
        )
        return consumed.first() is not None

    def delete_for(self, user_id: int) -> None:
        """Delete the user's link, if any."""
        self._session.execute(delete(PasswordLink).where(PasswordLink.user_id == user_id))

    def _one(self, condition: ColumnElement[bool]) -> LinkInfo | None:
        row = self._session.execute(
            select(
                PasswordLink.id,
                PasswordLink.purpose,
                PasswordLink.nonce,
                PasswordLink.created_at,
                PasswordLink.expires_at,
                *USER_COLUMNS,
            )
            .join(User, User.id == PasswordLink.user_id)
            .where(condition)
        ).first()
        if row is None:
            return None
        link_id, purpose, nonce, created_at, expires_at, *user = row
        return LinkInfo(
            link_id, LinkPurpose(purpose), nonce, created_at, expires_at, user_from(user)
        )
