"""Datasets with their versions and examples, splits and labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from phoenix_web.store.models import Id

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "dataset_labels",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("color", sa.String(length=7), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_labels")),
        sa.UniqueConstraint("name_key", name=op.f("uq_dataset_labels_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dataset_splits",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_dataset_splits_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_splits")),
        sa.UniqueConstraint("name_key", name=op.f("uq_dataset_splits_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_dataset_splits_user_id"), "dataset_splits", ["user_id"], unique=False)

    op.create_table(
        "datasets",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.Column("example_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_datasets_user_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("name_key", name=op.f("uq_datasets_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_datasets_user_id"), "datasets", ["user_id"], unique=False)

    op.create_table(
        "dataset_examples",
        sa.Column("id", Id, nullable=False),
        sa.Column("dataset_id", Id, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("external_key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("span_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("fk_dataset_examples_dataset_id_datasets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_examples")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_dataset_examples_dataset_id_external_key"),
        "dataset_examples",
        ["dataset_id", "external_key"],
        unique=True,
        sqlite_where=sa.text("external_key IS NOT NULL"),
        postgresql_where=sa.text("external_key IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_dataset_examples_dataset_id_id"),
        "dataset_examples",
        ["dataset_id", "id"],
        unique=True,
    )

    op.create_table(
        "dataset_label_attachments",
        sa.Column("dataset_id", Id, nullable=False),
        sa.Column("label_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("fk_dataset_label_attachments_dataset_id_datasets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["label_id"],
            ["dataset_labels.id"],
            name=op.f("fk_dataset_label_attachments_label_id_dataset_labels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "dataset_id", "label_id", name=op.f("pk_dataset_label_attachments")
        ),
    )
    op.create_index(
        op.f("ix_dataset_label_attachments_label_id"),
        "dataset_label_attachments",
        ["label_id"],
        unique=False,
    )

    op.create_table(
        "dataset_versions",
        sa.Column("id", Id, nullable=False),
        sa.Column("dataset_id", Id, nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("fk_dataset_versions_dataset_id_datasets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_dataset_versions_user_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_versions")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_dataset_versions_dataset_id_id"),
        "dataset_versions",
        ["dataset_id", "id"],
        unique=True,
    )
    op.create_index(
        op.f("ix_dataset_versions_user_id"), "dataset_versions", ["user_id"], unique=False
    )

    op.create_table(
        "dataset_example_revisions",
        sa.Column("dataset_id", Id, autoincrement=False, nullable=False),
        sa.Column("example_id", Id, autoincrement=False, nullable=False),
        sa.Column("version_id", Id, autoincrement=False, nullable=False),
        sa.Column("ended_by", Id, nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("input_json", sa.Text(), nullable=False),
        sa.Column("output_json", sa.Text(), nullable=False),
        sa.Column("metadata_json", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=16), nullable=True),
        sa.CheckConstraint(
            "kind IN ('CREATE', 'PATCH', 'DELETE')", name=op.f("ck_dataset_example_revisions_kind")
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id", "example_id"],
            ["dataset_examples.dataset_id", "dataset_examples.id"],
            name="fk_dataset_example_revisions_example",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "dataset_id", "example_id", "version_id", name=op.f("pk_dataset_example_revisions")
        ),
    )
    op.create_index(
        "ix_dataset_example_revisions_live_content",
        "dataset_example_revisions",
        ["dataset_id", "content_hash"],
        unique=False,
        sqlite_where=sa.text("ended_by IS NULL"),
        postgresql_where=sa.text("ended_by IS NULL"),
    )

    op.create_table(
        "dataset_split_members",
        sa.Column("split_id", Id, nullable=False),
        sa.Column("example_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["example_id"],
            ["dataset_examples.id"],
            name=op.f("fk_dataset_split_members_example_id_dataset_examples"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["split_id"],
            ["dataset_splits.id"],
            name=op.f("fk_dataset_split_members_split_id_dataset_splits"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("split_id", "example_id", name=op.f("pk_dataset_split_members")),
    )
    op.create_index(
        op.f("ix_dataset_split_members_example_id"),
        "dataset_split_members",
        ["example_id"],
        unique=False,
    )
