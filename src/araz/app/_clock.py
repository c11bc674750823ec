"""The time a station goes by: the machine's, but it never goes back and takes no jump."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from araz.app._rim import wall_clock_us
from araz.vocabulary import Rejected

log = logging.getLogger("araz")

#: A difference of so much is a step: a clock that is merely set finely (NTP, a host's) stays far below it.
STEP_US: Final = 1_000_000
#: A smaller one is made up for by so much a second, half a percent: no speed of a track suffers.
SLEW_US: Final = 5_000
CLOCK_FEED: Final = "clock"
CLOCK_STEP: Final = "clock-step"


def steady_us() -> int:
    """Return microseconds of a counter that nobody sets; it runs on while the machine sleeps, where it has such one."""
    counter = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(counter) // 1000


class StationClock:
    """Microseconds since 1970, UTC: the machine's clock at the start, counted on by its steady counter.

    A clock that jumps would break every track and every interval, and one that goes back would stop the night until it
    is where it was. So a step of the machine's clock is told and not followed; the next start takes it over, unless
    the journal ends later: then time goes on from there.
    """

    def __init__(self, wall: Callable[[], int] = wall_clock_us, steady: Callable[[], int] = steady_us) -> None:
        self._wall, self._steady = wall, steady
        self._offset_us = wall() - steady()
        self._latest_us = 0

    def __call__(self) -> int:
        """Return now."""
        self._latest_us = max(self._latest_us, self._steady() + self._offset_us)
        return self._latest_us

    @property
    def ahead_us(self) -> int:
        """How far it is ahead of the machine's clock; negative when behind."""
        return self() - self._wall()

    def not_before(self, at_us: int) -> None:
        """Go on from ``at_us`` where that is later than now."""
        self._offset_us += max(0, at_us - self())

    def settle(self) -> int:
        """Once a second: make up for a little of a small difference; return a step in microseconds ahead, else 0."""
        ahead_us = self.ahead_us
        if abs(ahead_us) >= STEP_US:
            return ahead_us
        self._offset_us -= max(-SLEW_US, min(SLEW_US, ahead_us))
        return 0


def step_sentence(ahead_us: int) -> str:
    """What is said of a step that is not followed."""
    if not ahead_us:
        return "the machine's clock and the station's agree again"
    which = "ahead of" if ahead_us > 0 else "behind"
    return (
        f"the station's clock is {abs(ahead_us) / 1e6:.0f} s {which} the machine's, which was set or jumped; the night "
        "goes on by the station's. Set the machine's clock right (chrony, GPS) and start again to take it over; a "
        "journal that ends later than it needs another folder for that"
    )


async def mind(clock: StationClock, tell: Callable[[Rejected], Awaitable[object]]) -> None:
    """Say each step of the machine's clock once, in the log and through ``tell``; and when both agree again."""
    told_us = 0
    while True:
        ahead_us = clock.settle()
        if abs(ahead_us - told_us) >= STEP_US:
            told_us, sentence = ahead_us, step_sentence(ahead_us)
            log.warning("%s", sentence)
            await tell(Rejected(source=CLOCK_FEED, received_at_us=clock(), reason=CLOCK_STEP, detail=sentence, raw=b""))
        await asyncio.sleep(1.0)
