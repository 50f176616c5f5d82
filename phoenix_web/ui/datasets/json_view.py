"""JSON as people read it: a line for each key, and text as text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

#: Characters of a part of an example that a page shows.
_MAX_TEXT: Final = 65_536
#: A text that is longer is folded.
_MAX_CHARACTERS: Final = 320
_MAX_LINES: Final = 8
#: What is seen of a folded text.
_PREVIEW: Final = 160
#: Characters that fit on one line of a column.
_ONE_LINE: Final = 24
#: Keys that have a line of their own; all that follow share one.
_MAX_KEYS: Final = 12


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One value and its key; without a key it is all there is."""

    key: str | None
    text: str
    #: Whether it is JSON rather than prose.
    is_code: bool = False
    #: Whether the store has more than is shown.
    is_cut: bool = False

    @property
    def preview(self) -> str | None:
        """Return the beginning of a text that is to be folded, or None for a short one."""
        if len(self.text) <= _MAX_CHARACTERS and self.text.count("\n") < _MAX_LINES:
            return None
        words = " ".join(self.text[:_PREVIEW].split())
        # Not in the middle of a word, unless it is one word.
        return (words.rpartition(" ")[0] or words) + " …"

    @property
    def is_short(self) -> bool:
        """Tell whether the key and the value go on one line."""
        return len(f"{self.key}{self.text}") <= _ONE_LINE and "\n" not in self.text


def lines(json_text: str) -> list[JsonLine]:
    """Return the lines of a bucket, the text of an object; none for an empty one."""
    if len(json_text) > _MAX_TEXT:
        return [JsonLine(None, json_text[:_MAX_TEXT], is_code=True, is_cut=True)]
    fields: dict[str, Any] = json.loads(json_text)
    if len(fields) == 1:
        (key, value) = next(iter(fields.items()))
        if isinstance(value, str):
            return [JsonLine(None, value)]
        if key == "messages" and (turns := _turns(value)):
            return turns
    first, rest = list(fields.items())[:_MAX_KEYS], list(fields.items())[_MAX_KEYS:]
    told = [_line(key, value) for key, value in first]
    if rest:
        told.append(JsonLine(f"and {len(rest)} more", _spelled(dict(rest)), is_code=True))
    return told


def _line(key: str, value: Any) -> JsonLine:
    return (
        JsonLine(key, value)
        if isinstance(value, str)
        else JsonLine(key, _spelled(value), is_code=True)
    )


def _turns(value: Any) -> list[JsonLine]:
    """Return a conversation by who speaks, or nothing when *value* is none."""
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_KEYS:
        return []
    for turn in value:
        is_plain = isinstance(turn, dict) and set(turn) == {"role", "content"}
        if not is_plain or not all(isinstance(part, str) for part in turn.values()):
            return []
    return [JsonLine(turn["role"], turn["content"]) for turn in value]


def _spelled(value: Any) -> str:
    """Return the JSON of *value*: on one line when it is short."""
    short = json.dumps(value, ensure_ascii=False)
    is_short = len(short) <= _MAX_CHARACTERS // 4 or not isinstance(value, dict | list)
    return short if is_short else json.dumps(value, ensure_ascii=False, indent=2)
