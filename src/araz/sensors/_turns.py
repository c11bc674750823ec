"""A radar's turn cut into sectors: what the beam has passed is told at once, not when the turn is over.

A plot of a radar that turns in 2.5 s would else be up to 2.5 s old when it is used, and older than what a faster radar
has said since. The beam stands at ``2 π (t - north) / period``; where plots do not come as that says (a radar that
stares, trails or mixes its plots), the looks stay whole turns, from north to north.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from araz.vocabulary import Observation, Polar, Sensor, SensorKind

#: A shorter turn is over before the picture's next second.
CUT_FROM_S: Final = 1.5
CUT_EVERY_US: Final = 250_000
#: A plot this far from where the beam should stand, and the radar does not turn as thought.
OFF_RAD: Final = 0.35
#: A plot that comes after its sector was told, by more than this: the next turns stay whole.
LATE_US: Final = 50_000
WHOLE_TURNS: Final = 100
#: A sector ends this far behind its last plot: its own target must lie in it.
GUARD_SIGMAS: Final = 3.0
GUARD_RAD: Final = 0.02
#: Since a cut so short a part of a turn is told with the next one.
SHORT: Final = 0.25
#: Almost a turn is one.
WHOLE: Final = 0.97


class Beam(msgspec.Struct, frozen=True):
    """Where a radar's beam was: its last north mark, its last cut (the sensor's own azimuth), and if it may be cut."""

    north_us: int | None = None
    cut_us: int | None = None
    cut_rad: float = 0.0
    whole_until_us: int = 0


def marked(beam: Beam, at_us: int, *, is_cut: bool) -> Beam:
    """The beam after a north mark, which ended a part of the turn or not."""
    if not is_cut:
        return msgspec.structs.replace(beam, north_us=at_us)
    return msgspec.structs.replace(beam, north_us=at_us, cut_us=at_us, cut_rad=0.0)


def may_cut(sensor: Sensor) -> bool:
    """Whether this sensor's turns are long enough to be cut."""
    return sensor.kind == SensorKind.RADAR and sensor.period_s >= CUT_FROM_S


def watched(beam: Beam, sensor: Sensor, plot: Observation) -> Beam:
    """The beam after a plot: one that comes late, or from where the beam is not, makes whole turns of the next ones."""
    if not may_cut(sensor) or beam.north_us is None or beam.cut_us is None or not isinstance(plot.measurement, Polar):
        return beam
    turn_us = 1e6 * sensor.period_s
    expected = 2.0 * math.pi * (plot.observed_at_us - beam.north_us) / turn_us
    off = math.remainder(math.radians(plot.measurement.azimuth_deg) - expected, 2.0 * math.pi)
    if abs(off) <= OFF_RAD and plot.observed_at_us >= beam.cut_us - LATE_US:
        return beam
    return msgspec.structs.replace(beam, whole_until_us=plot.observed_at_us + round(WHOLE_TURNS * turn_us))


def cut_at(beam: Beam, sensor: Sensor, newest: Observation, azimuth_sigma_rad: float) -> Beam | None:
    """The beam after a cut behind the newest plot; None when nothing is cut now."""
    at_us = newest.observed_at_us
    if beam.cut_us is None or not may_cut(sensor):
        return None
    if at_us < beam.whole_until_us or at_us - beam.cut_us < CUT_EVERY_US:
        return None
    if not isinstance(newest.measurement, Polar):
        return None
    behind = math.radians(newest.measurement.azimuth_deg) + max(GUARD_RAD, GUARD_SIGMAS * azimuth_sigma_rad)
    return msgspec.structs.replace(beam, cut_us=at_us, cut_rad=behind % (2.0 * math.pi))


def is_short(beam: Beam, sensor: Sensor, at_us: int) -> bool:
    """Whether the turn was cut so short a time ago that its rest can be told with the next part."""
    return beam.cut_us is not None and at_us - beam.cut_us < SHORT * 1e6 * sensor.period_s


def sector_between(before: Beam, after: Beam, sensor: Sensor) -> tuple[tuple[float, float] | None, bool]:
    """The sector (from, to; the sensor's own azimuth) from one cut to the next, and whether it is known.

    None is a whole turn. Not known where the angle and the time that passed do not agree.
    """
    if before.cut_us is None or after.cut_us is None or before.cut_rad == after.cut_rad:
        return None, True
    passed = (after.cut_us - before.cut_us) / (1e6 * sensor.period_s)
    if passed >= WHOLE:
        return None, True
    width = (after.cut_rad - before.cut_rad) % (2.0 * math.pi)
    off = math.remainder(width - 2.0 * math.pi * passed, 2.0 * math.pi)
    is_known = abs(off) <= OFF_RAD and abs(width - 2.0 * math.pi * passed) <= 2.0 * OFF_RAD
    return (before.cut_rad, after.cut_rad), is_known
