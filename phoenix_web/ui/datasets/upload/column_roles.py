"""What the columns of a file become: what is guessed, and what was chosen."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class ColumnRole(StrEnum):
    """What a column is used as."""

    INPUT = "input"
    OUTPUT = "output"
    METADATA = "metadata"
    ID = "id"
    SPLIT = "split"
    IGNORE = "ignore"


#: As the Python client finds the output among columns.
_OUTPUT: Final = re.compile(r"(response|answer|output)s?$", re.IGNORECASE)
_BY_NAME: Final = {
    "id": ColumnRole.ID,
    "example_id": ColumnRole.ID,
    "split": ColumnRole.SPLIT,
    "splits": ColumnRole.SPLIT,
    # What only our own downloads have: the id of an example that stays in its dataset.
    "node_id": ColumnRole.IGNORE,
}
_BUCKETS: Final = (ColumnRole.INPUT, ColumnRole.OUTPUT, ColumnRole.METADATA)
#: The fields of the API's form.
_FIELDS: Final = {
    ColumnRole.INPUT: "input_keys[]",
    ColumnRole.OUTPUT: "output_keys[]",
    ColumnRole.METADATA: "metadata_keys[]",
    ColumnRole.ID: "example_id_key",
    ColumnRole.SPLIT: "split_key",
}
#: Roles of one column at most.
_SINGLE: Final = {ColumnRole.ID: "the id", ColumnRole.SPLIT: "the split"}


def guess(names: Sequence[str]) -> list[ColumnRole]:
    """Return a role for each of the columns *names*, in their order.

    By name first: `id`, `split`, and the `input.…` of a download. Of the others the one that ends
    like `answer` is the output, those before it are inputs and those after it metadata, as the
    Python client has it.
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
        # As the index of a table has it in a file of pandas; the API knows no such column.
        return ColumnRole.IGNORE
    for bucket in _BUCKETS:
        if plain.startswith(f"{bucket}."):
            return bucket
    if plain in {ColumnRole.INPUT, ColumnRole.METADATA}:
        return ColumnRole(plain)
    return _BY_NAME.get(plain)


def chosen(form: Mapping[str, str], names: Sequence[str]) -> list[ColumnRole]:
    """Return the roles that *form* gives to the columns; a column without one is ignored."""
    known = set(ColumnRole)
    told = [form.get(field(position), "") if name else "" for position, name in enumerate(names)]
    return [ColumnRole(text) if text in known else ColumnRole.IGNORE for text in told]


def field(position: int) -> str:
    """Return the name of the form's field for the column at *position*."""
    return f"column-{position}"


def fault_of(roles: Sequence[ColumnRole]) -> tuple[int, str] | None:
    """Return the first column with a wrong role and what is wrong, or None."""
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
    """Return the fields of the API's form that give the columns *names* their *roles*.

    Of *spread*, those that are in a bucket are spread over it.
    """
    fields: dict[str, list[str]] = {}
    for name, role in zip(names, roles, strict=True):
        if role is not ColumnRole.IGNORE:
            fields.setdefault(_FIELDS[role], []).append(name)
        if role in _BUCKETS and name in spread:
            fields.setdefault("flatten_keys[]", []).append(name)
    return fields
