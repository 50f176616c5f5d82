"""@arizeai/phoenix-client in Node.js: with an address and a key from the environment."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from tests.support.servers import program

if TYPE_CHECKING:
    from tests.clients.conftest import Phoenix

pytestmark = pytest.mark.node

FOLDER: Final = Path(__file__).with_name("node")
IMPORTS: Final = """\
import { createClient } from "@arizeai/phoenix-client";
import {
  appendDatasetExamples,
  createDataset,
  getDataset,
  getDatasetExamples,
  getDatasetInfo,
} from "@arizeai/phoenix-client/datasets";

const name = process.env.DATASET_NAME;
const told = (value) => console.log(JSON.stringify(value));
"""

Run: TypeAlias = Callable[[str], list[Any]]


@pytest.fixture(scope="session")
def packages() -> Path:
    """Install what the lock names, unless it is there already, and return the folder."""
    npm = program("npm")
    lock = FOLDER / "package-lock.json"
    stamp = FOLDER / "node_modules" / "stamp"
    # One of the processes that test installs, and the others wait for it.
    with lock.open("rb") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            options = ["--ignore-scripts", "--omit=peer", "--no-audit", "--no-fund"]
            answer = subprocess.run(
                [npm, "ci", *options], cwd=FOLDER, check=False, capture_output=True, text=True
            )
            assert answer.returncode == 0, answer.stderr
            stamp.write_bytes(lock.read_bytes())
    return FOLDER


@pytest.fixture
def run(packages: Path, phoenix: Phoenix, name: str, tmp_path: Path) -> Run:
    """Call it with a program to get what the program has `told`."""
    variables = {
        "PHOENIX_HOST": phoenix.url,
        "PHOENIX_API_KEY": phoenix.key,
        "DATASET_NAME": name,
    }
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    path = tmp_path / "program.mjs"

    def run(text: str) -> list[Any]:
        path.write_text(IMPORTS + text, encoding="utf-8")
        answer = subprocess.run(
            [program("node"), "--preserve-symlinks", str(path)],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **variables},
        )
        assert (answer.returncode, answer.stderr) == (0, "")
        return [json.loads(line) for line in answer.stdout.splitlines()]

    return run


def test_a_dataset_is_created_and_read(run: Run, name: str) -> None:
    made, info, dataset, examples, same = run("""\
const made = await createDataset({
  name,
  description: "of a day",
  examples: [
    { input: { question: "Why?", of: [1, 2.5, null, true] }, output: { answer: "é" } },
    { input: { question: "Wie?" }, metadata: { source: "book" }, id: "second" },
  ],
});
told(made);
told(await getDatasetInfo({ dataset: { datasetName: name } }));
told(await getDataset({ dataset: { datasetId: made.datasetId } }));
told(await getDatasetExamples({ dataset: { datasetName: name } }));
told(await getDataset({ dataset: { datasetName: name } }));
""")

    assert info == {
        "id": made["datasetId"],
        "name": name,
        "description": "of a day",
        "metadata": {},
    }
    assert dataset == same == {**info, **examples}
    assert [
        (example["input"], example["output"], example["metadata"])
        for example in examples["examples"]
    ] == [
        ({"question": "Why?", "of": [1, 2.5, None, True]}, {"answer": "é"}, {}),
        ({"question": "Wie?"}, {}, {"source": "book"}),
    ]
    first, second = examples["examples"]
    assert first["id"] == first["nodeId"]
    assert second["id"] == "second"
    assert second["updatedAt"]


def test_examples_are_appended_by_id_and_by_name(run: Run) -> None:
    versions, old, new = run("""\
const { datasetId } = await createDataset({
  name, description: "", examples: [{ input: { n: 1 }, id: "a" }],
});
const before = await getDatasetExamples({ dataset: { datasetId } });
const first = await appendDatasetExamples({
  dataset: { datasetId }, examples: [{ input: { n: 2 } }],
});
const second = await appendDatasetExamples({
  dataset: { datasetName: name }, examples: [{ input: { n: 3 }, id: "a" }],
});
told([before.versionId, first.versionId, second.versionId]);
told(await getDatasetExamples({ dataset: { datasetId, versionId: before.versionId } }));
told(await getDatasetExamples({ dataset: { datasetId } }));
""")

    assert len(set(versions)) == 3
    assert (old["versionId"], new["versionId"]) == (versions[0], versions[2])
    assert [example["input"] for example in old["examples"]] == [{"n": 1}]
    assert [example["input"] for example in new["examples"]] == [{"n": 3}, {"n": 2}]


def test_a_dataset_that_is_created_again_is_replaced(run: Run) -> None:
    first, again, same, dataset = run("""\
const create = (...values) => createDataset({
  name, description: "", examples: values.map((n) => ({ input: { n }, id: `${n}` })),
});
told(await create(1, 2));
told(await create(2, 3));
told(await create(2, 3));
told(await getDataset({ dataset: { datasetName: name } }));
""")

    assert first == again == same
    assert [example["id"] for example in dataset["examples"]] == ["2", "3"]


def test_a_dataset_without_examples_can_be_read(run: Run) -> None:
    made, dataset, appended = run("""\
const made = await createDataset({ name, description: "", examples: [] });
told(made);
told(await getDataset({ dataset: { datasetId: made.datasetId } }));
told(await appendDatasetExamples({ dataset: made, examples: [{ input: { n: 1 } }] }));
""")

    assert dataset["id"] == made["datasetId"] == appended["datasetId"]
    assert dataset["examples"] == []


def test_examples_are_filtered_by_splits(run: Run) -> None:
    [found] = run("""\
