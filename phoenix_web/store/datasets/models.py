"""Tables of datasets.

Revisions and examples have no timestamps, because a revision was created with its version and an
example with its first revision. JSON is stored as text: `jsonb` would reorder keys and change
numbers. Names and external ids have no maximum length and are compared byte by byte. PostgreSQL
limits the length of indexed text, so unique indexes use the digest `text_key`.
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

#: Length of a key or content hash: the first bytes of a SHA-256 digest.
KEY_LENGTH = 16


def text_key(text: str) -> bytes:
    """Return the digest of *text* for unique indexes; raise `ValueError` for lone surrogates."""
    return sha256(text.encode()).digest()[:KEY_LENGTH]


class RevisionKind(StrEnum):
    """The change of an example by a version."""

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
    #: Live examples in the latest version. Uploads update it, so that lists need not count.
    example_count: Mapped[int]
    created_at: Mapped[datetime]
    #: New versions do not change it.
    updated_at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(
        Id, ForeignKey("users.id", ondelete="SET NULL"), index=True
    )


class DatasetVersion(Base):
    """An immutable state of a dataset; the latest version has the highest id."""

    __tablename__ = "dataset_versions"
    __table_args__ = (
        # Serves pagination and the search for the latest version.
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
    """An example; its contents are in its revisions. Deleting the example keeps the row."""

    __tablename__ = "dataset_examples"
    __table_args__ = (
        # Target of the foreign key of revisions.
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
    #: The id from the upload; an empty string is a valid id.
    external_id: Mapped[str | None]
    external_key: Mapped[bytes | None] = mapped_column(LargeBinary(KEY_LENGTH))
    #: The OpenTelemetry id of the span that the example was created from, as sent.
    span_id: Mapped[str | None]


class DatasetExampleRevision(Base):
    """The change of an example by one version, and the version that replaced it.

    `is_live` selects the revisions in a version without a search for the newest of each example.
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
        # Serves the search for live examples by content.
        Index(
            "ix_dataset_example_revisions_live_content",
            "dataset_id",
            "content_hash",
            sqlite_where=text("ended_by IS NULL"),
            postgresql_where=text("ended_by IS NULL"),
        ),
    )

    # The order of the primary key serves keyset pagination of a dataset.
    dataset_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    example_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    # `version_id` and `ended_by` need no foreign keys, because versions are deleted only with their
    # dataset, which deletes the revisions through its examples. Each foreign key would cost a
    # lookup and an index entry for every row of an upload.
    version_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    #: The version that replaced this revision; None if it is the newest.
    ended_by: Mapped[int | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(8))
    input_json: Mapped[str]
    output_json: Mapped[str]
    metadata_json: Mapped[str]
    #: See `datasets.content_hash`; None for a DELETE.
    content_hash: Mapped[bytes | None] = mapped_column(LargeBinary(KEY_LENGTH))


def is_live(version_id: int | None = None) -> ColumnElement[bool]:
    """Return the condition for the revisions of live examples in *version_id*.

    The default is the latest version.
    """
    revision = DatasetExampleRevision
    current: ColumnElement[bool] = revision.ended_by.is_(None)
    if version_id is not None:
        ends_later = or_(current, revision.ended_by > version_id)
        current = and_(revision.version_id <= version_id, ends_later)
    return and_(current, revision.kind != RevisionKind.DELETE.value)


class DatasetSplit(Base):
    """A named set of examples, such as `train`; it spans datasets and is not versioned."""

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
    """The membership of an example in a split."""

    __tablename__ = "dataset_split_members"
    __table_args__ = ()

    split_id: Mapped[int] = mapped_column(
        Id, ForeignKey("dataset_splits.id", ondelete="CASCADE"), primary_key=True
    )
    example_id: Mapped[int] = mapped_column(
        Id, ForeignKey("dataset_examples.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class DatasetLabel(Base):
    """A label with a color that can be attached to datasets."""

    __tablename__ = "dataset_labels"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    name_key: Mapped[bytes] = mapped_column(LargeBinary(KEY_LENGTH), unique=True)
    description: Mapped[str | None]
    #: `#rrggbb` in lower case.
    color: Mapped[str] = mapped_column(String(7))


class DatasetLabelAttachment(Base):
    """The attachment of a label to a dataset."""

    __tablename__ = "dataset_label_attachments"
    __table_args__ = ()

    dataset_id: Mapped[int] = mapped_column(
        Id, ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    label_id: Mapped[int] = mapped_column(
        Id, ForeignKey("dataset_labels.id", ondelete="CASCADE"), primary_key=True, index=True
    )
