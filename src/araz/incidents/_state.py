"""What the room keeps: plain frozen values, copied on write, bounded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, NamedTuple

import numpy as np

from araz.geography import Place
from araz.tracking import LaunchArea
from araz.vocabulary import (
    Alarm,
    Area,
    Claim,
    Cone,
    CorridorCoverage,
    Decision,
    FloatArray,
    IdentityVerdict,
    IncidentKind,
    IntArray,
    Observation,
    Reason,
    SensorHealth,
    SensorKind,
    SensorState,
    SensorTable,
    TrackPicture,
)

#: Motion is judged once a second of data time: a hover of seconds needs no more, and the tracker may run faster.
EVALUATE_US: Final = 1_000_000
#: Ended tracks, cleared alarms and answered reports are forgotten after this; ids are never reused.
FORGET_US: Final = 30 * 60 * 1_000_000
#: Seconds of motion kept for each watched track: a descent, a hover and the way home.
HISTORY_SAMPLES: Final = 300
#: Incidents of one track that are remembered as said.
MOST_INCIDENTS: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What one step may know: the picture now, and everything new since the last step.

    ``observations`` are the claims, bearings and people's reports since the last step (radar plots are ignored);
    ``health`` is the current list, one record a sensor; ``corridors`` is how well each watched corridor is seen now;
    ``claims`` maps ``claim_key`` to the latest claim.
    """

    now_us: int
    picture: TrackPicture
    observations: Sequence[Observation] = ()
    health: Sequence[SensorHealth] = ()
    claims: Mapping[int, Claim] = field(default_factory=dict)
    decisions: Sequence[Decision] = ()
    launches: Mapping[int, LaunchArea | None] = field(default_factory=dict)
    """Where the tracks named by ``launch_wanted`` were launched; None where the tracker cannot say."""
    corridors: Sequence[CorridorCoverage] = ()
    sighted: Mapping[int, int] = field(default_factory=dict)
    """When a radar last saw each track that has been seen by one, by number."""


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What never changes: the place, the sensors, and bit masks of ``TrackPicture.sensor_mask`` by kind of sensor."""

    place: Place
    table: SensorTable
    kinds: tuple[SensorKind, ...]
    names: tuple[str, ...]
    silent_after_us: tuple[int, ...]
    watches_line: tuple[bool, ...]
    claim_bits: int
    radar_bits: int
    bearing_bits: int
    people_bits: int
    receivers: tuple[tuple[str, float, float, float, float], ...]
    """Remote ID receivers: name, east, north, up, range."""
    stands: tuple[tuple[float, float], ...]
    """Latitude and longitude of every sensor, as its bearings are drawn from."""
    stale_us: int
    """A track without an observation for longer is a prediction: it makes no news."""


@dataclass(frozen=True, slots=True, eq=False)
class Stats:
    """Running statistics of N confirmed tracks, sorted by ``track_id``; all arrays [N], SI units, ENU."""

    track_id: IntArray
    at_us: IntArray
    heading_east: FloatArray
    heading_north: FloatArray
    mean_speed_mps: FloatArray
    lag_east_mps: FloatArray
    """Velocity, averaged over a few seconds: what the present course is held against."""
    lag_north_mps: FloatArray
    course_nats: FloatArray
    """Log odds, summed so far, that it flies a drone's straight legs and not a bird's wandering."""
    flock_share: FloatArray
    """Share of the recent seconds in which two or more others flew close by at its velocity."""
    top_mps: FloatArray
    """The fastest it was ever likely seen to move: speed less two sigma, at most."""
    sure_top_mps: FloatArray
    """The same less three sigma."""


def no_stats() -> Stats:
    """Statistics of no track."""
    none = np.zeros(0)
    ids = np.zeros(0, dtype=np.int64)
    return Stats(ids, ids, none, none, none, none, none, none, none, none, none)


_AT: Final = attrgetter("at_us")


class Sample(NamedTuple):
    """One second of a watched track: ENU metres and m/s, height over ground, signed distance to the line."""

    at_us: int
    east_m: float
    north_m: float
    up_m: float
    v_east_mps: float
    v_north_mps: float
    v_up_mps: float
    agl_m: float
    border_m: float


class Hover(NamedTuple):
    """Standing still in the air: where and how long; ``ended_us`` is None while it lasts. Sums give the mean place.

    ``after_leg`` says that steady flight led to it: only such a stop can be a release.
    """

    started_us: int
    last_us: int
    ended_us: int | None
    samples: int
    sum_east_m: float
    sum_north_m: float
    sum_agl_m: float
    covariance: tuple[float, float, float]
    slow_s: float
    after_leg: bool = False
    up_sigma_m: float = 0.0
    is_reported: bool = False


class Drop(NamedTuple):
    """A release found: place, time, belief, and what spoke for and against."""

    at_us: int
    probability: float
    east_m: float
    north_m: float
    agl_m: float
    border_m: float
    areas: tuple[Area, ...]
    reasons_for: tuple[Reason, ...]
    reasons_against: tuple[Reason, ...]


class Witness(NamedTuple):
    """A camera's or microphone's word that something was let go, and how sure it is of it."""

    at_us: int
    sensor_id: str
    confidence: float


class Crossed(NamedTuple):
    """A crossing that was said: when, by what, where on the line (ENU metres), its incident, its speed there.

    ``is_answered``: it went out, and what came back was taken for it.
    """

    at_us: int
    track_id: int
    east_m: float
    north_m: float
    is_inward: bool
    incident_id: str
    speed_mps: float
    is_answered: bool = False


class Told(NamedTuple):
    """A balloon's forecast as it was said: when, the place (east, north), and whether on the ground."""

    said_us: int
    centre_m: tuple[float, float]
    is_landing: bool


