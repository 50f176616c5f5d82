"""The version numbers of phoenix_web and of the compatible Phoenix."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
#: The compatible Phoenix version, from which clients derive the available features.
PHOENIX_VERSION: Final = "20.26.1"
