"""The JSON frames of the live stream: one object a frame, its kind in ``type``."""

from __future__ import annotations

import msgspec

from araz.vocabulary import Alarm, Decision, Drill, Incident, Picture, Said, SensorHealth

PROTOCOL = 1
"""Raised when a frame changes its meaning; a browser with another number asks for a reload."""

LiveEvent = Alarm | Incident | Decision | SensorHealth | Drill
"""Records that are sent as they are: their own tag is the ``type`` of the frame."""


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """First frame: who speaks, and what time it is there (microseconds, UTC)."""

    protocol: int
    site: str
    at_us: int
    speed: float = 1.0
    """As in ``ClockFrame``."""
    other_node: str = ""
    """Address of the console to go to when this one is gone and that one is ready; empty where there is none."""


class ClockFrame(msgspec.Struct, frozen=True, kw_only=True, tag="clock"):
    """The time of the data, at least once a second: silence longer than that is a broken connection."""

    at_us: int
    sent_at_us: int
    speed: float = 1.0
    """Seconds of data in a second of the wall: 1 live; what a playback reaches; 0 when the recording is over."""


class PictureFrame(msgspec.Struct, frozen=True, kw_only=True, tag="picture"):
    """A picture on its way: its own time, when it left, and the oldest message that is new in it.

    ``sent_at_us - oldest_message_us`` is the time from bytes on the wire to the socket of the browser.
    """

    at_us: int
    sent_at_us: int
    oldest_message_us: int | None
    picture: Picture | msgspec.Raw


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """Two clocks: what is known at ``known_us`` of the night up to ``at_us``; equal times give the screen of then."""

    at_us: int
    known_us: int
    alarms: list[Alarm]
    incidents: list[Incident]
    decisions: list[Decision]
    health: list[SensorHealth]
    picture: Picture | None


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, in a stable code, a sentence, and what to do."""

    code: str
    message: str
    remedy: str
    message_said: Said
    """What the sentence was made of: the reader's language says it anew. So for the remedy."""
    remedy_said: Said


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The one shape of every HTTP error."""

    error: ErrorBody


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a decision or a report: where it stands in the journal."""

    id: str
    seq: int
    received_at_us: int
    repeated: bool = False


class ReportIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's report as the patrol page sends it; ``report_id`` makes a second delivery harmless."""

    report_id: str
    kind: str
    reporter: str
    observed_at_us: int
    azimuth_deg: float | None = None
    azimuth_sigma_deg: float | None = None
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    text: str | None = None
    searched: list[str] = []
    search_detection: float | None = None
