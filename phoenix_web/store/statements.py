"""SQL that stores share: `INSERT ... ON CONFLICT`, violated constraints, batches of deletions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.orm import InstrumentedAttribute, Session

#: Rows that one call deletes at most, so that no request pays for a thousand others.
_BATCH: Final = 100


def dialect_of(session: Session) -> Any:
    """Return the module with the `insert()` that has ON CONFLICT for the database of *session*."""
    return postgresql if session.get_bind().dialect.name != "sqlite" else sqlite


def violated_constraint(error: IntegrityError) -> str:
    """Return a text that names the columns of the constraint that *error* violates."""
    diagnosis = getattr(error.orig, "diag", None)
    # PostgreSQL names the constraint; the message of SQLite names the column.
    return str(diagnosis.constraint_name if diagnosis else error.orig)


def purge_expired(
    session: Session, key: InstrumentedAttribute[Any], *is_expired: ColumnElement[bool]
) -> None:
    """Delete some of the rows, identified by *key*, that meet all of *is_expired*.

    It skips locked rows, so a caller that has locked others cannot run into a deadlock.
    """
    some = select(key).where(*is_expired).limit(_BATCH).with_for_update(skip_locked=True)
    session.execute(delete(key.class_).where(key.in_(some)))
