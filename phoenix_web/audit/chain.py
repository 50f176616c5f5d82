"""The MAC chain of the audit log: each entry has a MAC over itself and all entries before it.

A MAC covers its entry and a link, which is derived from the previous MAC with the key. Only the
link after the newest entry is stored. An attacker who truncates the log without the key cannot
compute the link for the new end, so verification fails.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from phoenix_web.audit.events import AuditEntry

#: Initial value of the chain, in place of a previous MAC.
START: Final = bytes(32)

#: The fields that a MAC covers, in this order. Changing them would invalidate every stored MAC, so
#: a new field needs a second, numbered form.
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
    """A MAC key. Every entry stores the id of its key, so that a key can be replaced."""

    def __init__(self, text: str) -> None:
        self._key = text.encode()
        self.id = self._hmac(b"key id", b"")[:4].hex()

    def link(self, mac: bytes) -> bytes:
        """Return the link from the entry with *mac* to the next entry."""
        return self._hmac(b"link", mac)

    def mac(self, link: bytes, entry: AuditEntry) -> bytes:
        """Return the MAC over *link*, from the previous entry, and *entry*."""
        return self._hmac(b"event", link + canonical(entry))

    def _hmac(self, purpose: bytes, message: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\x00" + message, "sha256")


def canonical(entry: AuditEntry) -> bytes:
    """Return an unambiguous encoding of *entry* for its MAC."""
    values = {name: getattr(entry, name) for name in _FORM_1}
    values["at"] = entry.at.isoformat(timespec="microseconds")
    return json.dumps([1, *values.values()], separators=(",", ":")).encode()
