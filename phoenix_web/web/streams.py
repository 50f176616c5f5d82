"""Streaming responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Bytes to buffer before the response starts; shorter responses have a `Content-Length`.
_BUFFER_BYTES: Final = 64 * 1024


def stream_response(
    parts: Iterator[str], content_type: str, headers: Mapping[str, str]
) -> Response:
    """Respond with *parts*, without keeping all of them in memory.

    An error within the first 64 KiB gets a normal error response. A later one closes the
    connection, so that clients notice the incomplete response.
    """
    first: list[bytes] = []
    size = 0
    for part in parts:
        first.append(part.encode())
        size += len(first[-1])
        if size > _BUFFER_BYTES:
            body = _encode(first, parts)
            return Response(body, content_type=content_type, headers=dict(headers))
    return Response(b"".join(first), content_type=content_type, headers=dict(headers))


def _encode(first: list[bytes], rest: Iterator[str]) -> Iterator[bytes]:
    yield from first
    first.clear()
    for part in rest:
        yield part.encode()
