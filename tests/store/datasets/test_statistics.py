"""What PostgreSQL's planner knows of datasets; with SQLite there is nothing to tell it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from phoenix_web.datasets.examples import Upload, UploadAction, build_example
from phoenix_web.datasets.spool import Spool
from phoenix_web.store.database import Database
from phoenix_web.store.datasets.uploads.uploads import UploadStore

if TYPE_CHECKING:
    from tests.support.servers import Postgres


def append(database: Database, numbers: range) -> None:
    with closing(Spool()) as examples:
        for number in numbers:
            examples.append(
                build_example(({"n": number}, {}, {}), 200, str(number), None, ("train",))
            )
        upload = Upload("numbers", "", UploadAction.APPEND, examples, are_splits_given=True)
        with database.transaction() as session:
            UploadStore(session, None).store(upload)


def known_rows(database: Database, table: str) -> float:
    """Return how many rows the planner takes *table* for; -1 when it has never heard of it."""
    with database.reading() as session:
        statement = text("SELECT reltuples FROM pg_class WHERE relname = :table")
        return float(session.execute(statement, {"table": table}).scalar_one())


@pytest.mark.postgres
@pytest.mark.parametrize(
    "table", ["dataset_examples", "dataset_example_revisions", "dataset_split_members"]
)
def test_the_planner_hears_of_a_dataset_that_grows_little_by_little(
    postgres: Postgres, table: str
) -> None:
    with postgres.new_database() as url:
        database = Database(url)
        database.upgrade()
        with database.transaction() as session:
            # PostgreSQL looks by itself about once a minute, which might be now.
            session.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
        known = []
        for start in range(0, 1300, 100):
            append(database, range(start, start + 100))
            known.append(known_rows(database, table))
        database.dispose()

    assert known == [-1] * 4 + [500] * 5 + [1000] * 4
