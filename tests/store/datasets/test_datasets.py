"""How datasets lie in the store."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, inspect, select

from phoenix_web.datasets.formats.json import read
from phoenix_web.errors import Conflict
from phoenix_web.store import migrations
from phoenix_web.store.datasets.bulk import allocate_ids
from phoenix_web.store.datasets.datasets import DatasetStore
from phoenix_web.store.datasets.models import (
    Dataset,
    DatasetExample,
    DatasetExampleRevision,
    DatasetSplit,
    DatasetSplitMember,
    DatasetVersion,
)
from phoenix_web.store.datasets.uploads.uploads import UploadResult, UploadStore
from phoenix_web.store.models import Base
from tests.support.forms import LIMITS

if TYPE_CHECKING:
    from phoenix_web.datasets.examples import Upload
    from phoenix_web.store.database import Database


def upload_of(name: str = "x", **fields: Any) -> Upload:
    body = {"name": name, "inputs": [{"a": 1}], **fields}
    return read(json.dumps(body).encode(), LIMITS)


def create(database: Database, name: str = "x", **fields: Any) -> UploadResult:
    upload = upload_of(name, **fields)
    with closing(upload.examples), database.transaction() as session:
        return UploadStore(session, user_id=None).store(upload)


def rows(database: Database, *columns: Any) -> list[tuple[Any, ...]]:
    with database.reading() as session:
        return [tuple(row) for row in session.execute(select(*columns).order_by(*columns))]


def counts(database: Database) -> list[int]:
    tables = (Dataset, DatasetVersion, DatasetExample, DatasetExampleRevision, DatasetSplitMember)
    with database.reading() as session:
        return [
            session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        ]


def test_the_migrations_make_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        # Imported as the migrations do: it is slow to load.
        from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - see above
        from alembic.migration import MigrationContext  # noqa: PLC0415 - see above

        context = MigrationContext.configure(connection)

        assert compare_metadata(context, Base.metadata) == []
        assert migrations.current(connection) == migrations.head()
        assert inspect(connection).has_table("dataset_example_revisions")


def test_an_upload_is_stored_with_every_value(database: Database) -> None:
    result = create(
        database,
        inputs=[{"b": 20.0, "a": 1}, {"q": "é"}],
        outputs=[{"o": [1e3]}, {}],
        metadata=[{}, {"m": None}],
        example_ids=["one", None],
        span_ids=[None, "span"],
    )

    examples = rows(database, DatasetExample.id, DatasetExample.external_id, DatasetExample.span_id)
    revisions = rows(
        database,
        DatasetExampleRevision.example_id,
        DatasetExampleRevision.version_id,
        DatasetExampleRevision.kind,
        DatasetExampleRevision.input_json,
        DatasetExampleRevision.output_json,
        DatasetExampleRevision.metadata_json,
        DatasetExampleRevision.ended_by,
    )
    version = result.version_id
    assert [example[1:] for example in examples] == [("one", None), (None, "span")]
    assert [revision[1:] for revision in revisions] == [
        (version, "CREATE", '{"b":20.0,"a":1}', '{"o":[1000.0]}', "{}", None),
        (version, "CREATE", '{"q":"é"}', "{}", '{"m":null}', None),
    ]
    assert [revision[0] for revision in revisions] == [example[0] for example in examples]
    assert result.created == 2


def test_the_order_of_examples_is_the_order_sent(database: Database) -> None:
    create(database, inputs=[{"n": n} for n in range(25_000)])

    stored = rows(database, DatasetExampleRevision.example_id, DatasetExampleRevision.input_json)

    assert [text for _, text in stored] == [f'{{"n":{n}}}' for n in range(25_000)]


def test_ids_of_examples_are_never_used_again(database: Database) -> None:
    first = create(database, inputs=[{}, {}, {}])
    before = {row[0] for row in rows(database, DatasetExample.id)}

    with database.transaction() as session:
        session.execute(delete(Dataset))
    second = create(database, inputs=[{}, {}, {}])

    after = {row[0] for row in rows(database, DatasetExample.id)}
    assert min(after) > max(before)
    assert second.dataset_id > first.dataset_id
    assert second.version_id > first.version_id


def test_allocated_ids_ascend_and_none_are_no_trouble(database: Database) -> None:
    with database.transaction() as session:
        ids = list(allocate_ids(session, DatasetExample.id, 1000))
        assert list(allocate_ids(session, DatasetExample.id, 0)) == []

    assert ids == sorted(set(ids))
    assert len(ids) == 1000


def test_deleting_a_dataset_takes_all_of_it_but_the_splits(database: Database) -> None:
    create(database, inputs=[{}, {}], splits=["train", ["train", "test"]])
    assert counts(database) == [1, 1, 2, 2, 3]

    with database.transaction() as session:
        session.execute(delete(Dataset))

    assert counts(database) == [0, 0, 0, 0, 0]
    assert [row[0] for row in rows(database, DatasetSplit.name)] == ["test", "train"]


def test_splits_are_shared_by_datasets_and_made_once(database: Database) -> None:
    create(database, "one", inputs=[{}, {}], splits=["train", ["new", "train"]])
    create(database, "two", inputs=[{}], splits=["train"])

    assert rows(database, DatasetSplit.name, DatasetSplit.color, DatasetSplit.description) == [
        ("new", "#808080", None),
        ("train", "#808080", None),
    ]
    assert counts(database)[-1] == 4


def test_one_name_is_for_one_dataset_and_nothing_of_the_second_stays(database: Database) -> None:
    create(database, "x", splits=["kept"])

    with pytest.raises(Conflict, match='A dataset named "x" already exists'):
        create(database, "x", splits=["lost"])

    assert counts(database) == [1, 1, 1, 1, 1]
    assert rows(database, DatasetSplit.name) == [("kept",)]


def test_a_failure_in_the_middle_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(UploadStore, "_update_count", fail)

    with pytest.raises(RuntimeError, match="on fire"):
        create(database, splits=["train"])

    assert counts(database) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("length", [1, 5_000, 100_000])
def test_texts_of_any_length_are_kept_and_told_apart(database: Database, length: int) -> None:
    # Not repetitive, because PostgreSQL compresses what it puts into an index.
    long = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(length))
    create(database, long, inputs=[{}, {}], example_ids=[long, long + "x"], splits=[long, "y"])
    create(database, long + "x")

    with database.reading() as session:
        found = DatasetStore(session).page(10, None, long).items
    assert [dataset.name for dataset in found] == [long]
    with pytest.raises(Conflict):
        create(database, long)


@pytest.mark.parametrize("other", ["X", "x ", " x", "é", "e\u0301"])
def test_names_are_compared_byte_for_byte(database: Database, other: str) -> None:
    create(database, "x")
    create(database, "é" if other != "é" else "e\u0301")

    create(database, other)

    assert counts(database)[0] == 3


def test_a_page_starts_at_its_cursor_and_never_loses_or_repeats(database: Database) -> None:
    ids = [create(database, f"d{n}").dataset_id for n in range(7)]

    @hypothesis_settings(max_examples=20)
    @given(st.integers(1, 9))
    def all_pages(limit: int) -> None:
        seen: list[int] = []
        cursor = None
        with database.reading() as session:
            while True:
                page = DatasetStore(session).page(limit, cursor, None)
                seen += [dataset.id for dataset in page.items]
                assert len(page.items) <= limit
                cursor = page.next_id
                if cursor is None:
                    break
        assert seen == ids[::-1]

    all_pages()


def test_a_dataset_tells_how_many_examples_it_has(database: Database) -> None:
    result = create(database, "x", inputs=[{}] * 12)
    empty = create(database, "y", inputs=[])

    with database.reading() as session:
        found = DatasetStore(session).find(result.dataset_id)
        never_filled = DatasetStore(session).find(empty.dataset_id)
        assert DatasetStore(session).find(2**63 - 1) is None
    assert found is not None
    assert never_filled is not None
    assert (found.example_count, never_filled.example_count) == (12, 0)
    assert found.metadata == {}
    assert found.created_at == found.updated_at
