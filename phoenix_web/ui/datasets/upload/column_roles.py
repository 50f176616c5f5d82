"""Roles of the columns of a file: defaults by name and the user's choices."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class ColumnRole(StrEnum):
    """The use of a column in an example."""

    INPUT = "input"
    OUTPUT = "output"
    METADATA = "metadata"
    ID = "id"
    SPLIT = "split"
    IGNORE = "ignore"


#: Names of output columns; the same pattern as in the Python client.
_OUTPUT: Final = re.compile(r"(response|answer|output)s?$", re.IGNORECASE)
_BY_NAME: Final = {
    "id": ColumnRole.ID,
    "example_id": ColumnRole.ID,
    "split": ColumnRole.SPLIT,
    "splits": ColumnRole.SPLIT,
    # Only in our downloads: it identifies an example of the downloaded dataset.
    "node_id": ColumnRole.IGNORE,
}
_BUCKETS: Final = (ColumnRole.INPUT, ColumnRole.OUTPUT, ColumnRole.METADATA)
#: The form fields of the API by role.
_FIELDS: Final = {
    ColumnRole.INPUT: "input_keys[]",
    ColumnRole.OUTPUT: "output_keys[]",
    ColumnRole.METADATA: "metadata_keys[]",
    ColumnRole.ID: "example_id_key",
    ColumnRole.SPLIT: "split_key",
}
#: Roles that at most one column can have.
_SINGLE: Final = {ColumnRole.ID: "the id", ColumnRole.SPLIT: "the split"}


def guess(names: Sequence[str]) -> list[ColumnRole]:
    """Return a default role for each of the columns *names*.

    Names such as `id`, `split` and `input.…` determine the role. Of the other columns, as in the
    Python client, the first whose name ends in `response`, `answer` or `output` is the output,
    columns before it are inputs, and columns after it are metadata.
    """
    known = [_by_name(name) for name in names]
    rest = ColumnRole.METADATA if ColumnRole.INPUT in known else ColumnRole.INPUT
    has_output = ColumnRole.OUTPUT in known
    roles: list[ColumnRole] = []
    for name, role in zip(names, known, strict=True):
        if role is not None:
            roles.append(role)
        elif not has_output and _OUTPUT.search(name):
            roles.append(ColumnRole.OUTPUT)
            has_output, rest = True, ColumnRole.METADATA
        else:
            roles.append(rest)
    return roles


def _by_name(name: str) -> ColumnRole | None:
    plain = name.strip().lower()
    if not name:
        # pandas writes the index without a name, and the API cannot address such a column.
        return ColumnRole.IGNORE
    for bucket in _BUCKETS:
        if plain.startswith(f"{bucket}."):
            return bucket
    if plain in {ColumnRole.INPUT, ColumnRole.METADATA}:
        return ColumnRole(plain)
    return _BY_NAME.get(plain)


def read_roles(form: Mapping[str, str], names: Sequence[str]) -> list[ColumnRole]:
    """Read the role of each column from *form*; columns without a valid role are ignored."""
    known = set(ColumnRole)
    values = [
        form.get(field_name(position), "") if name else "" for position, name in enumerate(names)
    ]
    return [ColumnRole(text) if text in known else ColumnRole.IGNORE for text in values]


def field_name(position: int) -> str:
    """Return the name of the form field for the column at *position*."""
    return f"column-{position}"


def find_fault(roles: Sequence[ColumnRole]) -> tuple[int, str] | None:
    """Return the position of the first column with a faulty role and the message, or None."""
    for role, title in _SINGLE.items():
        positions = [position for position, taken in enumerate(roles) if taken is role]
        if len(positions) > 1:
            return positions[1], f"Choose only one column as {title}."
    if ColumnRole.INPUT not in roles:
        return 0, "Choose at least one input column."
    return None


def form_fields(
    names: Sequence[str], roles: Sequence[ColumnRole], spread: Collection[str]
) -> dict[str, list[str]]:
    """Return the form fields of the API that give the columns *names* their *roles*.

    Columns in *spread* whose role is a bucket are merged into that bucket.
    """
    fields: dict[str, list[str]] = {}
    for name, role in zip(names, roles, strict=True):
        if role is not ColumnRole.IGNORE:
            fields.setdefault(_FIELDS[role], []).append(name)
        if role in _BUCKETS and name in spread:
            fields.setdefault("flatten_keys[]", []).append(name)
    return fields
