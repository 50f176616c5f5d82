"""Whether a dataset is there, asked by what belongs to one and by what is about to refer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from phoenix_web.store.datasets.models import Dataset, text_key

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session


def existing_id(session: Session, key: int | str) -> int | None:
    """Return the id of the dataset whose id or name is *key*, or None."""
    return session.execute(_by(key)).scalar_one_or_none()


def locked_id(session: Session, key: int | str) -> int | None:
    """Return the same; the dataset cannot be deleted before the transaction of *session* ends."""
    # The lock that a foreign key to the row takes; SQLite writes one transaction at a time.
    statement = _by(key).with_for_update(read=True, key_share=True)
    return session.execute(statement).scalar_one_or_none()


def _by(key: int | str) -> Select[int]:
    is_it = Dataset.id == key if isinstance(key, int) else Dataset.name_key == text_key(key)
    return select(Dataset.id).where(is_it)
