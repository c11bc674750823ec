"""The scenario file: what flies, who lies, what fails. One typed tree, decoded from TOML text."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from araz.vocabulary import LatitudeDeg, LongitudeDeg, ReportKind, Strict, Wind

Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
CountFrom1 = Annotated[int, Meta(ge=1, le=500)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ActorKind(StrEnum):
    """What moves."""

    MULTIROTOR = "multirotor"
    QUAD = "quad"
    FIXED_WING = "fixed_wing"
    BIRD_FLOCK = "bird_flock"
    BALLOON = "balloon"
    MANNED_AIRCRAFT = "manned_aircraft"
    HELICOPTER = "helicopter"
    VEHICLE = "vehicle"
    DECOY = "decoy"
    """Not in the air at all: a transmitter on the ground that claims to fly along ``waypoints``."""


class Waypoint(Strict, frozen=True, kw_only=True):
    """A point to fly to: over the ground of the site, at a speed, with a hover on arrival."""

    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    height_agl_m: NonNegative
    speed_mps: Positive = 12.0
    hover_s: NonNegative = 0.0


class Wander(Strict, frozen=True, kw_only=True):
    """Random flight round a place: a linear oscillator driven by noise, speed and radius in the mean."""

    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    radius_m: Positive = 800.0
    height_agl_m: Positive = 60.0
    speed_mps: Positive = 10.0


class Drop(Strict, frozen=True, kw_only=True):
    """A load let go during the hover at a waypoint; the lighter aircraft then jumps up."""

    waypoint: Annotated[int, Meta(ge=0)]
    load_kg: Positive
    after_s: NonNegative | None = None
    """Seconds into the hover; half of it when absent."""


class Honesty(StrEnum):
    """How a Remote ID transmitter treats the truth."""

    HONEST = "honest"
    OFFSET = "offset"
    """It flies here and says there."""


class RemoteId(Strict, frozen=True, kw_only=True):
    """What a transmitter broadcasts, once a second."""

    serial: str
    honesty: Honesty = Honesty.HONEST
    offset_east_m: float = 0.0
    offset_north_m: float = 0.0
    operator_latitude_deg: LatitudeDeg | None = None
    operator_longitude_deg: LongitudeDeg | None = None


class Adsb(Strict, frozen=True, kw_only=True):
    """What a transponder broadcasts."""

    icao24: Annotated[str, Meta(pattern="^[0-9a-f]{6}$")]
    callsign: Annotated[str, Meta(max_length=8)]
    category: str | None = None


class Actor(Strict, frozen=True, kw_only=True):
    """One thing that moves, ``count`` of them side by side, ``repeats`` times over."""

    id: str
    kind: ActorKind
    drone_class: str = ""
    """Letter of the threat class it stands for (field guide: A to L)."""
    rcs_dbsm: float | None = None
    """Mean radar cross-section; by kind when absent."""
    start_s: NonNegative = 0.0
    end_s: Positive | None = None
    """Birds and balloons end here at the latest; the rest end with their route."""
    waypoints: list[Waypoint] = []
    wander: Wander | None = None
    drops: list[Drop] = []
    mass_kg: Positive | None = None
    """Without the load; by kind when absent."""
    remote_id: RemoteId | None = None
    adsb: Adsb | None = None
    emits_radio: bool | None = None
    """Whether a radio finder can hear it; by kind when absent."""
    acoustic_range_m: NonNegative | None = None
    """How far a microphone hears it in quiet air; by kind and mass when absent."""
    transmitter_latitude_deg: LatitudeDeg | None = None
    """Where a decoy's transmitter really stands."""
    transmitter_longitude_deg: LongitudeDeg | None = None
    is_threat: bool | None = None
    """By kind when absent: drones without an authorised flight are threats."""
    is_authorised: bool = False
    count: CountFrom1 = 1
    spacing_m: NonNegative = 60.0
    repeats: CountFrom1 = 1
    repeat_every_s: Positive = 1200.0


