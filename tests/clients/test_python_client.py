"""arize-phoenix-client, as a program uses it: with an address and a key, and nothing else."""

from __future__ import annotations

import csv
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from phoenix.client import AsyncClient, Client
from phoenix.client.resources.datasets import Dataset as ClientDataset
from phoenix.client.resources.datasets import DatasetUploadError

from phoenix_web.store.datasets.models import Dataset, text_key
from tests.factories import services_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.clients.conftest import Phoenix

PROGRAM = """\
import asyncio

from phoenix.client import AsyncClient, Client

dataset = Client().datasets.create_dataset(name={name!r}, inputs=[{{"question": "Why?"}}])
print(len(dataset))


async def main():
    client = AsyncClient()
    await client.datasets.add_examples_to_dataset(
        dataset=dataset.id, inputs=[{{"question": "How?"}}]
    )
    print(len(await client.datasets.get_dataset(dataset={name!r})))


asyncio.run(main())
"""


@contextmanager
def opened(url: str, key: str) -> Iterator[Client]:
    """Yield a client, and close its connections at the end."""
    client = Client(base_url=url, api_key=key)
    with client._client:  # noqa: SLF001 - the client has no way to close it
        yield client


class Waiting:
    """The datasets of an `AsyncClient`, each call awaited, so that one test fits both clients."""

    def __init__(self, client: AsyncClient, portal: BlockingPortal) -> None:
        self._datasets = client.datasets
        self._portal = portal

    def __getattr__(self, method: str) -> Callable[..., Any]:
        called = getattr(self._datasets, method)
        return lambda **arguments: self._portal.call(partial(called, **arguments))