class Memory(NamedTuple):
    """What is remembered of one watched track (a tuple: it is written anew every second for every track).

    ``side`` is +1 outside, −1 inside, 0 not yet told apart within the track's own uncertainty.
    """

    track_id: int
    first_seen_us: int
    last_seen_us: int
    updated_us: int = 0
    """Its last observation; the samples after it are the tracker's prediction."""
    heir: int | None = None
    """The track that took its story over."""
    resumed: int = 0
    """How often it was observed again since then."""
    former: tuple[int, ...] = ()
    belief: float = 0.0
    """Latest likeness to a drone while it was seen."""
    inherited_nats: float = 0.0
    """Log odds a successor took over from its elder, which fade from ``inherited_at_us`` on."""
    inherited_at_us: int = 0
    likely_since_us: int | None = None
    """Since when the likeness has been high enough for a card."""
    leg_at_us: int | None = None
    """When it last flew steadily and was likely a drone."""
    hovered_at_us: int | None = None
    """When it last stood still, after flying or while climbing on the spot."""
    stood_at_us: int | None = None
    """When it last stood where nothing had stood before, and had never been seen to move."""
    rose_at_us: int | None = None
    """When it last rose on the spot, as what starts from the ground or lets go of a load does."""
    deepest: tuple[float, float, float] | None = None
    """Distance to the line (negative), east and north of the farthest it was seen inside."""
    side: int = 0
    side_wanted: int = 0
    """The side it seems to be on; believed once that has lasted."""
    side_since_us: int | None = None
    first_side: int = 0
    history: tuple[Sample, ...] = ()
    hover: Hover | None = None
    crossed_at_us: int | None = None
    crossing_border_m: tuple[float, float] | None = None
    came_over: bool = False
    left_at_us: int | None = None
    returned_at_us: int | None = None
    predicted_since_us: int | None = None
    predicted_last_us: int | None = None
    landed_at_us: int | None = None
    drop: Drop | None = None
    balloon: float = 0.0
    """How likely it drifts with the wind."""
    forecast: Told | None = None
    """What was last said of where a balloon will be."""
    swarm_of: int = 0
    """How many it was said to fly with."""
    swarm_id: str | None = None
    loiter_at_us: int = 0
    """When it was last said to stay about one place; 0 before."""
    is_down: bool = False
    witness: Witness | None = None
    """The latest sensor that said it let something go."""
    notes: tuple[str, ...] = ()
    """What earlier crossings make of this flight, for its card."""
    is_launch_asked: bool = False
    launch: LaunchArea | None = None
    """Found and not yet said: it waits for the card."""
    people: tuple[str, ...] = ()
    incidents: tuple[tuple[str, str], ...] = ()
    """(kind@time, incident id) in the order they happened."""

    def with_incident(self, kind: IncidentKind, key_us: int, incident_id: str) -> Memory:
        """With one more that was said, known by its kind and a time.

        About the latest forty are kept, and the latest two of each kind (out and in are both crossings): what was said
        of a fact that still stands is never forgotten, and so never said again.
        """
        told = (*self.incidents, (f"{kind.value}@{key_us}", incident_id))
        if len(told) <= MOST_INCIDENTS:
            return self._replace(incidents=told)
        kinds = [key.partition("@")[0] for key, _ in told]
        old = next((k for k, name in enumerate(kinds) if kinds[k + 1 :].count(name) >= 2), 0)
        return self._replace(incidents=(*told[:old], *told[old + 1 :]))

    def has_incident(self, kind: IncidentKind, key_us: int) -> bool:
        """Whether the incident of this kind and time was said."""
        key = f"{kind.value}@{key_us}"
        return any(known == key for known, _ in self.incidents)

    def latest_incident(self, kind: IncidentKind) -> str | None:
        """The id of what was said last of this kind."""
        return next((i for key, i in reversed(self.incidents) if key.startswith(f"{kind.value}@")), None)

    def since(self, at_us: int) -> tuple[Sample, ...]:
        """What is remembered from a time on; the history is in order of time."""
        return self.history[bisect_left(self.history, at_us, key=_AT) :]


