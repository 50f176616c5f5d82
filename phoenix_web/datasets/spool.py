"""Sequences that are too long for memory, stored in temporary files."""

from __future__ import annotations

import errno
import marshal
from contextlib import ExitStack, closing, contextmanager
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from phoenix_web.datasets.examples import IncomingExample, content_length
from phoenix_web.datasets.pacing import pause
from phoenix_web.errors import InsufficientStorage

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Data beyond this size is moved to a temporary file.
_IN_MEMORY_BYTES: Final = 4 * 1024 * 1024
_LENGTH_BYTES: Final = 8
#: A batch is written when it reaches one of these sizes.
_BATCH_EXAMPLES: Final = 1000
_BATCH_CHARACTERS: Final = 512 * 1024


class Batches:
    """Lists of plain values; iteration can be repeated and loads one list at a time.

    The caller must close the object.
    """

    def __init__(self) -> None:
        # The file has no name, so it disappears with the process, even after `kill -9`.
        self._file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `close`
        self._end = 0

    def __iter__(self) -> Iterator[list[Any]]:
        position = 0
        while position < self._end:
            self._file.seek(position)
            length = int.from_bytes(self._file.read(_LENGTH_BYTES))
            data = self._file.read(length)
            position += _LENGTH_BYTES + length
            yield marshal.loads(data)  # noqa: S302 - only this process can write the file
            pause()

    def add(self, batch: list[Any]) -> None:
        """Append *batch*; raise `InsufficientStorage` when the disk is full."""
        data = marshal.dumps(batch)
        try:
            self._file.seek(self._end)
            self._file.write(len(data).to_bytes(_LENGTH_BYTES))
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise InsufficientStorage(
                "There is not enough disk space for so much data. Please try again later."
            ) from error
        self._end += _LENGTH_BYTES + len(data)

    def close(self) -> None:
        """Delete the file."""
        self._file.close()


class Spool:
    """A sequence of examples to store, kept on disk; iteration can be repeated.

    The caller must close the spool.
    """

    def __init__(self) -> None:
        #: The splits of all examples.
        self.split_names: set[str] = set()
        self._written = Batches()
        self._batch: list[tuple[object, ...]] = []
        self._characters = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[IncomingExample]:
        for batch in self.batches():
            yield from batch

    def append(self, example: IncomingExample) -> None:
        """Append *example*; raise `InsufficientStorage` when the disk is full."""
        self._batch.append(tuple(example))
        self._count += 1
        self.split_names.update(example.splits)
        self._characters += content_length(example)
        if len(self._batch) >= _BATCH_EXAMPLES or self._characters >= _BATCH_CHARACTERS:
            self._write()

    def batches(self) -> Iterator[list[IncomingExample]]:
        """Yield all examples in lists of at most 1,000, with one list in memory at a time."""
        self._write()
        for batch in self._written:
            yield [IncomingExample._make(row) for row in batch]

    def close(self) -> None:
        """Discard all examples and delete the file."""
        self._batch = []
        self._written.close()

    def _write(self) -> None:
        if self._batch:
            self._written.add(self._batch)
            self._batch = []
            self._characters = 0


@contextmanager
def new_spool() -> Iterator[Spool]:
    """Yield a new spool; close it only if the block raises an exception."""
    with ExitStack() as on_failure:
        yield on_failure.enter_context(closing(Spool()))
        on_failure.pop_all()
