"""The multipart form of an upload: its file and the mapping of columns to parts of an example.

`phoenix_web.web.multipart` reads the form from a request.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Final

from phoenix_web.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The name of the file field.
FILE: Final = "file"


@dataclass(frozen=True, slots=True)
class FormFile:
    """The file of a form as it was sent; `stream` is positioned at the start."""

    name: str
    content_type: str
    content_encoding: str
    stream: IO[bytes]


@dataclass(slots=True)
class MultipartForm:
    """The fields of a form; the caller of the reader must close it."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    file: FormFile | None = None

    def close(self) -> None:
        """Close the file."""
        self.take(None)

    def take(self, file: FormFile | None) -> None:
        """Replace the file by *file* and close the previous one."""
        if self.file is not None:
            self.file.stream.close()
        self.file = file

    def text(self, name: str) -> str:
        """Return the last value of the text field *name*, or an empty string."""
        return self.texts.get(name, [""])[-1]

    def filled(self, name: str) -> list[str]:
        """Return the distinct non-empty values of the text field *name*."""
        return list(dict.fromkeys(filter(None, self.texts.get(name, []))))


@dataclass(frozen=True, slots=True)
class Columns:
    """Column names of CSV and Arrow files, or keys of JSON lines, by purpose."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    #: Columns that each contain one split name.
    splits: tuple[str, ...] = ()
    #: The column that contains all split names.
    split: str = ""
    span_id: str = ""
    example_id: str = ""
    #: Columns whose objects are merged into the bucket.
    flattened: tuple[str, ...] = ()

    @property
    def buckets(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return the columns of input, output and metadata."""
        return self.inputs, self.outputs, self.metadata

    def among(self, headers: Sequence[str]) -> Columns:
        """Return these columns in the order of *headers*; raise `Invalid` for missing columns."""
        position = {name: number for number, name in enumerate(headers)}
        for bucket, keys in (
            ("input", self.inputs),
            ("output", self.outputs),
            ("metadata", self.metadata),
            ("split", self.splits),
        ):
            if missing := [key for key in keys if key not in position]:
                listed = ", ".join(f"'{key}'" for key in missing)
                raise Invalid(f"{bucket} keys not found in column headers: {listed}")
        for name, key in (
            ("span_id_key", self.span_id),
            ("example_id_key", self.example_id),
            ("split_key", self.split),
        ):
            if key and key not in position:
                raise Invalid(f"{name} '{key}' not found in column headers")
        inputs, outputs, metadata = (
            tuple(sorted(keys, key=position.__getitem__)) for keys in self.buckets
        )
        return replace(self, inputs=inputs, outputs=outputs, metadata=metadata)


def read_columns(form: MultipartForm) -> Columns:
    """Read the columns from *form*; raise `Invalid` when both split fields are given."""
    splits, split = form.filled("split_keys[]"), form.text("split_key")
    if splits and split:
        raise Invalid(
            "Cannot specify both 'split_keys[]' and 'split_key'. "
            "Use 'split_key' for a single column with JSON-encoded split lists."
        )
    return Columns(
        inputs=tuple(form.filled("input_keys[]")),
        outputs=tuple(form.filled("output_keys[]")),
        metadata=tuple(form.filled("metadata_keys[]")),
        splits=tuple(splits),
        split=split,
        span_id=form.text("span_id_key"),
        example_id=form.text("example_id_key"),
        flattened=tuple(form.filled("flatten_keys[]")),
    )
