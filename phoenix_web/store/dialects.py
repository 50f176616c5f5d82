"""What SQLAlchemy has once for each database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def dialect_of(session: Session) -> Any:
    """Return where the INSERT with ON CONFLICT of *session*'s database is; both are used alike."""
    return postgresql if session.get_bind().dialect.name != "sqlite" else sqlite
