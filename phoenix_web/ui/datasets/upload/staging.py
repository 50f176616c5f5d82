"""Temporary files between the two steps of an upload.

A file belongs to one user, has a random token, and is deleted after its upload or after an hour.
It is stored on the local disk, so both steps must reach the same machine.
"""

from __future__ import annotations

import errno
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from phoenix_web.errors import InsufficientStorage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CSV: Final = "csv"
JSONL: Final = "jsonl"
#: Formats by file name extension.
FORMATS: Final = {".csv": CSV, ".jsonl": JSONL, ".ndjson": JSONL}
_MAX_AGE_SECONDS: Final = 60 * 60
#: Files per user, so that abandoned uploads cannot fill the disk.
_MAX_FILES: Final = 3
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that waits for the second step."""

    token: str
    #: `CSV` or `JSONL`.
    format: str
    path: Path

    def discard(self) -> None:
        """Delete the file if it still exists."""
        self.path.unlink(missing_ok=True)


class Staging:
    """The staged files of one user."""

    def __init__(self, working_dir: Path, user_id: int | None) -> None:
        """Store files in *working_dir* for *user_id*, which is None without a user."""
        self._folder = working_dir / "uploads"
        self._owner = str(user_id or 0)

    def add(self, content: IO[bytes], kind: str) -> StagedFile:
        """Copy *content* of the format *kind*; raise `InsufficientStorage` on a full disk."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clean()
        token = secrets.token_hex(16)
        staged = StagedFile(token, kind, self._path(token, kind))
        try:
            staged.path.touch(mode=0o600, exist_ok=False)
            with staged.path.open("wb") as copy:
                shutil.copyfileobj(content, copy, 1024 * 1024)
        except OSError as error:
            staged.discard()
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise InsufficientStorage("Not enough disk space for the file.") from error
            raise
        return staged

    def find(self, token: str) -> StagedFile | None:
        """Return the user's file with *token*, or None if it expired or does not exist."""
        if not _TOKEN.fullmatch(token):
            return None
        for kind in (CSV, JSONL):
            path = self._path(token, kind)
            if _age(path) < _MAX_AGE_SECONDS:
                return StagedFile(token, kind, path)
        return None

    def _path(self, token: str, kind: str) -> Path:
        return self._folder / f"{self._owner}-{token}.{kind}"

    def _clean(self) -> None:
        """Delete the expired files of all users and the user's files above the limit."""
        own = sorted(self._folder.glob(f"{self._owner}-*"), key=_age)
        for path in {*self._expired(), *own[_MAX_FILES - 1 :]}:
            path.unlink(missing_ok=True)

    def _expired(self) -> Iterator[Path]:
        return (path for path in self._folder.iterdir() if _age(path) >= _MAX_AGE_SECONDS)


def _age(path: Path) -> float:
    """Return the seconds since *path* was written, or infinity if it does not exist."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
