"""The time of a recording that is played: as fast as asked, or as fast as it can be judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

LEAD_S: Final = 1.0
"""So much of the wall's time the playback may run ahead of what is judged; a picture counts as old after six."""
REACHED_EVERY_S: Final = 5.0
NEARLY: Final = 0.9
"""What reaches so much of the speed that was asked is said to reach it: a figure that flickers is not read."""


class Playback:
    """Tells the time of the recording, µs UTC.

    While messages up to ``due`` are judged, t = min(t' + speed (wall - wall'), due + LEAD_S reached), and never goes
    back; else the first alone. What was lost is not caught up: a slow machine shows the night slower, never an old
    picture beside a clock that has run on. From one thread; ``wall_s`` must not go back.
    """

    def __init__(self, begin_us: int, speed: float, wall_s: Callable[[], float] = time.monotonic) -> None:
        self._asked = self._reached = speed
        self._wall_s = wall_s
        self._at_us, self._at_s = float(begin_us), wall_s()
        self._mark = (self._at_us, self._at_s)
        self._due_us: int | None = None

    def now_us(self) -> int:
        """The recording's time now."""
        now_s = self._wall_s()
        at_us = self._at_us + (now_s - self._at_s) * self._asked * 1e6
        if self._due_us is not None:
            at_us = max(self._at_us, min(at_us, self._due_us + LEAD_S * self._reached * 1e6))
        self._at_us, self._at_s = at_us, now_s
        since_us, since_s = self._mark
        if now_s - since_s >= REACHED_EVERY_S:
            reached = (at_us - since_us) / 1e6 / (now_s - since_s)
            self._mark = (at_us, now_s)
            self._reached = self._asked if reached >= NEARLY * self._asked else round(max(reached, 0.1), 1)
        return int(at_us)

    def speed(self) -> float:
        """Seconds of the recording in a second of the wall, as reached lately; 0 when it is over."""
        return self._reached

    def wait_s(self, at_us: int) -> float:
        """Wall seconds until the recording comes to ``at_us``; 0 or less when it has."""
        return (at_us - self.now_us()) / 1e6 / self._asked

    def judging(self, due_us: int | None) -> None:
        """Messages up to ``due_us`` are being judged; None: none is."""
        self.now_us()
        self._due_us = due_us

    def over(self) -> None:
        """Stand still for good."""
        self.now_us()
        self._asked = self._reached = 0.0
        self._mark = (self._at_us, float("inf"))
