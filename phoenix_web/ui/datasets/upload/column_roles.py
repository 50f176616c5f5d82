"""What the columns of a file become: what is guessed, and what was chosen."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class Role(StrEnum):
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
    "id": Role.ID,
    "example_id": Role.ID,
    "split": Role.SPLIT,
    "splits": Role.SPLIT,
    # What only our own downloads have: the id of an example that stays in its dataset.
    "node_id": Role.IGNORE,
}
_BUCKETS: Final = (Role.INPUT, Role.OUTPUT, Role.METADATA)
#: The fields of the API's form.
_FIELDS: Final = {
    Role.INPUT: "input_keys[]",
    Role.OUTPUT: "output_keys[]",
    Role.METADATA: "metadata_keys[]",
    Role.ID: "example_id_key",
    Role.SPLIT: "split_key",
}
#: Roles of one column at most.
_SINGLE: Final = {Role.ID: "the id", Role.SPLIT: "the split"}


def guess(names: Sequence[str]) -> list[Role]:
    """Return a role for each of the columns *names*, in their order.

    By name first: `id`, `split`, and the `input.…` of a download. Of the others the one that ends
    like `answer` is the output, those before it are inputs and those after it metadata, as the
    Python client has it.
    """
    known = [_by_name(name) for name in names]
    rest = Role.METADATA if Role.INPUT in known else Role.INPUT
    has_output = Role.OUTPUT in known
    roles: list[Role] = []
    for name, role in zip(names, known, strict=True):
        if role is not None:
            roles.append(role)
        elif not has_output and _OUTPUT.search(name):
            roles.append(Role.OUTPUT)
            has_output, rest = True, Role.METADATA
        else:
            roles.append(rest)
    return roles


def _by_name(name: str) -> Role | None:
    plain = name.strip().lower()
    if not name:
        # As the index of a table has it in a file of pandas; the API knows no such column.
        return Role.IGNORE
    for bucket in _BUCKETS:
        if plain.startswith(f"{bucket}."):
            return bucket
    if plain in {Role.INPUT, Role.METADATA}:
        return Role(plain)
    return _BY_NAME.get(plain)


def chosen(form: Mapping[str, str], names: Sequence[str]) -> list[Role]:
    """Return the roles that *form* gives to the columns; a column without one is ignored."""
    known = set(Role)
    told = [form.get(field(position), "") if name else "" for position, name in enumerate(names)]
    return [Role(text) if text in known else Role.IGNORE for text in told]


def field(position: int) -> str:
    """Return the name of the form's field for the column at *position*."""
    return f"column-{position}"


def fault_of(roles: Sequence[Role]) -> tuple[int, str] | None:
    """Return the first column with a wrong role and what is wrong, or None."""
    for role, told in _SINGLE.items():
        positions = [position for position, taken in enumerate(roles) if taken is role]
        if len(positions) > 1:
            return positions[1], f"Only one column can be {told}."
    if Role.INPUT not in roles:
        return 0, "Choose at least one column as an input."
    return None


def form_fields(
    names: Sequence[str], roles: Sequence[Role], spread: Collection[str]
) -> dict[str, list[str]]:
    """Return the fields of the API's form that give the columns *names* their *roles*.

    Of *spread*, those that are in a bucket are spread over it.
    """
    fields: dict[str, list[str]] = {}
    for name, role in zip(names, roles, strict=True):
        if role is not Role.IGNORE:
            fields.setdefault(_FIELDS[role], []).append(name)
        if role in _BUCKETS and name in spread:
            fields.setdefault("flatten_keys[]", []).append(name)
    return fields
