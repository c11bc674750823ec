"""The station's clock against clocks that are set, jump and drift."""

import asyncio
import contextlib

from hypothesis import given
from hypothesis import strategies as st

from araz.app._clock import SLEW_US, STEP_US, StationClock, mind, steady_us

START_US = 1_790_000_000_000_000
HOUR_US = 3_600_000_000


class Machine:
    """A machine whose clock can be set, and whose counter cannot."""

    def __init__(self):
        self.wall_us, self.steady_us = START_US, 5_000_000
        self.clock = StationClock(lambda: self.wall_us, lambda: self.steady_us)

    def goes_on(self, by_us, drift_us=0):
        self.steady_us += by_us
        self.wall_us += by_us + drift_us


events = st.lists(st.tuples(st.integers(0, 10_000_000), st.integers(-2 * HOUR_US, 2 * HOUR_US)), max_size=30)


@given(events)
def test_it_goes_at_the_counters_pace_whatever_the_machines_clock_does(steps):
    machine = Machine()
    begin_us = machine.steady_us
    for count, (by_us, jump_us) in enumerate(steps, 1):
        before_us = machine.clock()
        machine.goes_on(by_us, jump_us)
        machine.clock.settle()
        assert 0 <= machine.clock() - before_us <= by_us + SLEW_US
        assert abs((machine.clock() - START_US) - (machine.steady_us - begin_us)) <= count * SLEW_US
    assert machine.clock.ahead_us == machine.clock() - machine.wall_us


@given(st.integers(-STEP_US + 1, STEP_US - 1))
def test_a_small_difference_is_made_up_for(drift_us):
    machine = Machine()
    machine.goes_on(1_000_000, drift_us)
    for _ in range(STEP_US // SLEW_US + 1):
        assert machine.clock.settle() == 0
        machine.goes_on(1_000_000)
    assert machine.clock.ahead_us == 0


def test_a_step_is_told_once_with_its_size_and_its_end(monkeypatch, caplog):
    machine, told = Machine(), []

    async def tell(item):
        told.append((item.source, item.reason, item.received_at_us - START_US, item.detail))

    jumps = {3: -HOUR_US, 6: 2 * HOUR_US, 9: -HOUR_US}
    seconds = 0

    async def a_second(_):
        nonlocal seconds
        seconds += 1
        machine.goes_on(1_000_000, jumps.get(seconds, 0))
        if seconds == 12:
            raise asyncio.CancelledError

    monkeypatch.setattr("araz.app._clock.asyncio.sleep", a_second)
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(mind(machine.clock, tell))
    assert [one[:3] for one in told] == [("clock", "clock-step", k * 1_000_000) for k in (3, 6, 9)]
    assert "is 3600 s ahead of the machine's" in told[0][3]
    assert "is 3600 s behind the machine's" in told[1][3]
    assert told[2][3].endswith("agree again")
    assert len(caplog.records) == 3


def test_a_journal_that_ends_later_is_gone_on_from_its_end():
    machine = Machine()
    machine.clock.not_before(START_US + HOUR_US)
    assert machine.clock() == START_US + HOUR_US
    machine.clock.not_before(START_US)
    machine.goes_on(7)
    assert machine.clock() == START_US + HOUR_US + 7
    assert machine.clock.settle() == HOUR_US


def test_the_counter_counts():
    first = steady_us()
    assert steady_us() >= first > 0
