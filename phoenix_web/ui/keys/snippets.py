"""Code snippets that use a key, with the key and the server URL filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines of code to copy."""

    id: str
    title: str
    code: str


#: Stands for the key in a snippet if there is none to show.
PLACEHOLDER: Final = "<your-api-key>"

_ENVIRONMENT: Final = """\
export PHOENIX_API_KEY='{key}'
export PHOENIX_HOST='{url}'
export PHOENIX_COLLECTOR_ENDPOINT='{url}'"""

_CURL: Final = """\
curl "{url}/v1/datasets" \\
  -H "Authorization: Bearer {key}\""""

_PYTHON: Final = """\
import requests

response = requests.get(
    "{url}/v1/datasets",
    headers={{"Authorization": "Bearer {key}"}},
    timeout=10,
)
response.raise_for_status()
print(response.json())"""

_NODE: Final = """\
const response = await fetch("{url}/v1/datasets", {{
  headers: {{ Authorization: "Bearer {key}" }},
}});
console.log(await response.json());"""

_CLIENT: Final = """\
from phoenix.client import Client

client = Client(
    base_url="{url}",
    api_key="{key}",
)
print(client.datasets.list())"""

_TEMPLATES: Final = (
    ("env", "Environment", _ENVIRONMENT),
    ("curl", "curl", _CURL),
    ("python", "Python", _PYTHON),
    ("node", "Node", _NODE),
    ("client", "Phoenix client", _CLIENT),
)


def snippets(url: str, key: str = PLACEHOLDER) -> list[Snippet]:
    """Return the snippets for the server at *url* with *key*."""
    return [Snippet(name, title, code.format(url=url, key=key)) for name, title, code in _TEMPLATES]
