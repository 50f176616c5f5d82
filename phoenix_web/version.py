"""Which version this is, and which one of Phoenix it is compatible with."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
#: The level of the Phoenix API that this server speaks; clients read it to enable features.
PHOENIX_VERSION: Final = "20.26.1"
