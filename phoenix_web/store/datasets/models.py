"""The tables of datasets.

Every fact stands once: a revision is as old as its version, and an example as its first revision,
so neither has a time of its own. JSON is text, never `jsonb`, which would reorder keys and change
numbers. A name or an external id may be of any length and is compared byte for byte; an index over
such a text would limit its length on PostgreSQL, so what is unique is its digest, `text_key`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    and_,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phoenix_web.store.models import Base, Id, check_one_of

#: Bytes of SHA-256 that stand for a text or a content.
KEY_LENGTH = 16


def text_key(text: str) -> bytes:
    """Return what stands for *text* in a unique index; raise `ValueError` for a lone surrogate."""
    return sha256(text.encode()).digest()[:KEY_LENGTH]


class RevisionKind(StrEnum):
    """What a version did to an example."""

    CREATE = "CREATE"
    PATCH = "PATCH"
    DELETE = "DELETE"


class Dataset(Base):
    """A named collection of examples."""

    __tablename__ = "datasets"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    name_key: Mapped[bytes] = mapped_column(LargeBinary(KEY_LENGTH), unique=True)
    description: Mapped[str | None]
    metadata_json: Mapped[str]
    #: Live examples in the latest version, kept by every upload: lists must not count them.
    example_count: Mapped[int]
    created_at: Mapped[datetime]
    #: Versions do not move it.
    updated_at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("users.id", ondelete="SET NULL"), index=True
    )


class DatasetVersion(Base):
    """A state of a dataset, never changed; the highest id of a dataset is its latest version."""

    __tablename__ = "dataset_versions"
    __table_args__ = (
        # The order of pages, and the way to the latest version.
        Index(None, "dataset_id", "id", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    dataset_id: Mapped[int] = mapped_column(Id, ForeignKey("datasets.id", ondelete="CASCADE"))
    description: Mapped[str | None]
    metadata_json: Mapped[str]
    created_at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("users.id", ondelete="SET NULL"), index=True
    )


class DatasetExample(Base):
    """An example of a dataset; its contents are its revisions. The row stays when it is deleted."""

    __tablename__ = "dataset_examples"
    __table_args__ = (
        # What the revisions' foreign key refers to.
        Index(None, "dataset_id", "id", unique=True),
        Index(
            None,
            "dataset_id",
            "external_key",
            unique=True,
            sqlite_where=text("external_key IS NOT NULL"),
            postgresql_where=text("external_key IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    dataset_id: Mapped[int] = mapped_column(Id, ForeignKey("datasets.id", ondelete="CASCADE"))
    #: The id that the uploader gave; empty is an id too.
    external_id: Mapped[str | None]
    external_key: Mapped[bytes | None] = mapped_column(LargeBinary(KEY_LENGTH))
    #: The span that the example was made of, by its OpenTelemetry id, as it was sent.
    span_id: Mapped[str | None]


class DatasetExampleRevision(Base):
    """What an example became in one version, and until which version that held.

    `is_live` selects the revisions that are in one version: no search for the newest is needed.
    """

    __tablename__ = "dataset_example_revisions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["dataset_id", "example_id"],
            ["dataset_examples.dataset_id", "dataset_examples.id"],
            name="fk_dataset_example_revisions_example",
            ondelete="CASCADE",
        ),
        check_one_of("kind", [kind.value for kind in RevisionKind]),
        # Finds the live examples with one content, however many there are.
        Index(
            "ix_dataset_example_revisions_live_content",
            "dataset_id",
            "content_hash",
            sqlite_where=text("ended_by IS NULL"),
            postgresql_where=text("ended_by IS NULL"),
        ),
    )

    # In this order the rows of a dataset are read by keyset.
    dataset_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    example_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    # Versions go only together with their dataset, whose examples take their revisions along, so
    # that these two columns do without foreign keys: each would cost every row of an upload one
    # look-up and one more index.
    version_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    #: The version that replaced this revision; None while it holds.
    ended_by: Mapped[int | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(8))
    input_json: Mapped[str]
    output_json: Mapped[str]
    metadata_json: Mapped[str]
    #: See `datasets.content_hash`; None for a DELETE.
    content_hash: Mapped[bytes | None] = mapped_column(LargeBinary(KEY_LENGTH))


def is_live(version_id: int | None = None) -> ColumnElement[bool]:
    """Return the condition that a revision is the content of an example in *version_id*.

    Without *version_id*, in the latest version. A deleted example has no content.
    """
    revision = DatasetExampleRevision
    holds: ColumnElement[bool] = revision.ended_by.is_(None)
    if version_id is not None:
        holds = and_(revision.version_id <= version_id, or_(holds, revision.ended_by > version_id))
    return and_(holds, revision.kind != RevisionKind.DELETE.value)


class DatasetSplit(Base):
    """A named part, such as `train`; it belongs to no dataset and is not versioned."""

    __tablename__ = "dataset_splits"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    name_key: Mapped[bytes] = mapped_column(LargeBinary(KEY_LENGTH), unique=True)
    description: Mapped[str | None]
    color: Mapped[str]
    metadata_json: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("users.id", ondelete="SET NULL"), index=True
    )


class DatasetSplitMember(Base):
    """One example in one split."""

    __tablename__ = "dataset_split_members"
    __table_args__ = ()

    split_id: Mapped[int] = mapped_column(
        Id, ForeignKey("dataset_splits.id", ondelete="CASCADE"), primary_key=True
    )
    example_id: Mapped[int] = mapped_column(
        Id, ForeignKey("dataset_examples.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class DatasetLabel(Base):
    """A coloured word that can be put on datasets."""

    __tablename__ = "dataset_labels"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    name_key: Mapped[bytes] = mapped_column(LargeBinary(KEY_LENGTH), unique=True)
    description: Mapped[str | None]
    #: `#rrggbb`, lower case.
    color: Mapped[str] = mapped_column(String(7))


class DatasetLabelAttachment(Base):
    """One label on one dataset."""

    __tablename__ = "dataset_label_attachments"
    __table_args__ = ()

    dataset_id: Mapped[int] = mapped_column(
        Id, ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    label_id: Mapped[int] = mapped_column(
        Id, ForeignKey("dataset_labels.id", ondelete="CASCADE"), primary_key=True, index=True
    )