@dataclass(frozen=True, slots=True)
class Identity:
    """A claim on a track, held against physics: ``miss_nats`` is how unlikely the radars' silence is by now."""

    verdict: IdentityVerdict
    reasons: tuple[str, ...]
    miss_nats: float = 0.0
    covered_s: float = 0.0
    is_under_test: bool = False
    last_seen_us: int = 0
    supported_s: float = 0.0
    """How much longer radars have seen it than not since it was contradicted."""
    was_outside: bool = False
    """It was seen on the other side of the line: no zone on ours excuses it."""
    was_refuted: bool = False
    """Physics refuted the claim once: whatever flies there now, the claim speaks for nothing any more."""


class ClaimSeen(NamedTuple):
    """Where a claimed identity last said it was, and how often it jumped further than anything flies.

    ``jumps`` fades with every message that does not jump, so that single wrong fixes never add up.
    """

    at_us: int
    east_m: float
    north_m: float
    jumps: float
    last_jump_us: int
    jump_speed_mps: float
    was_outside: bool = False
    """It said it was on the other side of the line; kept over every change of track number."""


class SensorMemory(NamedTuple):
    """A sensor's last judged state, since when, whether that is bad, and whether it was said."""

    state: SensorState
    since_us: int
    is_bad: bool
    is_told: bool = False


class Report(NamedTuple):
    """A person's report that no track has answered yet (or has: ``track_id``)."""

    observed_at_us: int
    known_at_us: int
    reporter: str
    kind: str
    east_m: float
    north_m: float
    azimuth_rad: float | None
    sigma_rad: float
    incident_id: str
    track_id: int | None = None
    is_alarmed: bool = False


class Shown(NamedTuple):
    """The few facts of a card whose change an officer cares about."""

    phase: str
    words: str
    speed_mps: float
    agl_m: float
    agl_sigma_m: float
    minutes: float
    area_east_m: float
    area_north_m: float
    area_size_m: float


class Member(NamedTuple):
    """One situation on a group's card; ``told_at_us`` is when an officer was first told of it."""

    key: str
    phase: str
    priority: int
    confidence: float
    sentence: str
    areas: tuple[Area, ...]
    reasons_against: tuple[Reason, ...]
    not_seen: tuple[str, ...]
    incident_ids: tuple[str, ...]
    to_decide: str
    told_at_us: int
    patrols: tuple[str, ...] = ()
    """Who was sent to it."""


