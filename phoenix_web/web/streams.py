"""Long answers, made while they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What is gathered before the answer begins: one that is shorter is sent whole, with its length.
_WHOLE: Final = 64 * 1024


def stream_response(
    parts: Iterator[str], content_type: str, headers: Mapping[str, str]
) -> Response:
    """Answer with *parts*, of which only a few are held at a time.

    A failure before the first part is sent is answered as usual; a later one breaks the
    connection, so that nobody takes a part of the answer for all of it.
    """
    first: list[bytes] = []
    size = 0
    for part in parts:
        first.append(part.encode())
        size += len(first[-1])
        if size > _WHOLE:
            body = _encode(first, parts)
            return Response(body, content_type=content_type, headers=dict(headers))
    return Response(b"".join(first), content_type=content_type, headers=dict(headers))


def _encode(first: list[bytes], rest: Iterator[str]) -> Iterator[bytes]:
    yield from first
    first.clear()
    for part in rest:
        yield part.encode()
