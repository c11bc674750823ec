"""What Araz says: tracks, incidents, alarms, options, decisions, health."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from araz.vocabulary._disclosure import Withheld
from araz.vocabulary._observation import PeopleReport, SensorState
from araz.vocabulary._phrase import Said, said_of
from araz.vocabulary._quantities import (
    AltitudeAglM,
    AltitudeAmslM,
    AltitudeHaeM,
    AngleDeg,
    AzimuthDeg,
    Count,
    DistanceM,
    DurationS,
    LatitudeDeg,
    LongitudeDeg,
    Probability,
    RateMps,
    SignedDurationS,
    SpeedMps,
    TimeUs,
)
from araz.vocabulary._screen import ScreenShown


class Area(msgspec.Struct, frozen=True, kw_only=True, tag="area"):
    """An ellipse on the ground that holds the truth with ``probability``."""

    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    semi_major_m: DistanceM
    semi_minor_m: DistanceM
    azimuth_deg: AzimuthDeg
    """Direction of the major axis, clockwise from true north."""
    probability: Probability
    altitude_hae_m: AltitudeHaeM | None = None
    """The ground at its centre; None where nobody knows it."""


class IdentityVerdict(StrEnum):
    """A claim after it was held against physics."""

    NONE = "none"
    UNTESTED = "untested"
    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    AUTHORISED = "authorised"


class Reappearance(msgspec.Struct, frozen=True, kw_only=True, tag="reappearance"):
    """Where, when and how likely a track that terrain hides comes out again."""

    area: Area
    from_us: TimeUs
    to_us: TimeUs
    """Nine in ten of those that come out here do between these."""
    probability: Probability
    """Chance to come out here within a minute."""


class Track(msgspec.Struct, frozen=True, kw_only=True, tag="track"):
    """One track as people and other systems see it."""

    track_id: str
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    altitude_hae_m: AltitudeHaeM
    altitude_amsl_m: AltitudeAmslM
    altitude_agl_m: AltitudeAglM
    altitude_sigma_m: DistanceM
    speed_mps: SpeedMps
    course_deg: AzimuthDeg
    climb_mps: RateMps
    ellipse_semi_major_m: DistanceM
    """Semi-axes and direction of the 95 % horizontal ellipse."""
    ellipse_semi_minor_m: DistanceM
    ellipse_azimuth_deg: AzimuthDeg
    existence: Probability
    is_confirmed: bool
    class_name: str
    class_probability: Probability
    started_at_us: TimeUs
    updated_at_us: TimeUs
    sensors: list[str]
    claim: str | None = None
    """``kind:identity`` of the claim it carries."""
    verdict: IdentityVerdict = IdentityVerdict.NONE
    verdict_reasons: list[str] = []
    verdict_said: list[Said] = []
    """The same reasons for a reader of another language."""
    hidden: bool = False
    """Lost behind terrain, not gone."""
    reappears: list[Reappearance] = []
    """Of a hidden track: where it can come out, likeliest first."""
    border_distance_m: float | None = None
    """Signed distance to the line: positive outside (the other side), negative inside."""


class Cone(msgspec.Struct, frozen=True, kw_only=True, tag="cone"):
    """A bearing without range: drawn as a cone, never as a point."""

    sensor_id: str
    observed_at_us: TimeUs
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    azimuth_deg: AzimuthDeg
    half_width_deg: AngleDeg
    reach_m: DistanceM
    label: str
    said: Said | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True, tag="picture"):
    """Everything that is in the air as believed at one time."""

    at_us: TimeUs
    tracks: list[Track]
    cones: list[Cone] = []
    withheld: list[Withheld] = []
    """What its reader may not see, in words; empty for whoever sees all."""


class IncidentKind(StrEnum):
    """What can happen on the line."""

    APPROACH = "approach"
    CROSSING_PREDICTED = "crossing-predicted"
    CROSSING = "crossing"
    DROP = "drop"
    LANDING = "landing"
    HOVER = "hover"
    HEARD = "heard"
    SEEN = "seen"
    FOUND = "found"
    FALSE_IDENTITY = "false-identity"
    SENSOR_SILENT = "sensor-silent"
    RETURNED = "returned"
    LAUNCH = "launch"
    LOITER = "loiter"
    """A likely drone stays about one place: a scout, or one that waits."""
    REVERSE_SORTIE = "reverse-sortie"
    """It went out from our side and comes back, likely loaded."""
    REPEAT_SORTIE = "repeat-sortie"
    """Another flight crossed the same stretch of the line before."""
    DOWN = "down"
    """It sank to the ground and radars that see there see it no more."""
    SWARM = "swarm"
    """Three or more fly together."""
    BALLOON = "balloon"
    """It drifts with the wind; ``at_us`` and the areas are those of its forecast."""
    COVERAGE_LOST = "coverage-lost"
    """A watched corridor went blind: quiet there says little."""
    COVERAGE_RESTORED = "coverage-restored"
    CORRECTED = "corrected"
    """What ``supersedes`` names was said without a post's messages, and does not hold with them."""