class PatrolReport(Strict, frozen=True, kw_only=True):
    """A person at a place presses a button the first time ``actor`` comes within ``within_m``."""

    kind: ReportKind = ReportKind.HEARD
    reporter: str
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    actor: str
    within_m: Positive = 600.0
    delay_s: NonNegative = 6.0
    """From noticing to pressing."""
    azimuth_sigma_deg: Positive = 15.0
    has_bearing: bool = True
    text: str | None = None


class FaultKind(StrEnum):
    """What can go wrong with a sensor or a line."""

    SENSOR_SILENT = "sensor-silent"
    CLOCK_ERROR = "clock-error"
    FLOOD = "flood"
    MISALIGNED = "misaligned"
    """A radar set up wrongly: it measures constantly off."""
    LINK_CUT = "link-cut"
    """Messages of a feed are kept at the post and come all at once when the line is back."""


class Fault(Strict, frozen=True, kw_only=True):
    """One fault of a sensor (or, for a cut line, of a feed) from a time to a time."""

    kind: FaultKind
    sensor: str = ""
    feed: str = ""
    from_s: NonNegative = 0.0
    to_s: Positive | None = None
    """To the end of the night when absent."""
    offset_s: float = 0.0
    """Clock error: what the sensor's clock shows minus the truth."""
    rate_per_s: NonNegative = 0.0
    range_offset_m: float = 0.0
    """Misaligned: what the radar measures minus the truth."""
    azimuth_offset_deg: float = 0.0
    elevation_offset_deg: float = 0.0


class Scenario(Strict, frozen=True, kw_only=True):
    """One night."""

    name: str
    title: str
    description: str = ""
    start_at: datetime
    duration_s: Positive
    wind: Wind | None = None
    """The site's wind when absent."""
    actors: list[Actor] = []
    reports: list[PatrolReport] = []
    faults: list[Fault] = []

    @property
    def start_us(self) -> int:
        """Microseconds since 1970, UTC."""
        start_at = self.start_at if self.start_at.tzinfo is not None else self.start_at.replace(tzinfo=UTC)
        return (start_at - _EPOCH) // timedelta(microseconds=1)


def read_scenario(text: str) -> Scenario:
    """Return the scenario of a TOML text; ValueError names the key that is wrong and what is expected there.

    A ``start_at`` without an offset is UTC.
    """
    try:
        scenario = msgspec.convert(tomllib.loads(text), Scenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as cause:
        raise ValueError(f"The scenario cannot be used: {cause}. docs/simulation.md explains every field.") from cause
    _check(scenario)
    return scenario


def _check(scenario: Scenario) -> None:
    """Refuse what the types cannot: names that point nowhere, routes with nothing to follow."""
    names = [actor.id for actor in scenario.actors]
    if len(set(names)) != len(names):
        raise ValueError(f"Scenario {scenario.name}: two actors share an id; ids must differ: {sorted(names)}.")
    for actor in scenario.actors:
        where = f"Scenario {scenario.name}, actor {actor.id}"
        if not actor.waypoints and actor.wander is None:
            raise ValueError(f"{where}: give waypoints or a wander area, else it has nowhere to be.")
        if actor.kind == ActorKind.BIRD_FLOCK and actor.wander is None:
            raise ValueError(f"{where}: a flock needs a wander area.")
        if any(drop.waypoint >= len(actor.waypoints) for drop in actor.drops):
            raise ValueError(f"{where}: a drop names a waypoint beyond the last one (they count from 0).")
        if actor.kind == ActorKind.DECOY and (actor.remote_id is None or actor.transmitter_latitude_deg is None):
            raise ValueError(f"{where}: a decoy needs a remote_id and transmitter_latitude_deg/_longitude_deg.")
    for report in scenario.reports:
        if report.actor not in names:
            raise ValueError(f"Scenario {scenario.name}: a report waits for {report.actor!r}, which is no actor.")
    for fault in scenario.faults:
        if not (fault.feed if fault.kind == FaultKind.LINK_CUT else fault.sensor):
            raise ValueError(f"Scenario {scenario.name}: a {fault.kind.value} fault must name its sensor or feed.")
