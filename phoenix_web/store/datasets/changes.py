"""The differences between a version and the version before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from phoenix_web.store.datasets.models import (
    DatasetExample,
    DatasetExampleRevision,
    RevisionKind,
)
from phoenix_web.store.paging import Page, read_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

_Revision = DatasetExampleRevision
_Before = aliased(DatasetExampleRevision)


class Content(NamedTuple):
    """The buckets of an example as encoded JSON objects."""

    input_json: str
    output_json: str
    metadata_json: str


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    """The number of created, patched and deleted examples of a version."""

    created: int
    patched: int
    deleted: int


@dataclass(frozen=True, slots=True)
class ChangedExample:
    """The change of one example by a version."""

    example_id: int
    external_id: str | None
    #: `CREATE`, `PATCH` or `DELETE`.
    kind: str
    #: None when the version deleted the example.
    after: Content | None
    #: None when the previous version does not contain the example.
    before: Content | None


class ChangeStore:
    """Store for the changes of one version of a dataset."""

    def __init__(self, session: Session, dataset_id: int, version_id: int) -> None:
        """Use *session*; the version must belong to the dataset."""
        self._session = session
        self._is_own = and_(_Revision.dataset_id == dataset_id, _Revision.version_id == version_id)

    def counts(self) -> ChangeCounts:
        """Count the changes of the version by kind."""
        statement = (
            select(_Revision.kind, func.count()).where(self._is_own).group_by(_Revision.kind)
        )
        counts: dict[str, int] = dict(self._session.execute(statement).all())
        return ChangeCounts(
            created=counts.get(RevisionKind.CREATE, 0),
            patched=counts.get(RevisionKind.PATCH, 0),
            deleted=counts.get(RevisionKind.DELETE, 0),
        )

    def page(self, limit: int, cursor: int | None = None) -> Page[ChangedExample]:
        """Return up to *limit* changes in order of example id, starting at *cursor*."""
        statement = (
            select(
                _Revision.example_id,
                DatasetExample.external_id,
                _Revision.kind,
                _Before.kind,
                *_content(_Revision),
                *_content(_Before),
            )
            .join(DatasetExample, DatasetExample.id == _Revision.example_id)
            .outerjoin(
                _Before,
                and_(
                    _Before.dataset_id == _Revision.dataset_id,
                    _Before.example_id == _Revision.example_id,
                    _Before.ended_by == _Revision.version_id,
                ),
            )
            .where(self._is_own)
            .order_by(_Revision.example_id)
        )
        if cursor is not None:
            statement = statement.where(_Revision.example_id >= cursor)
        return read_page(self._session, statement, limit, _change_from)


def _content(revision: Any) -> tuple[Any, ...]:
    """Return the columns of *revision* for a `Content`."""
    return revision.input_json, revision.output_json, revision.metadata_json


def _change_from(row: Sequence[Any]) -> ChangedExample:
    example_id, external_id, kind, kind_before, *texts = row
    after = None if kind == RevisionKind.DELETE else Content(*texts[:3])
    is_new = kind_before is None or kind_before == RevisionKind.DELETE
    before = None if is_new else Content(*texts[3:])
    return ChangedExample(example_id, external_id, kind, after, before)
