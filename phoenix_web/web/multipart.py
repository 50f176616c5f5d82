"""A streaming parser of multipart forms with one file, which is spooled to disk."""

from __future__ import annotations

import errno
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio import multipart

from phoenix_web.datasets.form import FILE, FormFile, MultipartForm
from phoenix_web.errors import BadRequest, InsufficientStorage, Invalid
from phoenix_web.text import storage_fault

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

_MAX_FIELDS: Final = 1000
_MAX_FILES: Final = 1000
_MAX_FIELD_BYTES: Final = 1024 * 1024
#: Limit of all text fields together, since they stay in memory.
_MAX_TEXT_BYTES: Final = 16 * _MAX_FIELD_BYTES
_CHUNK: Final = 64 * 1024
#: Larger files are spooled to disk.
_IN_MEMORY_BYTES: Final = 1024 * 1024
_INVALID: Final = "Invalid multipart data."


def read(body: IO[bytes], content_type: str) -> MultipartForm:
    """Parse *body*; of several files, the last one counts.

    Raises `BadRequest` for a malformed body or too many parts, `Invalid` for text that cannot be
    stored, `InsufficientStorage` when the disk is full.
    """
    boundary = parse_options_header(content_type)[1].get("boundary")
    if not boundary:
        raise BadRequest("Missing boundary in multipart.")
    form = MultipartForm()
    try:
        _Reader(form, boundary.encode("latin-1", "replace")).read(body)
    except BaseException:
        form.take(None)
        raise
    return form


class _Reader:
    """A reader that adds the parts of a body to a form."""

    def __init__(self, form: MultipartForm, boundary: bytes) -> None:
        self._form = form
        # The limit applies to headers of parts only; data leaves the buffer as it arrives.
        self._decoder = multipart.MultipartDecoder(boundary, _MAX_FIELD_BYTES)
        self._fields = 0
        self._files = 0
        self._text_bytes = 0
        self._text: bytearray | None = None
        self._name = ""
        self._file: FormFile | None = None

    def read(self, body: IO[bytes]) -> None:
        """Read *body* to its end."""
        try:
            while not isinstance(event := self._next_event(body), multipart.Epilogue):
                self._take(event)
        except ValueError as error:
            raise BadRequest(_INVALID) from error
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise InsufficientStorage(
                    "There is not enough disk space for the upload. Please try again later."
                ) from error
            raise
        finally:
            if self._file is not None and self._file is not self._form.file:
                self._file.stream.close()

    def _next_event(self, body: IO[bytes]) -> multipart.Event:
        while isinstance(event := self._decoder.next_event(), multipart.NeedData):
            # Outside the `try`: if the whole body is too large, `read` raises 413 itself.
            data = body.read(_CHUNK) or None
            try:
                self._decoder.receive_data(data)
            except RequestEntityTooLarge as error:
                raise BadRequest(_INVALID) from error
        return event

    def _take(self, event: multipart.Event) -> None:
        if isinstance(event, multipart.File) and event.filename:
            self._begin_file(event)
        elif isinstance(event, multipart.File | multipart.Field):
            self._begin_text(event)
        elif isinstance(event, multipart.Data):
            self._continue(event.data)
            if not event.more_data:
                self._end()

    def _begin_file(self, event: multipart.File) -> None:
        self._files += 1
        if self._files > _MAX_FILES:
            raise BadRequest(f"Too many files. Maximum number of files is {_MAX_FILES}.")
        if event.name == FILE:
            _check_text(event.filename)
            self._file = FormFile(
                event.filename,
                _header(event.headers, "Content-Type"),
                _header(event.headers, "Content-Encoding"),
                SpooledTemporaryFile(_IN_MEMORY_BYTES),  # noqa: SIM115 - closed by the form or by `read`
            )

    def _begin_text(self, event: multipart.File | multipart.Field) -> None:
        self._fields += 1
        if self._fields > _MAX_FIELDS:
            raise BadRequest(f"Too many fields. Maximum number of fields is {_MAX_FIELDS}.")
        self._name = event.name or ""
        self._text = bytearray()

    def _continue(self, data: bytes) -> None:
        if self._file is not None:
            self._file.stream.write(data)
        elif self._text is not None:
            self._text += data
            self._text_bytes += len(data)
            if len(self._text) > _MAX_FIELD_BYTES:
                raise BadRequest(f"Part exceeded maximum size of {_MAX_FIELD_BYTES // 1024}KB.")
            if self._text_bytes > _MAX_TEXT_BYTES:
                raise BadRequest(f"Fields exceeded maximum size of {_MAX_TEXT_BYTES // 1024}KB.")

    def _end(self) -> None:
        if self._file is not None:
            self._file.stream.seek(0)
            self._form.take(self._file)
            self._form.texts.pop(FILE, None)
            self._file = None
        elif self._text is not None:
            try:
                text = self._text.decode()
            except UnicodeDecodeError as error:
                raise Invalid(f"Field '{self._name}' is not UTF-8: {error}") from error
            _check_text(text)
            if self._name == FILE:
                self._form.take(None)
            self._form.texts.setdefault(self._name, []).append(text)
            self._text = None


def _header(headers: Headers, name: str) -> str:
    return headers.get(name, "").strip()


def _check_text(text: str) -> None:
    if fault := storage_fault(text):
        raise Invalid(fault)