await createDataset({
  name,
  description: "",
  examples: [
    { input: { n: 1 }, splits: ["easy & short", "train"] },
    { input: { n: 2 }, splits: "train" },
    { input: { n: 3 } },
  ],
});
const found = [];
for (const splits of [["easy & short"], ["train", "easy & short"], undefined]) {
  const { examples } = await getDatasetExamples({ dataset: { datasetName: name, splits } });
  found.push(examples.map(({ input }) => input.n));
}
told(found);
""")

    assert found == [[1], [1, 2], [1, 2, 3]]


def test_the_typed_client_reaches_every_route(run: Run, name: str) -> None:
    version, listed, dataset, versions, examples, splits, patched, labels, files, gone = run("""\
const client = createClient();
const { datasetId: id } = await createDataset({
  name, description: "", examples: [{ input: { n: 1 }, id: "one", splits: `part of ${name}` }],
});
const params = { path: { id } };
const must = async (answer) => {
  const { data, response } = await answer;
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return data;
};
told(await client.getServerVersion());
told(await must(client.GET("/v1/datasets", { params: { query: { name, limit: 5 } } })));
told(await must(client.GET("/v1/datasets/{id}", { params })));
told(await must(client.GET("/v1/datasets/{id}/versions", { params })));
told(await must(client.GET("/v1/datasets/{id}/examples", {
  params: { ...params, query: { split: [`part of ${name}`] } },
})));

const named = { path: { dataset_identifier: name } };
const split = await must(client.POST("/v1/datasets/{dataset_identifier}/splits", {
  params: named, body: { name: `new ${name}`, example_ids: ["one"] },
}));
told(await must(client.GET("/v1/datasets/{dataset_identifier}/splits", { params: named })));
const ofSplit = { path: { dataset_identifier: name, split_id: split.data.id } };
told(await must(client.PATCH("/v1/datasets/{dataset_identifier}/splits/{split_id}", {
  params: ofSplit, body: { remove_example_ids: ["one"], color: "#123456" },
})));
await must(client.DELETE("/v1/datasets/{dataset_identifier}/splits/{split_id}", {
  params: ofSplit,
}));

const label = await must(client.POST("/v1/dataset_labels", {
  body: { name, color: "#00ff00" },
}));
await must(client.PUT("/v1/datasets/{dataset_identifier}/labels/{label_id}", {
  params: { path: { dataset_identifier: name, label_id: label.data.id } },
}));
told(await must(client.GET("/v1/datasets/{dataset_identifier}/labels", { params: named })));
const ofLabel = { params: { path: { label_id: label.data.id } } };
await must(client.PATCH("/v1/dataset_labels/{label_id}", {
  ...ofLabel, body: { description: "good" },
}));
await must(client.GET("/v1/dataset_labels/{label_id}", ofLabel));
await must(client.DELETE("/v1/dataset_labels/{label_id}", ofLabel));

const files = [];
for (const file of ["csv", "jsonl", "jsonl/openai_ft", "jsonl/openai_evals"]) {
  files.push(await must(client.GET(`/v1/datasets/{id}/${file}`, { params, parseAs: "text" })));
}
told(files);
await must(client.DELETE("/v1/datasets/{id}", { params }));
told((await fetch(`${process.env.PHOENIX_HOST}/v1/datasets/${id}`, {
  headers: { Authorization: `Bearer ${process.env.PHOENIX_API_KEY}` },
})).status);
""")

    assert version[0] >= 15
    assert listed == {"data": [dataset["data"]], "next_cursor": None}
    assert dataset["data"]["example_count"] == 1
    assert [found["version_id"] for found in versions["data"]] == [examples["data"]["version_id"]]
    assert examples["data"]["filtered_splits"] == [f"part of {name}"]
    assert [(split["name"], split["example_count"]) for split in splits["data"]] == [
        (f"new {name}", 1),
        (f"part of {name}", 1),
    ]
    assert (patched["data"]["color"], patched["data"]["example_count"]) == ("#123456", 0)
    assert [label["name"] for label in labels["data"]] == [name]
    csv, *lines = (file.splitlines()[0] for file in files)
    assert csv == "id,node_id,input.n,splits"
    assert list(map(json.loads, lines)) == [
        {
            "id": "one",
            "node_id": examples["data"]["examples"][0]["node_id"],
            "input": {"n": 1},
            "output": {},
            "metadata": {},
            "splits": [f"part of {name}"],
        },
        {"messages": []},
        {"messages": [], "ideal": ""},
    ]
    assert gone == 404


def test_a_refusal_is_an_error(run: Run) -> None:
    [statuses] = run("""\
const statuses = [];
for (const attempt of [
  () => getDataset({ dataset: { datasetId: "RGF0YXNldDo5OTk5OTk=" } }),
  () => getDatasetExamples({ dataset: { datasetId: "nonsense" } }),
  () => createDataset({ name: "", description: "", examples: [] }),
]) {
  statuses.push(await attempt().then(() => 200, (error) => error.status));
}
told(statuses);
""")

    assert statuses == [404, 422, 422]


def test_address_and_key_may_be_options(run: Run, name: str) -> None:
    [info] = run("""\
const { PHOENIX_HOST: baseUrl, PHOENIX_API_KEY: key } = process.env;
delete process.env.PHOENIX_HOST;
delete process.env.PHOENIX_API_KEY;
const client = createClient({
  options: { baseUrl, headers: { Authorization: `Bearer ${key}` } },
});
await createDataset({ client, name, description: "", examples: [{ input: { n: 1 } }] });
told(await getDatasetInfo({ client, dataset: { datasetName: name } }));
""")

    assert info["name"] == name