@dataclass(frozen=True, slots=True)
class Card:
    """One alarm as last emitted, with what is needed to decide whether it changed."""

    alarm: Alarm
    key: str
    kind: str
    shown: Shown
    present_at_us: int
    was_sent: bool = False
    told: tuple[Member, ...] = ()
    """What each member of a group says now; empty on a card for one."""
    said: tuple[Member, ...] = ()
    """The same as last sent."""
    came_us: tuple[int, ...] = ()
    """When it was raised or came back after it was cleared."""
    many_since: int = 0
    """The revision with which a card for one became the group's; 0 for one that never was."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Everything the room remembers between steps; no field is ever changed in place."""

    context: Context
    next_evaluation_us: int = 0
    incident_count: int = 0
    alarm_count: int = 0
    stats: Stats = field(default_factory=no_stats)
    memories: Mapping[int, Memory] = field(default_factory=dict)
    identities: Mapping[int, Identity] = field(default_factory=dict)
    claims_seen: Mapping[str, ClaimSeen] = field(default_factory=dict)
    sensors: Mapping[str, SensorMemory] = field(default_factory=dict)
    reports: tuple[Report, ...] = ()
    cones: tuple[Cone, ...] = ()
    cards: Mapping[str, Card] = field(default_factory=dict)
    card_of_key: Mapping[str, str] = field(default_factory=dict)
    raised: tuple[tuple[int, str], ...] = ()
    """(time, kind) of the alarms raised in the last ten minutes."""
    hover_places: tuple[tuple[int, float, float], ...] = ()
    scenery: tuple[tuple[int, float, float], ...] = ()
    """Where something stood that never flew: a post, a tree, a cable; what stands there again is no start."""
    last_us: int = 0
    began_us: int = 0
    """The first judgement: of what stood then nobody knows since when."""
    crossings: tuple[Crossed, ...] = ()
    blind: Mapping[str, str] = field(default_factory=dict)
    """The incident by which each blind corridor was told."""


def is_due(state: State, now_us: int) -> bool:
    """Whether motion is to be judged at ``now_us``: once a second of data time."""
    return now_us >= state.next_evaluation_us


def context_of(place: Place, table: SensorTable) -> Context:
    """Sort the sensors by what their word is worth; fails with ValueError when the table names a stranger."""
    by_id = {sensor.id: sensor for sensor in place.site.sensors}
    unknown = [name for name in table.sensor_id if name not in by_id]
    if unknown:
        raise ValueError(f"sensors {unknown} are not in the site file; build the table from the same site")
    if len(table.sensor_id) > 62:
        raise ValueError("a sensor mask holds 62 sensors; split the sector into two sites")
    kinds = tuple(by_id[name].kind for name in table.sensor_id)
    distance = place.border.signed_distance_m(table.origin_enu_m[:, 0], table.origin_enu_m[:, 1])
    physical = (SensorKind.RADAR, SensorKind.RF_BEARING, SensorKind.ACOUSTIC, SensorKind.CAMERA)
    watches = tuple(
        kind in physical and abs(float(distance[i])) < float(table.max_range_m[i]) for i, kind in enumerate(kinds)
    )

    periods = [float(table.period_s[i]) for i, kind in enumerate(kinds) if kind is SensorKind.RADAR]

    def bits(*wanted: SensorKind) -> int:
        return sum(1 << i for i, kind in enumerate(kinds) if kind in wanted)

    return Context(
        place=place,
        table=table,
        kinds=kinds,
        names=tuple(table.sensor_id),
        silent_after_us=tuple(int(by_id[name].silent_after_s * 1e6) for name in table.sensor_id),
        watches_line=watches,
        claim_bits=sum(1 << i for i in range(len(kinds)) if table.is_claim[i]),
        radar_bits=bits(SensorKind.RADAR),
        bearing_bits=bits(SensorKind.RF_BEARING, SensorKind.ACOUSTIC, SensorKind.CAMERA),
        people_bits=bits(SensorKind.PEOPLE),
        receivers=tuple(
            (table.sensor_id[i], *_point(table.origin_enu_m[i]), float(table.max_range_m[i]))
            for i, kind in enumerate(kinds)
            if kind is SensorKind.REMOTE_ID_RECEIVER
        ),
        stands=_stands(place, table),
        stale_us=max(3_000_000, int(1.6e6 * max(periods, default=0.0))),
    )


def _stands(place: Place, table: SensorTable) -> tuple[tuple[float, float], ...]:
    """On the ground below each sensor."""
    if not table.sensor_id:
        return ()
    east, north = table.origin_enu_m[:, 0], table.origin_enu_m[:, 1]
    up = np.asarray(place.terrain.ground_up_m(east, north), dtype=np.float64)
    latitude, longitude, _ = place.frame.to_geodetic(np.stack([east, north, up], axis=1))
    return tuple(zip(latitude.tolist(), longitude.tolist(), strict=True))


def _point(position_enu_m: FloatArray) -> tuple[float, float, float]:
    east, north, up = position_enu_m.tolist()
    return east, north, up
