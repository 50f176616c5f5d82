"""Verification that no entry of the audit log was changed, removed or inserted."""

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
    """The log differs from the one that was written; the message names the first difference."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last entry that retention removed; the chain continues from its MAC."""

    number: int
    mac: bytes
    key_id: str

    @property
    def as_dict(self) -> dict[str, int | str]:
        """Return the checkpoint as the detail of an `audit.pruned` event."""
        return {"through": self.number, "mac": self.mac.hex(), "key": self.key_id}


@dataclass(frozen=True, slots=True)
class End:
    """The stored end of the log: the number of the newest entry and the link after it."""

    number: int
    link: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Number and MAC of the newest entry. A copy saved elsewhere reveals a truncated log."""

    number: int
    mac: bytes

    @classmethod
    def parse(cls, text: str) -> Head | None:
        """Return the head from its text form `number:mac`, or None if *text* is invalid."""
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
    """Verify *entries*, oldest first, and return the head of the log.

    Also verify that the log still contains *saved*, an earlier head. Keeps one entry in memory.
    Raises `ChainBroken`.
    """
    number, mac, key = checkpoint.number, checkpoint.mac, _key(keys, checkpoint.key_id, 0)
    _compare(saved, number, mac)
    # A verified entry must record the removal up to the checkpoint, unless nothing was removed.
    is_recorded = number == 0 and mac == START
    for entry in entries:
        if entry.number != number + 1:
            raise ChainBroken(f"event {number + 1} is missing; the next event is {entry.number}")
        link, key = key.link(mac), _key(keys, entry.key_id, entry.number)
        if not hmac.compare_digest(key.mac(link, entry), entry.mac):
            raise ChainBroken(f"event {entry.number} was changed or moved")
        number, mac = entry.number, entry.mac
        is_recorded = is_recorded or _records_pruning(entry, checkpoint)
        _compare(saved, number, mac)
    if number != end.number or not hmac.compare_digest(key.link(mac), end.link):
        raise ChainBroken(f"the log ends at event {number}, which is not the recorded end")
    if not is_recorded:
        raise ChainBroken(f"no event records the removal of events 1 to {checkpoint.number}")
    if saved is not None and saved.number > number:
        raise ChainBroken(f"the log ends at event {number}, before the saved head {saved.number}")
    return Head(number, mac)


def _compare(saved: Head | None, number: int, mac: bytes) -> None:
    if saved is not None and saved.number == number and saved.mac != mac:
        raise ChainBroken(f"event {number} differs from the saved head")


def _key(keys: Mapping[str, Key], key_id: str, number: int) -> Key:
    if key_id not in keys:
        where = f"event {number}" if number else "the start"
        raise ChainBroken(f"{where} was written with the key {key_id}, which was not given")
    return keys[key_id]


def _records_pruning(entry: AuditEntry, checkpoint: Checkpoint) -> bool:
    """Return whether the verified *entry* records a removal up to *checkpoint*."""
    if entry.action != AuditAction.AUDIT_PRUNED:
        return False
    detail = json.loads(entry.detail)
    return all(detail.get(name) == value for name, value in checkpoint.as_dict.items())