class Reason(msgspec.Struct, frozen=True, kw_only=True, tag="reason"):
    """One sentence for or against, with the weight it had."""

    text: str
    weight: float = 0.0
    """Natural-log odds it moved; positive speaks for."""
    said: Said | None = None
    """The same for a reader of another language; None in records of before."""


def reason(text: str, weight: float = 0.0) -> Reason:
    """A reason of a phrase: its English text, and what it was made of."""
    return Reason(text=str(text), weight=weight, said=said_of(text))


class Incident(msgspec.Struct, frozen=True, kw_only=True, tag="incident"):
    """Something happened, or is about to; a later fact is a new incident that names the earlier one."""

    incident_id: str
    kind: IncidentKind
    at_us: TimeUs
    """When it happened, or is predicted to happen."""
    known_at_us: TimeUs
    """When Araz could first say so."""
    track_id: str | None = None
    sensor_id: str | None = None
    confidence: Probability = 0.5
    areas: list[Area] = []
    reasons_for: list[Reason] = []
    reasons_against: list[Reason] = []
    supersedes: str | None = None
    sentence: str = ""
    said: Said | None = None


class AlarmState(StrEnum):
    """Where an alarm is in the officer's hands."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    SHELVED = "shelved"
    CLEARED = "cleared"


class InterceptOption(msgspec.Struct, frozen=True, kw_only=True, tag="intercept-option"):
    """One thing the officer can order, with what it would bring."""

    rank: Count
    patrol_id: str
    action: str
    """``drop area`` or ``cut-off``."""
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    arrival_s: DurationS
    arrival_sigma_s: DurationS
    margin_s: SignedDurationS
    """Positive: the patrol is there before the load or the crew."""
    probability_before: Probability
    route: list[tuple[float, float]]
    """Longitude, latitude pairs."""
    sentence: str
    track_id: str | None = None
    """Of a card for many, the track it is for; None on a card for one."""
    said: Said | None = None
    altitude_hae_m: AltitudeHaeM | None = None
    """The ground where the patrol is to stand; None where nobody knows it."""


class AlarmMember(msgspec.Struct, frozen=True, kw_only=True, tag="alarm-member"):
    """One situation on a card for many: what it is, where its load may lie, what to decide for it."""

    name: str
    """What people call it: a track, a sensor, a claim."""
    track_id: str | None = None
    priority: Count
    confidence: Probability
    told_at_us: TimeUs
    """When an officer was first told of it, by its own card or by this one."""
    sentence: str
    to_decide: str = ""
    incident_ids: list[str] = []
    areas: list[Area] = []
    said: Said | None = None
    to_decide_said: Said | None = None
    patrols: list[str] = []
    """Who was sent to it on this card."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True, tag="alarm"):
    """One card for the officer. The same ``alarm_id`` sent again replaces what is shown; nothing is edited."""

    alarm_id: str
    revision: Count
    priority: Count
    """1 act now, 2 act soon, 3 be aware."""
    state: AlarmState
    raised_at_us: TimeUs
    changed_at_us: TimeUs
    sentence: str
    confidence: Probability
    reasons_for: list[Reason] = []
    reasons_against: list[Reason] = []
    not_seen: list[str] = []
    to_decide: str = ""
    track_id: str | None = None
    incident_ids: list[str] = []
    areas: list[Area] = []
    options: list[InterceptOption] = []
    members: list[AlarmMember] = []
    """Of a card for many: each situation on it, the most urgent first; empty on a card for one."""
    shelved_until_us: TimeUs | None = None
    decided_by: str | None = None
    decision_reason: str | None = None
    said: Said | None = None
    """The sentence for a reader of another language; None in records of before."""
    to_decide_said: Said | None = None
    not_seen_said: list[Said] = []
    decision_reason_said: Said | None = None


