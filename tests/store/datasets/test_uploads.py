"""What uploads make of a dataset: compared with a small model, and raced against each other."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from phoenix_web.datasets.examples import Upload, UploadAction, build_example
from phoenix_web.datasets.spool import Spool
from phoenix_web.errors import Conflict, Invalid, InvalidCredential
from phoenix_web.global_ids import encode
from phoenix_web.store.datasets.datasets import DatasetStore
from phoenix_web.store.datasets.examples import batches
from phoenix_web.store.datasets.models import DatasetExample, DatasetSplit
from phoenix_web.store.datasets.uploads.uploads import UploadResult, UploadStore
from phoenix_web.store.datasets.versions import VersionStore
from tests.datasets.upload_model import Model, Refused, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phoenix_web.store.database import Database

_UNKNOWN = 10**12


def upload(
    database: Database,
    name: str,
    action: str,
    rows: Sequence[tuple[str | None, int, tuple[str, ...]]],
    **options: Any,
) -> UploadResult:
    """Store *rows*; *options* are `are_splits_given` (by default they are) and `user_id`."""
    with closing(Spool()) as examples:
        for external_id, content, splits in rows:
            examples.append(build_example(({"n": content}, {}, {}), 200, external_id, None, splits))
        told = Upload(
            name, "", UploadAction(action), examples, options.get("are_splits_given", True)
        )
        with database.transaction() as session:
            return UploadStore(session, options.get("user_id")).store(told)


def contents(database: Database, dataset_id: int, version_id: int) -> dict[int, int]:
    """Return the content of each example of a version by id."""
    return {
        example.id: json.loads(example.input_json)["n"]
        for batch in batches(database, dataset_id, version_id)
        for example in batch.examples
    }


def splits(database: Database, dataset_id: int, version_id: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for batch in batches(database, dataset_id, version_id):
        found.update(batch.splits)
    return found


def versions(database: Database, dataset_id: int) -> list[int]:
    """Return the ids of the versions, the oldest first."""
    with database.reading() as session:
        page = VersionStore(session, dataset_id).page(1000)
    return [version.id for version in reversed(page.items)]


def example_count(database: Database, dataset_id: int) -> int:
    with database.reading() as session:
        found = DatasetStore(session).find(dataset_id)
    assert found is not None
    return found.example_count


_ROWS = st.builds(
    Row,
    st.none() | st.sampled_from(["", "a", "b"]) | st.integers(0, 6),
    st.integers(0, 2),
    st.frozensets(st.sampled_from(["s", "t"])),
)
_UPLOADS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "update"]),
        st.lists(_ROWS, max_size=7),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def test_uploads_do_what_the_model_does(database: Database) -> None:
    numbers = count()

    @hypothesis_settings(max_examples=100 if database.engine.dialect.name == "sqlite" else 40)
    @given(_UPLOADS)
    def compare(uploads: list[tuple[str, list[Row], bool]]) -> None:
        name = f"d{next(numbers)}"
        model = Model()
        places: list[int] = []
        for action, rows, are_given in uploads:
            sent = [
                (
                    encode("DatasetExample", (places + [_UNKNOWN] * 7)[row.key])
                    if isinstance(row.key, int)
                    else row.key,
                    row.content,
                    tuple(sorted(row.splits)) if are_given else (),
                )
                for row in rows
            ]
            backup = json.dumps([[e.external_id, e.content] for e in model.examples])
            try:
                expected = model.upload(action, rows, are_splits_given=are_given)
            except Refused:
                assert json.dumps([[e.external_id, e.content] for e in model.examples]) == backup
                with pytest.raises(Invalid):
                    upload(database, name, action, sent, are_splits_given=are_given)
                continue
            result = upload(database, name, action, sent, are_splits_given=are_given)

            assert (result.created, result.updated, result.deleted) == expected
            with database.reading() as session:
                of_dataset = DatasetExample.dataset_id == result.dataset_id
                ids = select(DatasetExample.id).where(of_dataset).order_by(DatasetExample.id)
                places = list(session.execute(ids).scalars())
            ours = versions(database, result.dataset_id)
            assert result.version_id == ours[-1]
            assert [contents(database, result.dataset_id, version) for version in ours] == [
                {places[n]: content for n, content in version.items()} for version in model.versions
            ]
            assert splits(database, result.dataset_id, result.version_id) == {
                places[n]: sorted(example.splits)
                for n, example in enumerate(model.examples)
                if example.splits and example.content is not None
            }
            assert example_count(database, result.dataset_id) == len(model.versions[-1])

    compare()


def test_a_no_op_names_the_latest_version(database: Database) -> None:
    upload(database, "x", "create", [(None, 1, ())])
    latest = upload(database, "x", "append", [(None, 2, ())])

    again = upload(database, "x", "append", [(None, 1, ())])

    assert again == UploadResult(latest.dataset_id, latest.version_id)


def test_uploads_to_one_dataset_at_once_all_end_up_in_its_versions(database: Database) -> None:
    first = upload(database, "x", "create", [(None, -1, ())])

    def append(number: int) -> UploadResult:
        rows = [(None, number * 100 + n, ("train",)) for n in range(20)]
        # Contents that nobody else has: one without an id would be taken for another upload's.
        return upload(database, "x", "append", [*rows, (f"id{number}", -2 - number, ())])

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(append, range(6)))

    ours = versions(database, first.dataset_id)
    assert sorted(result.version_id for result in results) == ours[1:]
    sizes = [len(contents(database, first.dataset_id, version)) for version in ours]
    assert sizes == [1 + 21 * n for n in range(7)]
    assert example_count(database, first.dataset_id) == 1 + 21 * 6


def test_the_same_upload_many_times_at_once_adds_its_examples_once(database: Database) -> None:
    rows = [(f"id{n}", n, ("train", "test")) for n in range(20)]

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: upload(database, "x", "append", rows), range(6)))

    assert sorted(result.created for result in results) == [0, 0, 0, 0, 0, 20]
    assert len({result.dataset_id for result in results}) == 1
    assert len(versions(database, results[0].dataset_id)) == 1


def test_of_six_creations_at_once_one_wins(database: Database) -> None:
    def create(_: int) -> bool:
        try:
            upload(database, "x", "create", [(None, n, ()) for n in range(50)])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(create, range(6))) == [False] * 5 + [True]


@pytest.mark.parametrize("action", ["append", "update"])
def test_a_refused_upload_changes_nothing(database: Database, action: str) -> None:
    first = upload(database, "x", "create", [("a", 1, ("train",))])
    unknown = encode("DatasetExample", _UNKNOWN)

    with pytest.raises(Invalid, match="No examples found in this dataset"):
        upload(database, "x", action, [("a", 2, ("new",)), (None, 3, ()), (unknown, 4, ())])

    assert versions(database, first.dataset_id) == [first.version_id]
    assert list(contents(database, first.dataset_id, first.version_id).values()) == [1]
    with database.reading() as session:
        assert list(session.execute(select(DatasetSplit.name)).scalars()) == ["train"]


def test_a_failure_in_the_middle_of_an_update_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = upload(database, "x", "create", [("a", 1, ("train",)), ("b", 1, ())])

    def fail(*_: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(UploadStore, "_update_count", fail)
    with pytest.raises(RuntimeError, match="on fire"):
        upload(database, "x", "update", [("a", 2, ("new",)), ("c", 3, ())])

    assert versions(database, first.dataset_id) == [first.version_id]
    assert list(contents(database, first.dataset_id, first.version_id).values()) == [1, 1]
    assert list(splits(database, first.dataset_id, first.version_id).values()) == [["train"]]


def test_ids_in_the_order_of_many_batches(database: Database) -> None:
    rows: list[tuple[str | None, int, tuple[str, ...]]] = [
        (f"id{n}", n, ("even",) if n % 2 == 0 else ()) for n in range(12_000)
    ]
    first = upload(database, "x", "create", rows)
    second = upload(
        database, "x", "update", [(key, n + n % 2, names) for key, n, names in rows[::-1]]
    )

    assert (second.created, second.updated, second.deleted) == (0, 6000, 0)
    before = contents(database, first.dataset_id, first.version_id)
    after = contents(database, first.dataset_id, second.version_id)
    assert list(before.values()) == list(range(12_000))
    assert list(after.values()) == [n + n % 2 for n in range(12_000)]
    third = upload(database, "x", "update", [])
    assert third.deleted == 12_000
    assert contents(database, first.dataset_id, third.version_id) == {}
    assert contents(database, first.dataset_id, second.version_id) == after


def test_an_upload_of_a_deleted_user_is_refused(database: Database) -> None:
    with pytest.raises(InvalidCredential):
        upload(database, "x", "create", [(None, 1, ())], user_id=4711)
