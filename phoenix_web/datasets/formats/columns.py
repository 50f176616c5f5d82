"""Which columns of a file go where in an example."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phoenix_web.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phoenix_web.datasets.form import MultipartForm


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
        for field, key in (
            ("span_id_key", self.span_id),
            ("example_id_key", self.example_id),
            ("split_key", self.split),
        ):
            if key and key not in position:
                raise Invalid(f"{field} '{key}' not found in column headers")
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