class DecisionAction(StrEnum):
    """What an officer can do with an alarm."""

    ACKNOWLEDGE = "acknowledge"
    REJECT = "reject"
    SHELVE = "shelve"
    SEND = "send"


class Decision(msgspec.Struct, frozen=True, kw_only=True, tag="decision"):
    """What the officer decided, and on which revision of the card; travels as a journalled message."""

    decision_id: str
    alarm_id: str
    revision: Count
    action: DecisionAction
    officer: str
    at_us: TimeUs
    patrol_id: str | None = None
    reason: str | None = None
    shelve_s: DurationS | None = None
    screen: ScreenShown | None = None
    """What was on the officer's screen; None where the decision did not come from one."""
    order: InterceptOption | None = None
    """Of a patrol that is sent: the option as it was on the card; its ``track_id`` names the member it is for."""
    order_areas: list[Area] = []
    """The drop area of what it is sent to, as it was on the screen."""


class BiasEstimate(msgspec.Struct, frozen=True, kw_only=True, tag="bias-estimate"):
    """One constant error of a sensor: measured minus true, with its standard deviation."""

    component: str
    """``range``, ``azimuth``, ``elevation`` or ``clock``."""
    value: float
    sigma: float
    unit: str
    """``m``, ``deg`` or ``s``."""
    is_applied: bool = False
    """True while the value is taken off the sensor's measurements."""


class SensorRegistration(msgspec.Struct, frozen=True, kw_only=True, tag="sensor-registration"):
    """What other sensors say of one sensor's constant errors, and whether any constant error explains it at all."""

    sensor_id: str
    at_us: TimeUs
    pairs: Count
    """Comparisons with another sensor's measurement of the same target so far."""
    biases: list[BiasEstimate]
    is_lying: bool = False
    """True when no constant error explains it, and the other sensors agree with each other."""
    is_disputed: bool = False
    """True when it contradicts its only judge: one of the two is wrong."""
    reasons: list[str] = []
    sentence: str = ""
    said: Said | None = None


class SensorHealth(msgspec.Struct, frozen=True, kw_only=True, tag="sensor-health"):
    """What the technician reads of one sensor."""

    sensor_id: str
    at_us: TimeUs
    state: SensorState
    sentence: str
    last_heard_us: TimeUs | None
    messages: Count
    observations: Count
    rejects: Count
    reject_reasons: dict[str, int]
    clock_error_s: float | None = None
    """Median of received minus observed time; positive when its clock is behind."""
    rate_per_s: float = 0.0
    registration: SensorRegistration | None = None
    """Its constant errors as common targets show them; None before there was one to compare."""
    said: Said | None = None

    @property
    def is_lying(self) -> bool:
        """Whether no constant error explains it."""
        return self.registration is not None and self.registration.is_lying


class ReportReceived(msgspec.Struct, frozen=True, kw_only=True, tag="report-received"):
    """A person's report entered the picture."""

    report: PeopleReport
    observed_at_us: TimeUs
    received_at_us: TimeUs
