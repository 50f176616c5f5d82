"""The dataset of a path that takes a name as well as an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_web.errors import NotFound
from phoenix_web.global_ids import number_of
from phoenix_web.store.datasets.existing import existing_id, locked_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session


def dataset_of(session: Session, identifier: str) -> int:
    """Return the id of the dataset by its GlobalID, or else by its name; raise `NotFound`."""
    return _found(existing_id, session, identifier)


def locked_dataset_of(session: Session, identifier: str) -> int:
    """Return the same; the dataset stays until the transaction ends. Raise `NotFound`."""
    return _found(locked_id, session, identifier)


def _found(
    find: Callable[[Session, int | str], int | None], session: Session, identifier: str
) -> int:
    number = number_of("Dataset", identifier)
    dataset_id = find(session, identifier if number is None else number)
    if dataset_id is None:
        kind = "name" if number is None else "ID"
        raise NotFound(f"Dataset with {kind} {identifier} not found")
    return dataset_id
