"""Removal of secrets from texts for the log and the audit log."""

from __future__ import annotations

import re
from typing import Final

#: API keys and refresh tokens, JWTs, and the tokens in one-time links.
_SECRETS: Final = re.compile(
    r"phx_[usr]_[0-9A-Za-z]{8,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=token=)[^\s&\"']+"
)


def redact(text: str) -> str:
    """Return *text* with each secret replaced by `***`."""
    return _SECRETS.sub("***", text)
