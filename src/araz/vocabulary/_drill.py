"""Blind drills: synthetic sorties that keep an officer's watch measured, and can never be taken for real ones.

A drill is said in a record type of its own, never as a picture, an incident, an alarm or a decision. Whoever exports
those cannot export a drill by mistake; and what is inside carries the watermark in its ids, if somebody takes it out.
"""

from __future__ import annotations

from typing import Final

import msgspec

from araz.vocabulary._events import Alarm, Decision, Picture, Track
from araz.vocabulary._phrase import Said
from araz.vocabulary._quantities import Count, DurationS, TimeUs

#: Every id of a drill begins with it.
WATERMARK: Final = "DRILL-"


class DrillOrder(msgspec.Struct, frozen=True, kw_only=True, tag="drill-order"):
    """The shift lead's order for one drill; the officer is not told."""

    drill_id: str
    starts_at_us: TimeUs
    seed: Count
    """Where along the line it comes."""
    ordered_by: str


class Drill(msgspec.Struct, frozen=True, kw_only=True, tag="drill"):
    """What a drill looks like at one time, or how it ended; synthetic, never to be exported as real."""

    drill_id: str
    at_us: TimeUs
    state: str
    """``running``, ``decided``, ``missed`` (nobody decided), ``stopped`` or ``refused`` (real traffic)."""
    why: str
    watermark: str = "SYNTHETIC – DRILL"
    why_said: Said | None = None
    track: Track | None = None
    alarm: Alarm | None = None
    decision: Decision | None = None
    decision_s: DurationS | None = None
    """From the drill's alarm to the decision; None before there was one."""


def real_tracks(picture: Picture) -> list[Track]:
    """The tracks of a picture that no drill put there: what an exporter may write."""
    return [track for track in picture.tracks if not is_drill(track)]


def is_drill(record: msgspec.Struct) -> bool:
    """Whether a record is a drill's, by its type or by a watermarked id: no exporter may let it out as real."""
    ids = (getattr(record, name, None) for name in ("drill_id", "track_id", "alarm_id", "incident_id", "decision_id"))
    return any(isinstance(one, str) and one.startswith(WATERMARK) for one in ids)
