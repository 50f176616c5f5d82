"""Forgetting what is over, beside the work of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

#: Rows that one sweep deletes at most, so that no request pays for a thousand others.
_SWEPT = 100


def purge_expired(
    session: Session, key: InstrumentedAttribute[Any], *over: ColumnElement[bool]
) -> None:
    """Delete some of the rows, named by *key*, that are *over*.

    It waits for none that somebody holds, so whoever holds others may call it.
    """
    some = select(key).where(*over).limit(_SWEPT).with_for_update(skip_locked=True)
    session.execute(delete(key.class_).where(key.in_(some)))
