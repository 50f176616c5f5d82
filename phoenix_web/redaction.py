"""What looks like one of our secrets, cut out of texts that are kept: the log, the audit log."""

from __future__ import annotations

import re
from typing import Final

#: Our keys and refresh tokens, JWTs, and the tokens of mailed links.
_SECRETS: Final = re.compile(
    r"phx_[usr]_[0-9A-Za-z]{8,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<=token=)[^\s&\"']+"
)


def redact(text: str) -> str:
    """Return *text* with `***` in the place of each secret."""
    return _SECRETS.sub("***", text)
