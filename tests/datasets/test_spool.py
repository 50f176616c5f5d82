"""Examples on their way: all of them, in order, as often as asked, and off the memory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import phoenix_web.datasets.spool
from phoenix_web.datasets.examples import IncomingExample
from phoenix_web.datasets.spool import Batches, Spool, new_spool
from phoenix_web.errors import InsufficientStorage

_TEXTS = st.text(max_size=20)
_EXAMPLES = st.builds(
    IncomingExample,
    _TEXTS,
    _TEXTS,
    _TEXTS,
    st.binary(min_size=16, max_size=16),
    st.none() | _TEXTS,
    st.none() | _TEXTS,
    st.lists(_TEXTS, max_size=2).map(tuple),
)


def example(number: int, length: int = 10) -> IncomingExample:
    return IncomingExample(str(number).ljust(length), "{}", "{}", bytes(16))


@given(st.lists(_EXAMPLES))
def test_what_went_in_comes_out_in_order_and_again(examples: list[IncomingExample]) -> None:
    with closing(Spool()) as spool:
        for one in examples:
            spool.append(one)

        assert list(spool) == examples
        assert list(spool) == examples
        assert len(spool) == len(examples)
        assert spool.split_names == {name for one in examples for name in one.splits}


@pytest.mark.parametrize(("number", "length"), [(2500, 10), (30, 1_000_000)])
def test_many_or_long_examples_come_in_batches(number: int, length: int) -> None:
    with closing(Spool()) as spool:
        for n in range(number):
            spool.append(example(n, length))

        batches = list(spool.batches())

        assert [one for batch in batches for one in batch] == [
            example(n, length) for n in range(number)
        ]
        assert len(batches) >= number * length / 1_048_576
        assert max(map(len, batches)) <= 1000


def test_more_can_be_added_after_reading_and_two_can_read_at_once() -> None:
    with closing(Spool()) as spool:
        spool.append(example(1))
        assert list(spool) == [example(1)]
        spool.append(example(2))

        assert list(zip(spool, spool, strict=True)) == [
            (example(1), example(1)),
            (example(2), example(2)),
        ]


def test_a_reader_that_fails_leaves_no_open_file() -> None:
    def fail(spool: Spool) -> None:
        for n in range(2000):
            spool.append(example(n))
        raise RuntimeError("bad line")

    with pytest.raises(RuntimeError, match="bad line"), new_spool() as spool:
        fail(spool)

    with pytest.raises(ValueError, match="closed"):
        list(spool)


def test_a_full_disk_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(_: int) -> object:
        return Path("/dev/full").open("wb+", buffering=0)

    monkeypatch.setattr(phoenix_web.datasets.spool, "SpooledTemporaryFile", full_disk)

    with closing(Batches()) as batches, pytest.raises(InsufficientStorage, match="disk space"):
        batches.add([1])