@pytest.fixture(params=["sync", "async"])
def datasets(request: pytest.FixtureRequest, phoenix: Phoenix) -> Iterator[Any]:
    """Return `client.datasets` of each client."""
    if request.param == "sync":
        with opened(phoenix.url, phoenix.key) as client:
            yield client.datasets
        return
    # In a thread of its own: the browser of other tests has an event loop running in this one.
    with start_blocking_portal() as portal:
        waiting = AsyncClient(base_url=phoenix.url, api_key=phoenix.key)
        yield Waiting(waiting, portal)
        portal.call(waiting._client.aclose)  # noqa: SLF001 - it has no way to close it


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a CSV file with cells that are hard to read."""
    path = tmp_path / "questions.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [
                ["question", "answer", "source", "part", "number"],
                ["Why?", 'Because, "so"', "a\nbook", "train", "q1"],
                ["Wie? 🤔", "1", "", '["train", "hard"]', "q2"],
                ["", "None", "web", "", "q3"],
            ]
        )
    return path


def contents(dataset: ClientDataset) -> list[tuple[Any, Any, Any]]:
    return [
        (example["input"], example["output"], example["metadata"]) for example in dataset.examples
    ]


def ids(dataset: ClientDataset) -> list[str]:
    return [example["id"] for example in dataset.examples]


def test_lists_become_a_dataset(datasets: Any, name: str) -> None:
    before = datetime.now(UTC)

    dataset = datasets.create_dataset(
        name=name,
        dataset_description="of a day",
        inputs=[{"question": "Why?", "of": [1, 2.5, None, True]}, {"question": "Wie?"}],
        outputs=[{"answer": {"text": "é"}}, {}],
        metadata=[{}, {"source": "book"}],
    )

    assert (dataset.name, dataset.description, dataset.metadata) == (name, "of a day", {})
    assert contents(dataset) == [
        ({"question": "Why?", "of": [1, 2.5, None, True]}, {"answer": {"text": "é"}}, {}),
        ({"question": "Wie?"}, {}, {"source": "book"}),
    ]
    assert dataset.example_count == len(dataset) == 2
    assert [example["node_id"] for example in dataset] == ids(dataset)
    assert dataset.created_at >= before.replace(microsecond=0)
    assert dataset.updated_at is not None
    assert ClientDataset.from_dict(dataset.to_dict()).examples == dataset.examples
    assert name in repr(dataset)


def test_a_dataset_is_found_by_all_that_names_it(datasets: Any, name: str) -> None:
    made = datasets.create_dataset(name=name, inputs=[{"n": 1}, {"n": 2}])

    for identifier in (made.id, name, made, {"id": made.id}, {"name": name}):
        found = datasets.get_dataset(dataset=identifier)

        assert found.to_dict() == made.to_dict()


def test_an_unknown_dataset_is_not_found(datasets: Any, name: str) -> None:
    with pytest.raises(ValueError, match="Dataset not found"):
        datasets.get_dataset(dataset=name)
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        datasets.get_dataset(dataset="RGF0YXNldDo5OTk5OTk=")
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        datasets.get_dataset_versions(dataset="RGF0YXNldDo5OTk5OTk=")


def test_a_dataset_without_examples_can_be_fetched(
    datasets: Any, name: str, phoenix: Phoenix
) -> None:
    httpx.post(
        f"{phoenix.url}/v1/datasets/upload?sync=true",
        headers={"Authorization": f"Bearer {phoenix.key}"},
        json={"name": name, "inputs": []},
    ).raise_for_status()

    assert len(datasets.get_dataset(dataset=name)) == 0


def test_examples_keep_their_ids_and_splits(datasets: Any, name: str) -> None:
    dataset = datasets.create_dataset(
        name=name,
        examples=[
            {"input": {"n": 1}, "output": {"n": 2}, "id": "first", "splits": ["train", "hard"]},
            {"input": {"n": 2}, "output": {}, "metadata": {"k": 1}, "splits": "test"},
            {"input": {"n": 3}, "output": {}, "id": "third", "span_id": "0123456789abcdef"},
        ],
    )
    found = [
        [example["input"]["n"] for example in datasets.get_dataset(dataset=name, splits=splits)]
        for splits in (["train"], ["hard", "test"], ["train", "hard"])
    ]

    assert ids(dataset) == ["first", dataset[1]["node_id"], "third"]
    assert found == [[1], [1, 2], [1]]
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        datasets.get_dataset(dataset=name, splits=["train", "no such split"])


def test_one_example_needs_no_list(datasets: Any, name: str) -> None:
    dataset = datasets.create_dataset(name=name, examples={"input": {"n": 1}, "output": {"n": 2}})
    added = datasets.add_examples_to_dataset(
        dataset=dataset, examples={"input": {"n": 3}, "output": {"n": 4}}
    )

    assert contents(added) == [({"n": 1}, {"n": 2}, {}), ({"n": 3}, {"n": 4}, {})]


def test_a_dataset_that_is_created_again_is_replaced_and_its_versions_stay(
    datasets: Any, name: str
) -> None:
    def example(number: int, value: str) -> dict[str, Any]:
        return {"input": {"v": value}, "output": {}, "id": f"example {number}"}

    first = datasets.create_dataset(name=name, examples=[example(1, "a"), example(2, "b")])
    second = datasets.create_dataset(name=name, examples=[example(2, "B"), example(3, "c")])
    versions = datasets.get_dataset_versions(dataset=name)

    assert second.id == first.id
    assert ids(second) == ["example 2", "example 3"]
    assert second[0]["node_id"] == first[1]["node_id"]
    assert [version["version_id"] for version in versions] == [second.version_id, first.version_id]
    assert all(version["created_at"].tzinfo for version in versions)
    assert datasets.get_dataset_versions(dataset=second, limit=1) == versions[:1]
    old = datasets.get_dataset(dataset=name, version_id=first.version_id)
    assert old.examples == first.examples


def test_what_was_downloaded_can_be_sent_again(datasets: Any, name: str) -> None:
    examples = [{"input": {"n": n}, "output": {}, "id": f"{n}" if n else None} for n in range(3)]
    first = datasets.create_dataset(name=name, examples=examples)

    again = datasets.create_dataset(name=name, examples=first.examples)

    assert again.version_id == first.version_id
    assert again.examples == first.examples


def test_examples_are_added(datasets: Any, name: str, table: Path) -> None:
    dataset = datasets.create_dataset(name=name, inputs=[{"n": 1}])

    by_name = datasets.add_examples_to_dataset(
        dataset=name, inputs=[{"n": 2}], outputs=[{"m": 2}], metadata=[{"k": "v"}]
    )
    by_id = datasets.add_examples_to_dataset(
        dataset=dataset.id,
        examples=[{"input": {"n": 1, "new": True}, "output": {}, "id": "x", "splits": ["late"]}],
    )
    by_file = datasets.add_examples_to_dataset(
        dataset=by_id,
        csv_file_path=table,
        input_keys=["question"],
        output_keys=["answer"],
        split_key="part",
        example_id_key="number",
    )

    assert contents(by_name)[1:] == [({"n": 2}, {"m": 2}, {"k": "v"})]
    assert by_id.examples == [*by_name.examples, *by_id.examples[2:]]
    assert ids(by_id)[2:] == ["x"]
    assert ids(by_file)[2:] == ["x", "q1", "q2", "q3"]
    assert by_file.description == dataset.description


def test_a_csv_file_becomes_a_dataset(datasets: Any, name: str, table: Path) -> None:
    dataset = datasets.create_dataset(
        name=name,
        csv_file_path=table,
        input_keys=["question"],
        output_keys=["answer"],
        metadata_keys=["source"],
        split_key="part",
        example_id_key="number",
    )

    assert contents(dataset) == [
        ({"question": "Why?"}, {"answer": 'Because, "so"'}, {"source": "a\nbook"}),
        ({"question": "Wie? 🤔"}, {"answer": "1"}, {}),
        ({}, {"answer": "None"}, {"source": "web"}),
    ]
    assert ids(dataset) == ["q1", "q2", "q3"]
    assert ids(datasets.get_dataset(dataset=name, splits=["hard"])) == ["q2"]
    assert ids(datasets.get_dataset(dataset=name, splits=["train"])) == ["q1", "q2"]


def test_a_csv_file_needs_no_keys(datasets: Any, name: str, table: Path) -> None:
    dataset = datasets.create_dataset(name=name, csv_file_path=str(table))

    assert contents(dataset)[0] == (
        {"question": "Why?"},
        {"answer": 'Because, "so"'},
        {"source": "a\nbook", "part": "train", "number": "q1"},
    )


def test_the_older_split_keys_and_span_ids_of_a_csv_file_work(
    datasets: Any, name: str, table: Path
) -> None:
    with pytest.warns(DeprecationWarning, match="split_keys is deprecated"):
        dataset = datasets.create_dataset(
            name=name,
            csv_file_path=table,
            input_keys=["question"],
            output_keys=["answer"],
            split_keys=["source", "number"],
            span_id_key="part",
        )

    found = datasets.get_dataset(dataset=name, splits=["web"])
    assert len(dataset) == 3
    assert contents(found) == [({}, {"answer": "None"}, {})]
    assert [example["source"] for example in dataset] == [None] * 3


def test_a_data_frame_becomes_a_dataset_and_comes_back(datasets: Any, name: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "question": ["Why?", "How?", None],
            "answer": [1, 2, 3],
            "good": [True, False, True],
            "part": ["train", '["train", "hard"]', None],
            "number": ["q1", "q2", None],
        }
    )

    datasets.create_dataset(
        name=name,
        dataframe=frame[:2],
        input_keys=["question"],
        output_keys=["answer"],
        metadata_keys=["good"],
        split_key="part",
        example_id_key="number",
    )
    dataset = datasets.add_examples_to_dataset(
        dataset=name, dataframe=frame[2:], input_keys=["question"], output_keys=["answer"]
    )

    assert contents(dataset) == [
        ({"question": "Why?"}, {"answer": "1"}, {"good": "True"}),
        ({"question": "How?"}, {"answer": "2"}, {"good": "False"}),
        ({}, {"answer": "3"}, {}),
    ]
    back = dataset.to_dataframe()
    assert back.index.tolist() == ids(dataset)
    assert back["output"].tolist() == [{"answer": "1"}, {"answer": "2"}, {"answer": "3"}]
    assert len(datasets.get_dataset(dataset=name, splits=["train"])) == 2


def test_all_datasets_are_listed_by_pages(datasets: Any, name: str, phoenix: Phoenix) -> None:
    names = [f"{name} {number}" for number in range(120)]
    now = datetime.now(UTC)
    with services_of(phoenix.app).database.transaction() as session:
        session.add_all(
            Dataset(
                name=one,
                name_key=text_key(one),
                description=None,
                metadata_json="{}",
                example_count=0,
                created_at=now,
                updated_at=now,
            )
            for one in names
        )

    listed = datasets.list()

    assert [dataset["name"] for dataset in listed][:120] == names[::-1]
    assert len({dataset["id"] for dataset in listed}) == len(listed)
    assert [datasets.list(limit=limit) for limit in (0, 3, 101)] == [[], listed[:3], listed[:101]]


def test_ten_thousand_examples_need_no_longer_timeout(datasets: Any, name: str) -> None:
    inputs = [{"question": f"What is {n} times {n}?", "n": n} for n in range(10_000)]

    dataset = datasets.create_dataset(name=name, inputs=inputs)

    assert [example["input"] for example in dataset] == inputs


def test_a_refused_upload_tells_why(datasets: Any, name: str) -> None:
    with pytest.raises(DatasetUploadError, match=r"U\+0000"):
        datasets.create_dataset(name=name, inputs=[{"text": "\0"}])
    with pytest.raises(DatasetUploadError, match="No examples found in this dataset"):
        datasets.create_dataset(
            name=name,
            examples=[{"input": {}, "output": {}, "id": "RGF0YXNldEV4YW1wbGU6OTk5OTk5"}],
        )


def test_a_viewer_reads_and_does_not_write(phoenix: Phoenix, datasets: Any, name: str) -> None:
    made = datasets.create_dataset(name=name, inputs=[{"n": 1}])

    with opened(phoenix.url, phoenix.viewer_key) as viewer:
        assert viewer.datasets.get_dataset(dataset=name).examples == made.examples
        with pytest.raises(DatasetUploadError, match="Viewers cannot perform this action"):
            viewer.datasets.create_dataset(name=name, inputs=[{"n": 2}])


def test_address_and_key_come_from_the_environment(
    phoenix: Phoenix, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_API_KEY", phoenix.key)
    monkeypatch.setenv("PHOENIX_BASE_URL", phoenix.url)

    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name=name)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert (answer.returncode, answer.stdout.split(), answer.stderr) == (0, ["1", "2"], "")
