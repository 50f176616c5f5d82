"""What is too long to be held in memory, kept in a temporary file."""

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

#: What something short needs of memory; the rest of something longer goes to a temporary file.
_IN_MEMORY_BYTES: Final = 4 * 1024 * 1024
_LENGTH_BYTES: Final = 8
#: A batch is written when it has so many examples, or so many characters.
_BATCH_EXAMPLES: Final = 1000
_BATCH_CHARACTERS: Final = 512 * 1024


class Batches:
    """Lists of plain values, which can be iterated any number of times, one list in memory.

    The maker closes it.
    """

    def __init__(self) -> None:
        # The file has no name and goes with the process, also after a kill -9.
        self._file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `close`
        self._end = 0

    def __iter__(self) -> Iterator[list[Any]]:
        position = 0
        while position < self._end:
            self._file.seek(position)
            length = int.from_bytes(self._file.read(_LENGTH_BYTES))
            data = self._file.read(length)
            position += _LENGTH_BYTES + length
            yield marshal.loads(data)  # noqa: S302 - nobody else can write this file
            pause()

    def add(self, batch: list[Any]) -> None:
        """Add *batch* at the end; raise `InsufficientStorage` when the disk is full."""
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
        """Forget everything and give the space back."""
        self._file.close()


class Spool:
    """Examples on their way into the store, in order; their number does not cost memory.

    They can be iterated any number of times. The maker closes the spool.
    """

    def __init__(self) -> None:
        #: Every split that an example is in.
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
        """Add *example* at the end; raise `InsufficientStorage` when the disk is full."""
        self._batch.append(tuple(example))
        self._count += 1
        self.split_names.update(example.splits)
        self._characters += content_length(example)
        if len(self._batch) >= _BATCH_EXAMPLES or self._characters >= _BATCH_CHARACTERS:
            self._write()

    def batches(self) -> Iterator[list[IncomingExample]]:
        """Yield all examples in lists of at most a thousand, one of them in memory."""
        self._write()
        for batch in self._written:
            yield [IncomingExample._make(row) for row in batch]

    def close(self) -> None:
        """Forget all examples and give the space back."""
        self._batch = []
        self._written.close()

    def _write(self) -> None:
        if self._batch:
            self._written.add(self._batch)
            self._batch = []
            self._characters = 0


@contextmanager
def filling() -> Iterator[Spool]:
    """Yield a new spool, and close it when the reader of the upload fails."""
    with ExitStack() as on_failure:
        yield on_failure.enter_context(closing(Spool()))
        on_failure.pop_all()
