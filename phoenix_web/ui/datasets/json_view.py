"""Display of JSON objects: one line for each key, with strings as plain text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

#: Characters of a bucket that a page shows.
_MAX_TEXT: Final = 65_536
#: Longer text is collapsed.
_MAX_CHARACTERS: Final = 320
_MAX_LINES: Final = 8
#: Characters of collapsed text that stay visible.
_PREVIEW: Final = 160
#: Characters that fit on one line of a column.
_ONE_LINE: Final = 24
#: Keys with separate lines; the remaining keys share one line.
_MAX_KEYS: Final = 12


@dataclass(frozen=True, slots=True)
class JsonLine:
    """A value with its key; None is the key of a value shown alone."""

    key: str | None
    text: str
    #: Whether the text is JSON rather than prose.
    is_code: bool = False
    #: Whether the text is truncated.
    is_cut: bool = False

    @property
    def preview(self) -> str | None:
        """Return the visible start of collapsed text, or None for short text."""
        if len(self.text) <= _MAX_CHARACTERS and self.text.count("\n") < _MAX_LINES:
            return None
        words = " ".join(self.text[:_PREVIEW].split())
        # Cut between words, unless there is only one.
        return (words.rpartition(" ")[0] or words) + " …"

    @property
    def is_short(self) -> bool:
        """Return whether key and value fit on one line."""
        return len(f"{self.key}{self.text}") <= _ONE_LINE and "\n" not in self.text


def lines(json_text: str) -> list[JsonLine]:
    """Return the lines for a bucket, which is an encoded JSON object."""
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
    shown = [_line(key, value) for key, value in first]
    if rest:
        shown.append(JsonLine(f"and {len(rest)} more", _encoded(dict(rest)), is_code=True))
    return shown


def _line(key: str, value: Any) -> JsonLine:
    return (
        JsonLine(key, value)
        if isinstance(value, str)
        else JsonLine(key, _encoded(value), is_code=True)
    )


def _turns(value: Any) -> list[JsonLine]:
    """Return the messages of a conversation by role, or an empty list for other values."""
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_KEYS:
        return []
    for turn in value:
        is_plain = isinstance(turn, dict) and set(turn) == {"role", "content"}
        if not is_plain or not all(isinstance(part, str) for part in turn.values()):
            return []
    return [JsonLine(turn["role"], turn["content"]) for turn in value]


def _encoded(value: Any) -> str:
    """Encode *value* as JSON, on one line if it is short."""
    short = json.dumps(value, ensure_ascii=False)
    is_short = len(short) <= _MAX_CHARACTERS // 4 or not isinstance(value, dict | list)
    return short if is_short else json.dumps(value, ensure_ascii=False, indent=2)
