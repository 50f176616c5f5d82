"""Replaying recorded exchanges of Phoenix 20.26.1, and comparing answers field by field.

An exchange is `{name, server, as, request, response}`. Placeholders stand for what differs in
every run: `<jwt Kind>` for a credential's text, `<GlobalID Type>`, `<iso8601>`, `<http-date>`.
`<GlobalID Type #3>` is the third id of this type in the recording: one number, one id.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.global_ids import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from werkzeug.test import TestResponse

_PLACEHOLDER: Final = re.compile(r"<(jwt|GlobalID|iso8601|http-date)(?: (\w+)(?: #\d+)?)?>")
_NUMBERED: Final = re.compile(r"<GlobalID \w+ #\d+>")
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


class Ids:
    """The ids that numbered placeholders stand for: learnt at first sight, then always the same."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        """Start with the *known* ids by placeholder."""
        self._known = dict(known or {})

    def copy(self) -> Ids:
        """Return the same ids, to learn others."""
        return Ids(self._known)

    def learn(self, placeholder: str, text: str) -> bool:
        """Take *text* for the id; tell whether that agrees with what has been seen before."""
        if not _NUMBERED.fullmatch(placeholder):
            return True
        if placeholder not in self._known and text in self._known.values():
            return False
        return self._known.setdefault(placeholder, text) == text

    def fill(self, text: str) -> str:
        """Return *text* with each numbered placeholder as its id, where that is known."""
        return _NUMBERED.sub(lambda found: self._known.get(found[0], found[0]), text)


def load(name: str) -> list[dict[str, Any]]:
    """Return the exchanges of the file *name* beside this module, in their order."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    exchanges: list[dict[str, Any]] = json.loads(text)
    return exchanges


def fill(text: str, replace: Callable[[str, str], str]) -> str:
    """Return *text* with each placeholder as `replace(kind, type)` says."""
    return _PLACEHOLDER.sub(lambda found: replace(found[1], found[2] or ""), text)


def status(exchange: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recorded answer with what we do otherwise everywhere."""
    answer: dict[str, Any] = exchange["response"]
    headers = dict(answer["headers"])
    if "www-authenticate" in headers:
        # RFC 6750 section 3: an error where a credential was sent; the address of a document that
        # belongs to an OAuth2 server is told when there is one.
        headers["www-authenticate"] = 'Bearer realm="Arize Phoenix"'
        sent = exchange["request"].get("headers") or {}
        if sent.get("Authorization") or "phoenix-access-token" in sent.get("Cookie", ""):
            headers["www-authenticate"] += (
                f', error="invalid_token", error_description="{answer["body"]}"'
            )
    if answer["status"] == 204:
        # There is no content that could have a type.
        headers.pop("content-type", None)
    if exchange["request"]["path"] == "/auth/login" and "set-cookie" in headers:
        # A sign-in makes the browser known, for half a year, by a cookie like the others.
        given = headers["set-cookie"]
        attributes = re.sub(r"Max-Age=\d+", "Max-Age=15552000", given[0].partition("; ")[2])
        headers["set-cookie"] = [*given, f"phoenix-device=<jwt Device>; {attributes}"]
    return {**answer, "headers": headers}


def assert_replayed(
    exchanges: Sequence[dict[str, Any]],
    deviations: Mapping[str, Deviation],
    send: Callable[[dict[str, Any]], TestResponse],
    ids: Ids | None = None,
) -> None:
    """Send the *exchanges* in order; each answer is the recorded one, or that of its deviation.

    *ids* are those of the whole recording; without them each exchange has its own.
    """
    different, stale = {}, []
    for exchange in exchanges:
        name, recorded, response = exchange["name"], status(exchange), send(exchange)
        known = ids or Ids()
        deviation = deviations.get(name)
        if deviation and not differences(recorded, response, known.copy()):
            stale.append(name)
        expected = deviation.of(recorded) if deviation else recorded
        if found := differences(expected, response, known):
            different[name] = found

    assert different == {}
    assert stale == [], "these no longer deviate"


def assert_table_is_valid(
    exchanges: Sequence[dict[str, Any]], deviations: Mapping[str, Deviation]
) -> None:
    """Check that names are unique, that deviations belong to exchanges, and that they say why."""
    names = {exchange["name"] for exchange in exchanges}
    assert len(names) == len(exchanges)
    assert set(deviations) <= names
    assert all(deviation.why.endswith(".") for deviation in deviations.values())


def differences(expected: Mapping[str, Any], response: TestResponse, ids: Ids) -> list[str]:
    """Return how *response* differs from what is expected; each difference is one line.

    *ids* learn what the response tells.
    """
    found = []
    if response.status_code != expected["status"]:
        found.append(f"status {response.status_code}, not {expected['status']}")
    for name, value in expected["headers"].items():
        if name == "set-cookie":
            found += _cookie_differences(value, response.headers.getlist("Set-Cookie"), ids)
        elif name == "allow" and value:
            allowed = response.headers.get(name, "").split(", ")
            if sorted(allowed) != sorted(value.split(", ")):
                found.append(f"allow: {allowed}, not {value!r}")
        elif not _matches(value, response.headers.get(name), ids):
            found.append(f"{name}: {response.headers.get(name)!r}, not {value!r}")
    found += [
        f"{name}: {response.headers[name]!r}, not expected"
        for name in ("set-cookie", "location", "www-authenticate", "allow", "content-type")
        if name in response.headers and name not in expected["headers"]
    ]
    body = response.get_json() if response.is_json and response.data else response.text
    if not _matches(expected["body"], body, ids):
        found.append(f"body {body!r}, not {expected['body']!r}")
    return found


def _matches(expected: Any, value: Any, ids: Ids) -> bool:
    if expected == ANYTHING:
        return True
    if isinstance(expected, dict):
        # The order of fields is part of the contract, as it is of the document.
        return (
            isinstance(value, dict)
            and list(expected) == list(value)
            and all(_matches(expected[name], value[name], ids) for name in expected)
        )
    if isinstance(expected, list):
        return (
            isinstance(value, list)
            and len(expected) == len(value)
            and all(_matches(*pair, ids) for pair in zip(expected, value, strict=True))
        )
    if isinstance(expected, str) and isinstance(value, str):
        return _text_matches(expected, value, ids)
    return bool(expected == value and type(expected) is type(value))


def _text_matches(expected: str, value: str, ids: Ids) -> bool:
    placeholders = [found for found in _PLACEHOLDER.finditer(expected) if found[1] == "GlobalID"]
    pattern, end = "", 0
    for found in _PLACEHOLDER.finditer(expected):
        inner = _PATTERNS[found[1]]
        pattern += re.escape(expected[end : found.start()])
        pattern += f"({inner})" if found[1] == "GlobalID" else inner
        end = found.end()
    matched = re.fullmatch(pattern + re.escape(expected[end:]), value)
    return matched is not None and all(
        (decode(text) or ("",))[0] == found[2] and ids.learn(found[0], text)
        for found, text in zip(placeholders, matched.groups(), strict=True)
    )


def _cookie_differences(expected: list[str], sent: list[str], ids: Ids) -> list[str]:
    wanted, got = list(map(_cookie, expected)), list(map(_cookie, sent))
    if _matches(wanted, got, ids):
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
