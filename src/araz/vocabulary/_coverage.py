"""What bears on who can see: the weather of the hour, the target asked about, the corridors that are watched."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from araz.vocabulary._phrase import Said
from araz.vocabulary._quantities import (
    Count,
    DistanceM,
    Probability,
    RcsDbsm,
    SpeedMps,
    TimeUs,
)


class Weather(msgspec.Struct, frozen=True, kw_only=True, tag="weather"):
    """What the air does to sensors; None is unknown and counts as clear and quiet, which is said beside the map."""

    rain_mm_per_h: Annotated[float, Meta(ge=0, le=300)] | None = None
    """Rain rate: takes range from radars (ITU-R P.838)."""
    visibility_m: Annotated[float, Meta(gt=0)] | None = None
    """Meteorological visibility: takes range from cameras."""
    wind_mps: SpeedMps | None = None
    """At the microphones: wind noise takes range from them."""
    noise_db: Annotated[float, Meta(ge=0, le=80)] | None = None
    """Background noise at the microphones above a quiet night; None: what the wind makes."""


class Quarry(msgspec.Struct, frozen=True, kw_only=True, tag="quarry"):
    """The target a coverage map speaks of; the default is the heavy, radio-silent multirotor of the casework."""

    name: str = "heavy multirotor, radio silent"
    rcs_dbsm: RcsDbsm = -8.0
    acoustic_range_m: DistanceM = 600.0
    """How far a microphone hears it in quiet air."""
    emits_radio: bool = False
    has_remote_id: bool = False


class CorridorCoverage(msgspec.Struct, frozen=True, kw_only=True, tag="corridor-coverage"):
    """How well one corridor is seen now, beside how well it is seen when all is well."""

    corridor_id: str
    at_us: TimeUs
    probability: Probability
    """Mean chance of a confirmed track on the asked target within the dwell, over the corridor's places and heights."""
    nominal_probability: Probability
    """The same with every sensor healthy and clear weather."""
    blind_share: Probability
    """Share of its places and heights seen with less than the corridor's least probability."""
    is_blind: bool
    causes: list[str] = []
    sensors_lost: list[str] = []
    points: Count = 0
    sentence: str = ""
    said: Said | None = None
    causes_said: list[Said] = []
