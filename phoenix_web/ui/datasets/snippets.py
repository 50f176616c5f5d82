"""Code snippets that create and read datasets on this server."""

from __future__ import annotations

import json
from typing import Final

from phoenix_web.ui.keys.snippets import PLACEHOLDER, Snippet

_FIRST: Final = """\
from phoenix.client import Client

client = Client(base_url="{url}", api_key="{key}")
client.datasets.create_dataset(
    name="greetings",
    inputs=[{{"text": "hello"}}, {{"text": "bye"}}],
    outputs=[{{"text": "hi"}}, {{"text": "see you"}}],
)"""

_PYTHON: Final = """\
# pip install arize-phoenix-client
from phoenix.client import Client

client = Client(base_url="{url}", api_key="{key}")
dataset = client.datasets.get_dataset({arguments})
for example in dataset:
    print(example["input"], example["output"])"""

_NODE: Final = """\
// npm install @arizeai/phoenix-client
import {{ createClient }} from "@arizeai/phoenix-client";
import {{ getDataset }} from "@arizeai/phoenix-client/datasets";

const client = createClient({{
  options: {{
    baseUrl: "{url}",
    headers: {{ Authorization: "Bearer {key}" }},
  }},
}});
const dataset = await getDataset({{
  client,
  dataset: {{ {arguments} }},
}});
for (const example of dataset.examples) {{
  console.log(example.input, example.output);
}}"""


def first_dataset(url: str) -> str:
    """Return a snippet that creates a dataset on the server at *url*."""
    return _FIRST.format(url=url, key=PLACEHOLDER)


def reading_snippets(url: str, dataset_id: str, version_id: str | None) -> list[Snippet]:
    """Return snippets that read the dataset, or one version, from the server at *url*.

    They use ids, because names are arbitrary text that may not be safe in source code.
    """
    python = {"dataset": dataset_id, "version_id": version_id}
    node = {"datasetId": dataset_id, "versionId": version_id}
    values = {"url": url, "key": PLACEHOLDER}
    return [
        Snippet("python", "Python", _PYTHON.format(arguments=_arguments(python, "="), **values)),
        Snippet("node", "Node", _NODE.format(arguments=_arguments(node, ": "), **values)),
    ]


def _arguments(values: dict[str, str | None], sign: str) -> str:
    return ", ".join(
        f"{name}{sign}{json.dumps(value)}" for name, value in values.items() if value is not None
    )
