"""The form of an upload: its file, and which columns of the file go where in an example.

`phoenix_web.web.multipart` reads the form from a request.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Final

from phoenix_web.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

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


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of columns, of CSV and Arrow files, or of keys, of JSON lines."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    #: Columns with the name of one split each.
    splits: tuple[str, ...] = ()
    #: The column with the names of all splits.
    split: str = ""
    span_id: str = ""
    example_id: str = ""
    #: Columns whose objects are spread over the bucket.
    flattened: tuple[str, ...] = ()

    @property
    def buckets(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return the columns of input, output and metadata."""
        return self.inputs, self.outputs, self.metadata

    def among(self, headers: Sequence[str]) -> Columns:
        """Return the same in the order of *headers*; raise `Invalid` for what is not there."""
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


def columns_of(form: MultipartForm) -> Columns:
    """Return the columns that *form* names; raise `Invalid` when it names splits in two ways."""
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
