"""A form with one file, as it was sent; `phoenix_web.web.multipart` reads it from a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, Final

#: The name of the field that is the file.
FILE: Final = "file"


@dataclass(frozen=True, slots=True)
class FormFile:
    """The file of a form, as it was sent; `stream` stands at its begin."""

    name: str
    content_type: str
    content_encoding: str
    stream: IO[bytes]


@dataclass(slots=True)
class MultipartForm:
    """The fields of a form; the reader closes it."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    file: FormFile | None = None

    def close(self) -> None:
        """Close the file."""
        self.take(None)

    def take(self, file: FormFile | None) -> None:
        """Keep *file* and close the one before."""
        if self.file is not None:
            self.file.stream.close()
        self.file = file

    def text(self, name: str) -> str:
        """Return the last value of the text field *name*, empty without one."""
        return self.texts.get(name, [""])[-1]

    def filled(self, name: str) -> list[str]:
        """Return the values of the text field *name* that are not empty, each once."""
        return list(dict.fromkeys(filter(None, self.texts.get(name, []))))
