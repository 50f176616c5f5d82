"""Files that came packed, read as what they hold, piece by piece."""

from __future__ import annotations

import io
import zlib
from typing import IO, TYPE_CHECKING, Final

from phoenix_web.errors import Invalid, PayloadTooLarge

if TYPE_CHECKING:
    from typing_extensions import Buffer

_PIECE: Final = 64 * 1024
#: What zlib calls the forms: a gzip file, and the zlib stream that HTTP calls deflate.
_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}


def unpacked(file: IO[bytes], encoding: str, max_bytes: int) -> IO[bytes]:
    """Return what *file* holds, packed by *encoding*, or as it is when that is empty.

    Raises `Invalid` for an unknown encoding. Reading raises `Invalid` for a file that is not
    packed so, `PayloadTooLarge` when more than *max_bytes* come out of it.
    """
    if not encoding:
        return file
    name = encoding.lower()
    if name not in _WINDOW_BITS:
        raise Invalid(f"Invalid file content encoding: {encoding}")
    return io.BufferedReader(_Unpacked(file, name, max_bytes), _PIECE)


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a file; never more in memory than was asked for."""

    def __init__(self, file: IO[bytes], encoding: str, max_bytes: int) -> None:
        super().__init__()
        self._file = file
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._count = 0
        self._decompressor = zlib.decompressobj(_WINDOW_BITS[encoding])
        self._pending = b""

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill *buffer* with what comes next; return how much that is, 0 at the end."""
        view = memoryview(buffer).cast("B")
        data = self._next(len(view))
        view[: len(data)] = data
        self._count += len(data)
        if self._count > self._max_bytes:
            raise PayloadTooLarge(f"The unpacked file is larger than {self._max_bytes} bytes")
        return len(data)

    def _next(self, size: int) -> bytes:
        while not self._decompressor.eof or self._has_next_member():
            packed = self._pending or self._file.read(_PIECE)
            try:
                data = self._decompressor.decompress(packed, size)
            except zlib.error as error:
                raise self._fault() from error
            self._pending = self._decompressor.unconsumed_tail or self._decompressor.unused_data
            if data:
                return data
            if not packed and not self._decompressor.eof:
                raise self._fault()
        return b""

    def _has_next_member(self) -> bool:
        """Tell whether more follows: gzip files may stand one behind another, and end in zeros."""
        while packed := self._pending or self._file.read(_PIECE):
            self._pending = packed.lstrip(b"\x00")
            if self._pending:
                if self._encoding != "gzip":
                    raise self._fault()
                self._decompressor = zlib.decompressobj(_WINDOW_BITS[self._encoding])
                return True
        return False

    def _fault(self) -> Invalid:
        return Invalid(f"File is not valid {self._encoding}")
