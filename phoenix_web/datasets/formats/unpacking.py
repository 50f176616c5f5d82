"""Streaming decompression of uploaded files."""

from __future__ import annotations

import io
import zlib
from typing import IO, TYPE_CHECKING, Final

from phoenix_web.errors import Invalid, PayloadTooLarge

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHUNK_BYTES: Final = 64 * 1024
#: The `wbits` parameter of zlib for gzip, and for the zlib format that HTTP calls deflate.
_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}


def decompress(file: IO[bytes], encoding: str, max_bytes: int) -> IO[bytes]:
    """Return *file* decompressed by *encoding*, or unchanged if *encoding* is empty.

    Raises `Invalid` for an unknown encoding. Reading raises `Invalid` for malformed data and
    `PayloadTooLarge` beyond *max_bytes* of decompressed data.
    """
    if not encoding:
        return file
    name = encoding.lower()
    if name not in _WINDOW_BITS:
        raise Invalid(f"Invalid file content encoding: {encoding}")
    return io.BufferedReader(_DecompressedFile(file, name, max_bytes), _CHUNK_BYTES)


class _DecompressedFile(io.RawIOBase):
    """A decompressed file; memory is bounded by the size of each read."""

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
        """Read into *buffer*; return the number of bytes, 0 at the end of the file."""
        view = memoryview(buffer).cast("B")
        data = self._next(len(view))
        view[: len(data)] = data
        self._count += len(data)
        if self._count > self._max_bytes:
            raise PayloadTooLarge(f"The unpacked file is larger than {self._max_bytes} bytes")
        return len(data)

    def _next(self, size: int) -> bytes:
        while not self._decompressor.eof or self._has_next_member():
            compressed = self._pending or self._file.read(_CHUNK_BYTES)
            try:
                data = self._decompressor.decompress(compressed, size)
            except zlib.error as error:
                raise self._fault() from error
            self._pending = self._decompressor.unconsumed_tail or self._decompressor.unused_data
            if data:
                return data
            if not compressed and not self._decompressor.eof:
                raise self._fault()
        return b""

    def _has_next_member(self) -> bool:
        """Return whether another gzip member follows; zero padding at the end is ignored."""
        while compressed := self._pending or self._file.read(_CHUNK_BYTES):
            self._pending = compressed.lstrip(b"\x00")
            if self._pending:
                if self._encoding != "gzip":
                    raise self._fault()
                self._decompressor = zlib.decompressobj(_WINDOW_BITS[self._encoding])
                return True
        return False

    def _fault(self) -> Invalid:
        return Invalid(f"File is not valid {self._encoding}")
