"""The programs of the Phoenix documentation, unchanged but for address and key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.factories import ADMIN_SECRET
from tests.support.live import http_request
from tests.support.servers import program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeKey, MakeUser
    from tests.support.live import LiveServer

DOCUMENTED_ADDRESS = "http://localhost:6006"
DOCUMENTED_KEY = "your-api-key-here"

CURL = """\
curl -X GET "http://localhost:6006/v1/datasets" \\
  -H "Authorization: Bearer your-api-key-here"
"""

CURL_WITH_VARIABLE = """\
API_KEY="your-api-key-here"

curl -X GET "http://localhost:6006/v1/datasets" \\
  -H "Authorization: Bearer ${API_KEY}"
"""

ADMIN_CURL = """\
curl -X GET "http://localhost:6006/v1/datasets" \\
  -H "Authorization: Bearer ${PHOENIX_ADMIN_SECRET}"
"""

PYTHON = """\
import requests

api_key = "your-api-key-here"
base_url = "http://localhost:6006"

headers = {
    "Authorization": f"Bearer {api_key}"
}

response = requests.get(f"{base_url}/v1/datasets", headers=headers)
print(response.json())
"""

NODE = """\
const apiKey = 'your-api-key-here';
const baseUrl = 'http://localhost:6006';

const response = await fetch(`${baseUrl}/v1/datasets`, {
  headers: {
    'Authorization': `Bearer ${apiKey}`
  }
});

const data = await response.json();
console.log(data);
"""

CLIENT = """\
from phoenix.client import Client

for dataset in Client().datasets.list():
    print(dataset["name"])
"""


@pytest.fixture
def dataset(server: LiveServer, make_user: MakeUser) -> str:
    """Upload a dataset and return its name."""
    name = "questions of a day"
    answer = http_request(
        "POST",
        f"{server.url}/v1/datasets/upload?sync=true",
        headers=make_user().headers,
        json={"action": "create", "name": name, "inputs": [{"question": "Why?"}]},
    )
    assert answer.is_success, answer.text
    return name


def run(command: list[str], **variables: str) -> str:
    """Return what *command* prints, which asks the server past every proxy."""
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    answer = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**environment, **variables}
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def ours(text: str, server: LiveServer, key: str = "") -> str:
    """Return the documentation's *text* with our address and key."""
    return text.replace(DOCUMENTED_ADDRESS, server.url).replace(DOCUMENTED_KEY, key)


@pytest.mark.parametrize("text", [CURL, CURL_WITH_VARIABLE], ids=["literal", "variable"])
def test_the_curl_of_the_documentation_lists_datasets(
    server: LiveServer, make_user: MakeUser, make_key: MakeKey, dataset: str, text: str
) -> None:
    program("curl")
    key = make_key(make_user("VIEWER"))

    printed = run(["/bin/sh", "-c", ours(text, server, key.text)])

    assert [found["name"] for found in json.loads(printed)["data"]] == [dataset]


def test_the_admin_secrets_curl_of_the_documentation_lists_datasets(
    server: LiveServer, dataset: str
) -> None:
    program("curl")

    command = ["/bin/sh", "-c", ours(ADMIN_CURL, server)]
    printed = run(command, PHOENIX_ADMIN_SECRET=ADMIN_SECRET)

    assert [found["name"] for found in json.loads(printed)["data"]] == [dataset]


def test_the_python_program_of_the_documentation_lists_datasets(
    server: LiveServer, make_user: MakeUser, make_key: MakeKey, dataset: str
) -> None:
    key = make_key(make_user("VIEWER"))

    printed = run([sys.executable, "-c", ours(PYTHON, server, key.text)])

    assert f"'name': '{dataset}'" in printed


@pytest.mark.node
def test_the_node_program_of_the_documentation_lists_datasets(
    server: LiveServer, make_user: MakeUser, make_key: MakeKey, dataset: str, tmp_path: Path
) -> None:
    key = make_key(make_user("VIEWER"))
    script = tmp_path / "list.mjs"
    script.write_text(ours(NODE, server, key.text))

    printed = run([program("node"), str(script)])

    assert f"name: '{dataset}'" in printed


def test_the_phoenix_client_lists_datasets(
    server: LiveServer, make_user: MakeUser, make_key: MakeKey, dataset: str
) -> None:
    key = make_key(make_user("VIEWER"))

    printed = run(
        [sys.executable, "-c", CLIENT],
        PHOENIX_API_KEY=key.text,
        PHOENIX_COLLECTOR_ENDPOINT=server.url,
        PHOENIX_BASE_URL=server.url,
    )

    assert printed.splitlines() == [dataset]
