"""The chain: each line of the log carries a MAC over itself and over all lines before it.

The MAC covers the line and a link. The link is made of the MAC before it, with the key, and is
stored nowhere but for the newest line: whoever cuts off the end of the log and has no key cannot
know the link that belongs to what they leave.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from phoenix_web.audit.events import AuditEntry

#: Stands for the MAC before the first line.
START: Final = bytes(32)

#: What a MAC covers, in this order. It never changes, or no older line could be proved: a field
#: that is added needs a form of its own beside this one.
_FORM_1: Final = (
    "number",
    "at",
    "action",
    "outcome",
    "reason",
    "actor_id",
    "actor_name",
    "credential_kind",
    "credential_id",
    "address",
    "agent",
    "subject_kind",
    "subject_id",
    "subject_label",
    "detail",
    "key_id",
)


class Key:
    """A key of the chain. Every line names its key, so that a key can be replaced."""

    def __init__(self, text: str) -> None:
        """Make MACs with *text*."""
        self._key = text.encode()
        self.id = self._hmac(b"key id", b"")[:4].hex()

    def link(self, mac: bytes) -> bytes:
        """Return what the line after the one with *mac*, made with this key, hangs on."""
        return self._hmac(b"link", mac)

    def mac(self, link: bytes, entry: AuditEntry) -> bytes:
        """Return the MAC of *entry*, which hangs on *link*."""
        return self._hmac(b"event", link + canonical(entry))

    def _hmac(self, purpose: bytes, message: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\x00" + message, "sha256")


def canonical(entry: AuditEntry) -> bytes:
    """Return the bytes of *entry* that its MAC covers: two lines that differ never share them."""
    told = {name: getattr(entry, name) for name in _FORM_1}
    told["at"] = entry.at.isoformat(timespec="microseconds")
    return json.dumps([1, *told.values()], separators=(",", ":")).encode()
