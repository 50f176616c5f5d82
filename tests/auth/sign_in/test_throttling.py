"""The lock against a model of it that is told in other words, attempt by attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

import pytest
import time_machine
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from phoenix_web.addresses import client_network
from phoenix_web.auth.sign_in.throttling import LoginAttempt, LoginThrottle
from phoenix_web.errors import TooManyRequests
from phoenix_web.store.database import Database
from tests.factories import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

PER_ACCOUNT: Final = 3
PER_NETWORK: Final = 5
_numbers = count(1)


@dataclass(frozen=True)
class Step:
    """After *wait* seconds somebody tries to get into *account*, and is right or not."""

    wait: int
    account: int
    network: int
    is_known: bool
    is_right: bool


@dataclass
class Model:
    """Who waits for how long, by lists of the moments at which attempts were counted."""

    account: dict[int, list[int]] = field(default_factory=dict)
    network: dict[int, list[int]] = field(default_factory=dict)
    device: dict[int, list[int]] = field(default_factory=dict)

    def wait_of(self, step: Step, now: int) -> int:
        """Return how long *step* has to wait at *now*, 0 for not; count it if it has not to."""
        mine = self.device.setdefault(step.account, [])
        if step.is_known and (len(mine) < PER_ACCOUNT or now < mine[-1] + 300):
            if len(mine) >= PER_ACCOUNT:
                return mine[-1] + 300 - now
            mine.append(now)
            if step.is_right:
                mine.clear()
            return 0
        theirs = self.account.setdefault(step.account, [])
        if theirs and now >= theirs[-1] + (300 if len(theirs) >= PER_ACCOUNT else 1200):
            theirs.clear()
        here = self.network.setdefault(step.network, [])
        if here and now >= here[0] + 900:
            here.clear()
        if len(here) - 1 >= PER_NETWORK:
            return here[0] + 900 - now
        if len(theirs) >= PER_ACCOUNT:
            return theirs[-1] + 300 - now
        # The window begins with the first attempt, even if that turns out to be a good one.
        here[:] = [*(here or [now]), now]
        theirs.append(now)
        if step.is_right:
            here.pop()
            theirs.clear()
        return 0


STEPS: Final = st.lists(
    st.builds(
        Step,
        wait=st.sampled_from([0, 0, 0, 1, 60, 299, 300, 301, 899, 900, 1199, 1200]),
        account=st.integers(0, 1),
        network=st.integers(0, 1),
        is_known=st.sampled_from([False, False, True]),
        is_right=st.sampled_from([False, False, False, True]),
    ),
    max_size=30,
)


@pytest.fixture
def throttle(database_url: str) -> Iterator[tuple[Database, LoginThrottle]]:
    """Return the counts of an empty database."""
    database = Database(database_url)
    database.upgrade()
    yield database, LoginThrottle(database, SECRET, PER_ACCOUNT, PER_NETWORK)
    database.dispose()


def test_the_lock_does_what_its_model_says(throttle: tuple[Database, LoginThrottle]) -> None:
    database, real = throttle

    @hypothesis_settings(max_examples=30)
    @example([Step(wait, 0, 0, is_known=False, is_right=False) for wait in (0, 900, 900, 1)])
    @example([Step(wait, 0, 0, is_known=False, is_right=False) for wait in (0, 0, 1200, 0, 0, 0)])
    @given(STEPS)
    def check(steps: list[Step]) -> None:
        run, model, now = next(_numbers), Model(), 0
        with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False) as clock:
            for step in steps:
                clock.shift(timedelta(seconds=step.wait))
                now += step.wait
                attempt = _attempt(real, step, run)
                wait = attempt if isinstance(attempt, int) else 0
                assert wait == model.wait_of(step, now)
                if step.is_right and isinstance(attempt, LoginAttempt):
                    with database.transaction() as session:
                        real.reset(session, attempt)

    check()


def _attempt(throttle: LoginThrottle, step: Step, run: int) -> LoginAttempt | int:
    """Return where the attempt of *step* was counted, or how long it has to wait."""
    email = f"{step.account}@{run}.example"
    address = f"10.{step.network}.{run // 256}.{run % 256}"
    device = f"device {step.account} {run}" if step.is_known else None
    try:
        return throttle.register_failure(email, address, device)
    except TooManyRequests as refused:
        return refused.retry_after


def test_counts_that_mean_nothing_any_more_are_deleted(
    throttle: tuple[Database, LoginThrottle],
) -> None:
    database, real = throttle
    begin = datetime.now(UTC)
    with time_machine.travel(begin, tick=False) as clock:
        for n in range(4):
            real.register_failure(f"{n}@example.com", f"192.0.2.{n}", None)
        clock.move_to(begin + timedelta(minutes=20, seconds=1))
        real.register_failure("later@example.com", "192.0.2.9", None)

    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM login_attempts")).scalar_one() == 2


def test_nothing_is_counted_when_nothing_is_to_be(database_url: str) -> None:
    off = LoginThrottle(Database(database_url), SECRET, None, 5)  # no table, no connection

    assert {off.register_failure("a@example.com", "192.0.2.1", None) for _ in range(9)} == {
        LoginAttempt()
    }
    assert {off.register_reauthentication(1) for _ in range(9)} == {LoginAttempt()}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (None, None),
        ("", None),
        ("unknown", None),
        ("192.0.2.1, 192.0.2.2", None),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_addresses_are_counted_by_what_one_customer_has(
    address: str | None, network: str | None
) -> None:
    assert client_network(address) == network
