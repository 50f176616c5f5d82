"""Files between the two steps of an upload: sent once, read twice.

The first step sends the file and the second says what its columns mean, so the file waits here.
It belongs to one user, has a name that nobody can guess, and is deleted when it was stored, or
after an hour. Of several machines behind one address only the one that took the file has it.
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
#: The ends of the names that are taken, and the format that each one tells.
FORMATS: Final = {".csv": CSV, ".jsonl": JSONL, ".ndjson": JSONL}
_MAX_AGE_SECONDS: Final = 60 * 60
#: A user's newest files; an upload that was given up must not fill the disk.
_KEPT: Final = 3
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that waits to be stored."""

    token: str
    #: `CSV` or `JSONL`.
    format: str
    path: Path

    def discard(self) -> None:
        """Delete the file; it may be gone already."""
        self.path.unlink(missing_ok=True)


class Staging:
    """The waiting files of one user."""

    def __init__(self, working_dir: Path, user_id: int | None) -> None:
        """Keep files within *working_dir*, for *user_id* (None: for whoever comes)."""
        self._folder = working_dir / "uploads"
        self._owner = str(user_id or 0)

    def keep(self, content: IO[bytes], kind: str) -> StagedFile:
        """Copy *content*, a file of the format *kind*; raise `InsufficientStorage` without room."""
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
        """Return the user's file with *token*, or None when there is none any more."""
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
        """Make room for one more file: delete everybody's old ones and the user's surplus."""
        own = sorted(self._folder.glob(f"{self._owner}-*"), key=_age)
        for path in {*self._old(), *own[_KEPT - 1 :]}:
            path.unlink(missing_ok=True)

    def _old(self) -> Iterator[Path]:
        return (path for path in self._folder.iterdir() if _age(path) >= _MAX_AGE_SECONDS)


def _age(path: Path) -> float:
    """Return the seconds since *path* was written; endless when it is not there."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
