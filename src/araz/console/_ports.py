"""What the console needs from the rooms it must not import."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from araz.vocabulary import Alarm, Decision, Incident, Message, Picture, Rejected, SensorHealth

Clock = Callable[[], int]
"""Microseconds since 1970, UTC, in the time of the data (the wall clock live; the recording's clock in a replay)."""

Speed = Callable[[], float]
"""Seconds of data in a second of the wall: 1 live; what a playback reaches; 0 when the recording is over."""

Submit = Callable[[str, bytes], Awaitable[Message]]
"""``await submit(source, payload)`` returns the journalled message, after it is on disk."""


def live_speed() -> float:
    """The `Speed` of a live watch."""
    return 1.0


class Reader(Protocol):
    """The records as the console asks for them; called from worker threads, so it must stand concurrent reads."""

    def alarms(self) -> Sequence[Alarm]:
        """Return the newest revision of every alarm, oldest first."""

    def incidents(self, since_us: int) -> Sequence[Incident]:
        """Return incidents with ``known_at_us`` at or after ``since_us``, in that order."""

    def decisions(self, since_us: int) -> Sequence[Decision]:
        """Return decisions with ``at_us`` at or after ``since_us``, in that order."""

    def pictures(self, from_us: int, to_us: int, limit: int) -> Sequence[Picture]:
        """Return at most ``limit`` pictures with ``at_us`` in [from, to], oldest first."""

    def picture_at(self, at_us: int) -> Picture | None:
        """Return the newest picture at or before ``at_us``."""

    def health(self) -> Sequence[SensorHealth]:
        """Return the newest health of every sensor."""

    def health_at(self, at_us: int) -> Sequence[SensorHealth]:
        """Return, for each sensor whose state was known at ``at_us``, the record with which that state began."""

    def alarms_known(self, at_us: int, known_us: int) -> Sequence[Alarm]:
        """Return, as known at ``known_us``, the newest revision of each alarm raised at or before ``at_us``."""

    def incidents_known(self, at_us: int, known_us: int) -> Sequence[Incident]:
        """Return the incidents that happened (or were foretold) by ``at_us``, as far as known at ``known_us``."""

    def decisions_known(self, at_us: int, known_us: int) -> Sequence[Decision]:
        """Return the decisions taken at or before ``at_us`` and recorded at or before ``known_us``."""

    def rejects(self, source: str) -> Sequence[Rejected]:
        """Return the newest rejected inputs of one feed, newest first."""
