"""Which stored example an incoming one is, in cases that can be read."""

from __future__ import annotations

import pytest

from phoenix_web.datasets.examples import IncomingExample
from phoenix_web.datasets.matching import NEW, ExampleChange, Matching, StoredContent
from phoenix_web.errors import Invalid
from phoenix_web.global_ids import encode

ONE, OTHER = bytes(16), bytes([1] * 16)


def row(external_id: str | None, content: bytes = ONE) -> IncomingExample:
    return IncomingExample("{}", "{}", "{}", content, external_id)


def match(
    rows: list[IncomingExample],
    by_id: dict[str, StoredContent] | None = None,
    ids_by_content: dict[bytes, list[int]] | None = None,
) -> Matching:
    matching = Matching()
    # One by one, because the outcome must not depend on how the rows are batched.
    for one in rows:
        matching.match([one], by_id or {}, ids_by_content or {})
    together = Matching()
    together.match(rows, by_id or {}, ids_by_content or {})
    assert together.ids == matching.ids
    assert together.changes == matching.changes
    return matching


def outcomes(matching: Matching) -> list[tuple[int, ExampleChange]]:
    return list(zip(matching.ids, map(ExampleChange, matching.changes), strict=True))


def test_contents_are_matched_from_the_oldest_on_and_the_rest_is_new() -> None:
    matching = match([row(None)] * 4, ids_by_content={ONE: [7, 5, 6]})

    assert outcomes(matching) == [
        (5, ExampleChange.NONE),
        (6, ExampleChange.NONE),
        (7, ExampleChange.NONE),
        (NEW, ExampleChange.CREATE),
    ]


@pytest.mark.parametrize("is_id_first", [True, False])
def test_the_order_decides_who_gets_an_example(*, is_id_first: bool) -> None:
    rows = [row("a", OTHER), row(None)]

    matching = match(
        rows if is_id_first else rows[::-1],
        by_id={"a": StoredContent(5, ONE)},
        ids_by_content={ONE: [5]},
    )

    patched, same, new = (
        (5, ExampleChange.PATCH),
        (5, ExampleChange.NONE),
        (NEW, ExampleChange.CREATE),
    )
    assert outcomes(matching) == ([patched, new] if is_id_first else [same, patched])


def test_an_id_never_falls_back_to_the_content() -> None:
    assert outcomes(match([row("b")], ids_by_content={ONE: [5]})) == [(NEW, ExampleChange.CREATE)]


def test_a_deleted_example_comes_back_by_its_external_id_alone() -> None:
    node_id = encode("DatasetExample", 5)
    by_id = {"a": StoredContent(5, None), node_id: StoredContent(5, None)}

    revived = match([row("a")], by_id)
    unknown = match([row(node_id), row("a"), row(encode("DatasetExample", 6))], by_id)

    assert outcomes(revived) == [(5, ExampleChange.CREATE)]
    assert (revived.revived, revived.new_count) == ({5}, 0)
    with pytest.raises(Invalid) as refused:
        unknown.refuse_unknown()
    assert refused.value.message == (
        "No examples found in this dataset with the following IDs: "
        f"'{node_id}', '{encode('DatasetExample', 6)}'"
    )


def test_one_example_is_not_changed_twice() -> None:
    node_id = encode("DatasetExample", 5)
    by_id = {"a": StoredContent(5, ONE), node_id: StoredContent(5, ONE)}

    with pytest.raises(Invalid) as by_two:
        match([row("a", OTHER), row(node_id, OTHER)], by_id)
    with pytest.raises(Invalid) as by_one:
        match([row("a", OTHER), row("a", bytes([2] * 16))], by_id)
    with pytest.raises(Invalid) as new:
        match([row("b"), row("b")])

    assert by_two.value.message == f"Two ids of one example in request: 'a' and '{node_id}'"
    assert by_one.value.message == "Duplicate example_id in request: 'a'"
    assert new.value.message == "Duplicate example_id in request: 'b'"


def test_saying_twice_what_is_stored_is_no_change() -> None:
    node_id = encode("DatasetExample", 5)
    by_id = {"a": StoredContent(5, ONE), node_id: StoredContent(5, ONE)}

    assert (
        outcomes(match([row("a"), row(node_id), row("a")], by_id)) == [(5, ExampleChange.NONE)] * 3
    )


def test_new_examples_are_numbered_in_their_order() -> None:
    matching = match([row(None), row("a"), row(None), row("b")], by_id={"a": StoredContent(5, ONE)})

    matching.assign_ids([8, 9, 10])

    assert list(matching.ids) == [8, 5, 9, 10]
