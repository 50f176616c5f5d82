"""What the columns of a file are guessed to be."""

from __future__ import annotations

import pytest

from phoenix_web.ui.datasets.upload.column_roles import guess


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        ("question answer", "input output"),
        ("a b Model_Response c d", "input input output metadata metadata"),
        ("a b", "input input"),
        ("answer answers", "output metadata"),
        ("ID question outputs Split note", "id input output split metadata"),
        ("id node_id input.a input.b.c output.x metadata.m splits",
         "id ignore input input output metadata split"),
        ("input output metadata", "input output metadata"),
        ("question answer metadata", "input output metadata"),
        ("topic input answer", "metadata input output"),
        ("id", "id"),
    ],
)  # fmt: skip
def test_roles_are_guessed_by_name_and_place(names: str, roles: str) -> None:
    assert [role.value for role in guess(names.split())] == roles.split()


def test_a_column_without_a_name_is_ignored() -> None:
    assert [role.value for role in guess(["", "a"])] == ["ignore", "input"]
