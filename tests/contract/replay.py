"""Replaying recorded exchanges of Phoenix 20.26.1, and comparing answers field by field.

An exchange is `{name, server, as, request, response}`. Placeholders stand for what differs in
every run: `<jwt Kind>` for a credential's text, `<GlobalID Type>`, `<iso8601>`, `<http-date>`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.global_ids import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.test import TestResponse

_PLACEHOLDER: Final = re.compile(r"<(jwt|GlobalID|iso8601|http-date)(?: (\w+))?>")
_PATTERNS: Final = {
    "jwt": r"[\w.-]{40,}",
    "GlobalID": r"[\w+/]+=*",
    "iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d:\d\d",
    "http-date": r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT",
}
#: Stands for "whatever it is" in an expected body.
ANYTHING: Final = "<anything>"


@dataclass(frozen=True)
class Deviation:
    """Why our answer differs from the recorded one, and how."""

    why: str
    #: What we answer instead; whatever is None is as it was recorded.
    status: int | None = None
    body: Any = None
    #: Headers that differ; a value of None means that we do not send this one.
    headers: Mapping[str, str | None] = field(default_factory=dict)
    cookies: list[str] | None = None

    def of(self, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer that we give instead of the *recorded* one."""
        headers = {**recorded["headers"], **self.headers}
        if self.cookies is not None:
            headers["set-cookie"] = self.cookies
        return {
            "status": recorded["status"] if self.status is None else self.status,
            "headers": {name: value for name, value in headers.items() if value is not None},
            "body": recorded["body"] if self.body is None else self.body,
        }


def load(name: str) -> list[dict[str, Any]]:
    """Return the exchanges of the file *name* beside this module, in their order."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    exchanges: list[dict[str, Any]] = json.loads(text)
    return exchanges


def fill(text: str, replace: Callable[[str, str], str]) -> str:
    """Return *text* with each placeholder as `replace(kind, type)` says."""
    return _PLACEHOLDER.sub(lambda found: replace(found[1], found[2] or ""), text)


def differences(expected: Mapping[str, Any], response: TestResponse) -> list[str]:
    """Return how *response* differs from what is expected; each difference is one line."""
    found = []
    if response.status_code != expected["status"]:
        found.append(f"status {response.status_code}, not {expected['status']}")
    for name, value in expected["headers"].items():
        if name == "set-cookie":
            found += _cookie_differences(value, response.headers.getlist("Set-Cookie"))
        elif name == "allow" and value:
            allowed = response.headers.get(name, "").split(", ")
            if sorted(allowed) != sorted(value.split(", ")):
                found.append(f"allow: {allowed}, not {value!r}")
        elif not _matches(value, response.headers.get(name)):
            found.append(f"{name}: {response.headers.get(name)!r}, not {value!r}")
    found += [
        f"{name}: {response.headers[name]!r}, not expected"
        for name in ("set-cookie", "location", "www-authenticate", "allow", "content-type")
        if name in response.headers and name not in expected["headers"]
    ]
    body = response.get_json() if response.is_json and response.data else response.text
    if not _matches(expected["body"], body):
        found.append(f"body {body!r}, not {expected['body']!r}")
    return found


def _matches(expected: Any, value: Any) -> bool:
    if expected == ANYTHING:
        return True
    if isinstance(expected, dict):
        # The order of fields is part of the contract, as it is of the document.
        return (
            isinstance(value, dict)
            and list(expected) == list(value)
            and all(_matches(expected[name], value[name]) for name in expected)
        )
    if isinstance(expected, list):
        return (
            isinstance(value, list)
            and len(expected) == len(value)
            and all(map(_matches, expected, value))
        )
    if isinstance(expected, str) and isinstance(value, str):
        return _text_matches(expected, value)
    return bool(expected == value and type(expected) is type(value))


def _text_matches(expected: str, value: str) -> bool:
    types = [found[2] for found in _PLACEHOLDER.finditer(expected) if found[1] == "GlobalID"]
    pattern, end = "", 0
    for found in _PLACEHOLDER.finditer(expected):
        inner = _PATTERNS[found[1]]
        pattern += re.escape(expected[end : found.start()])
        pattern += f"({inner})" if found[1] == "GlobalID" else inner
        end = found.end()
    matched = re.fullmatch(pattern + re.escape(expected[end:]), value)
    return matched is not None and all(
        (decode(text) or ("",))[0] == kind
        for kind, text in zip(types, matched.groups(), strict=True)
    )


def _cookie_differences(expected: list[str], sent: list[str]) -> list[str]:
    wanted, got = list(map(_cookie, expected)), list(map(_cookie, sent))
    if len(wanted) == len(got) and all(map(_matches, wanted, got)):
        return []
    return [f"cookies {got!r}, not {wanted!r}"]


def _cookie(line: str) -> dict[str, str]:
    """Return a cookie's name, value and attributes, in order of their names.

    The case of an attribute means nothing, and neither does `Expires` beside `Max-Age`.
    """
    (name, value), *attributes = (part.strip().partition("=")[::2] for part in line.split(";"))
    told = {attribute.lower(): text.lower() for attribute, text in attributes}
    if "max-age" in told:
        told.pop("expires", None)
    return {"name": name, "value": value.strip('"'), **dict(sorted(told.items()))}
