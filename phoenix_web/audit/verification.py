"""The proof that no line of the log was changed, removed or inserted."""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from phoenix_web.audit.chain import START
from phoenix_web.audit.events import AuditAction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from phoenix_web.audit.chain import Key
    from phoenix_web.audit.events import AuditEntry

_HEAD: Final = re.compile(r"([0-9]{1,19}):([0-9a-f]{64})")


class ChainBroken(Exception):
    """The log is not what was written; the message says where it begins to differ."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last line that retention has removed: the first one that is left hangs on it."""

    number: int
    mac: bytes
    key_id: str

    @property
    def as_dict(self) -> dict[str, int | str]:
        """Return what the event of the removal says of it."""
        return {"through": self.number, "mac": self.mac.hex(), "key": self.key_id}


@dataclass(frozen=True, slots=True)
class End:
    """Where the log says that it ends: the number of its newest line, and the next one's link."""

    number: int
    link: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line by its number and MAC. Kept elsewhere, it shows a cut end."""

    number: int
    mac: bytes

    @classmethod
    def parse(cls, text: str) -> Head | None:
        """Return the head that `str` has spelt as *text*, or None."""
        match = _HEAD.fullmatch(text.strip())
        return None if match is None else cls(int(match[1]), bytes.fromhex(match[2]))

    def __str__(self) -> str:
        return f"{self.number}:{self.mac.hex()}"


def verify_chain(
    entries: Iterable[AuditEntry],
    checkpoint: Checkpoint,
    end: End,
    keys: Mapping[str, Key],
    saved: Head | None = None,
) -> Head:
    """Return the head of a log whose *entries*, oldest first, are all as they were written.

    With *saved*, a head of another day, also prove that the log of that day is still there. Only
    one entry is held at a time. Raises `ChainBroken`.
    """
    number, mac, key = checkpoint.number, checkpoint.mac, _key(keys, checkpoint.key_id, 0)
    _compare(saved, number, mac)
    # Nobody accounts for nothing: a whole log has no checkpoint but its start.
    is_accounted = number == 0 and mac == START
    for entry in entries:
        if entry.number != number + 1:
            raise ChainBroken(f"event {number + 1} is missing: the next one is {entry.number}")
        link, key = key.link(mac), _key(keys, entry.key_id, entry.number)
        if not hmac.compare_digest(key.mac(link, entry), entry.mac):
            raise ChainBroken(f"event {entry.number} is not as it was written, or not where it was")
        number, mac = entry.number, entry.mac
        is_accounted = is_accounted or _accounts_for(entry, checkpoint)
        _compare(saved, number, mac)
    if number != end.number or not hmac.compare_digest(key.link(mac), end.link):
        raise ChainBroken(f"the log ends at event {number}, and it did not end there")
    if not is_accounted:
        raise ChainBroken(
            f"event {checkpoint.number} and all before it were not removed by retention"
        )
    if saved is not None and saved.number > number:
        raise ChainBroken(f"the log ends at event {number}, before the saved head {saved.number}")
    return Head(number, mac)


def _compare(saved: Head | None, number: int, mac: bytes) -> None:
    if saved is not None and saved.number == number and saved.mac != mac:
        raise ChainBroken(f"event {number} is not the one of the saved head")


def _key(keys: Mapping[str, Key], key_id: str, number: int) -> Key:
    if key_id not in keys:
        where = f"event {number}" if number else "the start"
        raise ChainBroken(f"{where} was written with the key {key_id}, which is not here")
    return keys[key_id]


def _accounts_for(entry: AuditEntry, checkpoint: Checkpoint) -> bool:
    """Tell whether *entry*, which is proved, says that retention has gone to *checkpoint*."""
    if entry.action != AuditAction.AUDIT_PRUNED:
        return False
    detail = json.loads(entry.detail)
    return all(detail.get(name) == value for name, value in checkpoint.as_dict.items())
