"""SQL that stores share: `INSERT ... ON CONFLICT`, violated constraints, batched deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.orm import InstrumentedAttribute, Session

#: Maximum rows that one call deletes, so that no request waits for a large deletion.
_BATCH: Final = 100


def dialect_of(session: Session) -> Any:
    """Return the dialect module whose `insert()` supports ON CONFLICT for *session*."""
    return postgresql if session.get_bind().dialect.name != "sqlite" else sqlite


def violated_constraint(error: IntegrityError) -> str:
    """Return a text that contains the columns of the violated constraint."""
    diagnosis = getattr(error.orig, "diag", None)
    # PostgreSQL reports the constraint; SQLite's message contains the columns.
    return str(diagnosis.constraint_name if diagnosis else error.orig)


def purge_expired(
    session: Session, key: InstrumentedAttribute[Any], *is_expired: ColumnElement[bool]
) -> None:
    """Delete a batch of rows, identified by *key*, that meet all of *is_expired*.

    Skips locked rows, so that it cannot deadlock.
    """
    some = select(key).where(*is_expired).limit(_BATCH).with_for_update(skip_locked=True)
    session.execute(delete(key.class_).where(key.in_(some)))
