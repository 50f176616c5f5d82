"""Store for labels and their attachments to datasets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from phoenix_web.errors import Conflict
from phoenix_web.store.datasets.bulk import chunks
from phoenix_web.store.datasets.models import DatasetLabel, DatasetLabelAttachment, text_key
from phoenix_web.store.paging import Page, newest_first, read_page
from phoenix_web.store.statements import dialect_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class LabelInfo:
    """A label with a name and a color."""

    id: int
    name: str
    description: str | None
    color: str


_COLUMNS: Final = (
    DatasetLabel.id,
    DatasetLabel.name,
    DatasetLabel.description,
    DatasetLabel.color,
)


class LabelStore:
    """Store for labels and their attachments to datasets."""

    def __init__(self, session: Session) -> None:
        """Use *session*, which the caller commits."""
        self._session = session

    def page(self, limit: int, cursor: int | None = None) -> Page[LabelInfo]:
        """Return up to *limit* labels, newest first, starting at the id *cursor*."""
        statement = newest_first(select(*_COLUMNS), DatasetLabel.id, cursor)
        return read_page(self._session, statement, limit, lambda row: LabelInfo(*row))

    def find(self, label_id: int) -> LabelInfo | None:
        """Return the label with *label_id*, or None."""
        row = self._session.execute(select(*_COLUMNS).where(DatasetLabel.id == label_id)).first()
        return None if row is None else LabelInfo(*row)

    def add(self, **fields: Any) -> LabelInfo:
        """Create a label with the column values *fields*; raise `Conflict` for a taken name."""
        statement = insert(DatasetLabel).values(_column_values(fields)).returning(*_COLUMNS)
        try:
            return LabelInfo(*self._session.execute(statement).one())
        except IntegrityError as error:
            raise _name_taken(fields) from error

    def change(self, label_id: int, **fields: Any) -> LabelInfo | None:
        """Update columns of the label; return it or None. Raises `Conflict` for a taken name."""
        statement = (
            update(DatasetLabel)
            .where(DatasetLabel.id == label_id)
            .values(_column_values(fields))
            .returning(*_COLUMNS)
        )
        try:
            row = self._session.execute(statement).first()
        except IntegrityError as error:
            raise _name_taken(fields) from error
        return None if row is None else LabelInfo(*row)

    def delete(self, label_id: int) -> bool:
        """Delete the label and its attachments; return whether it existed."""
        statement = delete(DatasetLabel).where(DatasetLabel.id == label_id)
        return self._session.execute(statement.returning(DatasetLabel.id)).first() is not None

    def for_dataset(self, dataset_id: int) -> list[LabelInfo]:
        """Return the labels of the dataset, newest first."""
        return self.by_dataset([dataset_id]).get(dataset_id, [])

    def by_dataset(self, dataset_ids: Collection[int]) -> dict[int, list[LabelInfo]]:
        """Return labels by dataset id, newest first; datasets without labels are absent."""
        statement = (
            select(DatasetLabelAttachment.dataset_id, *_COLUMNS)
            .join(DatasetLabel, DatasetLabel.id == DatasetLabelAttachment.label_id)
            .where(DatasetLabelAttachment.dataset_id.in_(dataset_ids))
            .order_by(DatasetLabel.id.desc())
        )
        labels: dict[int, list[LabelInfo]] = {}
        for row in self._session.execute(statement):
            labels.setdefault(row[0], []).append(LabelInfo(*row[1:]))
        return labels

    def lock(self, label_ids: Collection[int]) -> list[LabelInfo]:
        """Return the existing labels, which cannot be deleted before the transaction ends."""
        labels: list[LabelInfo] = []
        for numbers in chunks(sorted(label_ids)):
            statement = (
                select(*_COLUMNS)
                .where(DatasetLabel.id.in_(numbers))
                .order_by(DatasetLabel.id)
                .with_for_update(read=True, key_share=True)
            )
            labels.extend(LabelInfo(*row) for row in self._session.execute(statement))
        return labels

    def attach(self, dataset_id: int, label_ids: Collection[int]) -> None:
        """Attach the labels to the dataset, skipping those already attached."""
        dialect = dialect_of(self._session)
        rows = [{"dataset_id": dataset_id, "label_id": number} for number in sorted(label_ids)]
        if rows:
            attachments = dialect.insert(DatasetLabelAttachment)
            self._session.execute(attachments.on_conflict_do_nothing(), rows)

    def detach(self, dataset_id: int, label_ids: Collection[int]) -> None:
        """Detach the labels from the dataset, skipping those not attached."""
        for numbers in chunks(sorted(label_ids)):
            self._session.execute(
                delete(DatasetLabelAttachment).where(
                    DatasetLabelAttachment.dataset_id == dataset_id,
                    DatasetLabelAttachment.label_id.in_(numbers),
                )
            )


def _column_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the column values for *fields*."""
    values = dict(fields)
    if "name" in values:
        values["name_key"] = text_key(values["name"])
    return values


def _name_taken(fields: Mapping[str, Any]) -> Conflict:
    return Conflict(f"A dataset label named '{fields['name']}' already exists")
