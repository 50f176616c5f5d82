"""What only the pages show of a dataset: its versions, what each has changed, and its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from phoenix_web.store.accounts.models import User
from phoenix_web.store.datasets.models import (
    DatasetExample,
    DatasetExampleRevision,
    DatasetLabel,
    DatasetLabelAttachment,
    DatasetSplit,
    DatasetSplitMember,
    DatasetVersion,
    RevisionKind,
    is_live,
)
from phoenix_web.store.paging import Page, read_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

_Revision = DatasetExampleRevision
_Before = aliased(DatasetExampleRevision)


@dataclass(frozen=True, slots=True)
class LabelMark:
    """A coloured word on a dataset."""

    name: str
    color: str


@dataclass(frozen=True, slots=True)
class SplitMark:
    """A split by which the examples of a dataset can be filtered."""

    id: int
    name: str
    color: str


@dataclass(frozen=True, slots=True)
class NumberedVersion:
    """A version; its `number` counts those of its dataset, from 1."""

    id: int
    number: int
    created_at: datetime
    #: Who made it, while the account exists.
    username: str | None


class Content(NamedTuple):
    """What an example says: the JSON texts of objects."""

    input_json: str
    output_json: str
    metadata_json: str


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    """How many examples a version has changed, by what it did."""

    created: int
    patched: int
    deleted: int


@dataclass(frozen=True, slots=True)
class ChangedExample:
    """What a version did to one example."""

    example_id: int
    external_id: str | None
    #: `CREATE`, `PATCH` or `DELETE`.
    kind: str
    #: None when the version has deleted the example.
    after: Content | None
    #: None when the example was not in the version before.
    before: Content | None


class PageStore:
    """Reads one dataset by the page within *session*."""

    def __init__(self, session: Session, dataset_id: int) -> None:
        """Read the dataset *dataset_id* in *session*."""
        self._session = session
        self._dataset_id = dataset_id

    def versions(self, limit: int) -> list[NumberedVersion]:
        """Return the newest *limit* versions, newest first."""
        statement = self._versions().order_by(DatasetVersion.id.desc()).limit(limit)
        return [NumberedVersion(*row) for row in self._session.execute(statement)]

    def find_version(self, version_id: int) -> NumberedVersion | None:
        """Return the version *version_id* of the dataset, or None."""
        statement = self._versions().where(DatasetVersion.id == version_id)
        row = self._session.execute(statement).first()
        return None if row is None else NumberedVersion(*row)

    def count(self, version_id: int) -> int:
        """Return how many examples a version has."""
        statement = (
            select(func.count())
            .select_from(_Revision)
            .where(_Revision.dataset_id == self._dataset_id, is_live(version_id))
        )
        return self._session.execute(statement).scalar_one()

    def splits(self, limit: int) -> list[SplitMark]:
        """Return up to *limit* splits that an example of the dataset is in, by name.

        They are not counted, which would read every member on every page.
        """
        own = DatasetExample.dataset_id == self._dataset_id
        members = (
            select(DatasetSplitMember.example_id)
            .join(DatasetExample, DatasetExample.id == DatasetSplitMember.example_id)
            .where(
                DatasetSplitMember.split_id == DatasetSplit.id,
                # The ids of a dataset lie together: this spares the members of other datasets.
                DatasetSplitMember.example_id.between(
                    select(func.min(DatasetExample.id)).where(own).scalar_subquery(),
                    select(func.max(DatasetExample.id)).where(own).scalar_subquery(),
                ),
                own,
            )
        )
        statement = (
            select(DatasetSplit.id, DatasetSplit.name, DatasetSplit.color)
            .where(members.exists())
            .order_by(DatasetSplit.name)
            .limit(limit)
        )
        return [SplitMark(*row) for row in self._session.execute(statement)]

    def change_counts(self, version_id: int) -> ChangeCounts:
        """Return how many examples a version has changed."""
        statement = (
            select(_Revision.kind, func.count())
            .where(_Revision.dataset_id == self._dataset_id, _Revision.version_id == version_id)
            .group_by(_Revision.kind)
        )
        counts: dict[str, int] = dict(self._session.execute(statement).all())
        return ChangeCounts(
            created=counts.get(RevisionKind.CREATE, 0),
            patched=counts.get(RevisionKind.PATCH, 0),
            deleted=counts.get(RevisionKind.DELETE, 0),
        )

    def changes(
        self, version_id: int, limit: int, cursor: int | None = None
    ) -> Page[ChangedExample]:
        """Return up to *limit* changes of a version by example id, from *cursor* on."""
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
            .where(_Revision.dataset_id == self._dataset_id, _Revision.version_id == version_id)
            .order_by(_Revision.example_id)
        )
        if cursor is not None:
            statement = statement.where(_Revision.example_id >= cursor)
        return read_page(self._session, statement, limit, _change_from)

    def _versions(self) -> Select[int, int, datetime, str | None]:
        earlier = aliased(DatasetVersion)
        number = (
            select(func.count())
            .where(earlier.dataset_id == self._dataset_id, earlier.id <= DatasetVersion.id)
            .scalar_subquery()
        )
        return (
            select(DatasetVersion.id, number, DatasetVersion.created_at, User.username)
            .outerjoin(User, User.id == DatasetVersion.user_id)
            .where(DatasetVersion.dataset_id == self._dataset_id)
        )


def labels_of(session: Session, dataset_ids: Iterable[int]) -> dict[int, list[LabelMark]]:
    """Return the labels of each of the datasets that has one, by name."""
    statement = (
        select(DatasetLabelAttachment.dataset_id, DatasetLabel.name, DatasetLabel.color)
        .join(DatasetLabel, DatasetLabel.id == DatasetLabelAttachment.label_id)
        .where(DatasetLabelAttachment.dataset_id.in_(dataset_ids))
        .order_by(DatasetLabel.name)
    )
    labels: dict[int, list[LabelMark]] = {}
    for dataset_id, name, color in session.execute(statement):
        labels.setdefault(dataset_id, []).append(LabelMark(name, color))
    return labels


def _content(revision: Any) -> tuple[Any, ...]:
    """Return the columns of *revision* that make a `Content`."""
    return revision.input_json, revision.output_json, revision.metadata_json


def _change_from(row: Sequence[Any]) -> ChangedExample:
    example_id, external_id, kind, kind_before, *texts = row
    after = None if kind == RevisionKind.DELETE else Content(*texts[:3])
    is_new = kind_before is None or kind_before == RevisionKind.DELETE
    before = None if is_new else Content(*texts[3:])
    return ChangedExample(example_id, external_id, kind, after, before)
