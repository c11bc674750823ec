"""What a sensor says: messages in, observations out."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from araz.vocabulary._quantities import (
    AltitudeAglM,
    AltitudeAmslM,
    AltitudeBaroM,
    AltitudeHaeM,
    AngleDeg,
    AzimuthDeg,
    Count,
    DistanceM,
    ElevationDeg,
    LatitudeDeg,
    LongitudeDeg,
    Probability,
    RangeM,
    RateMps,
    RcsDbsm,
    SignalDbm,
    SpeedMps,
    TimeUs,
)

#: Source of the message that says which entries of the journal are to be erased, and why.
ERASURE_SOURCE = "@erasure"
#: Source of the message that says by which software the night runs from here on: a ``Software`` as JSON.
SOFTWARE_SOURCE = "@software"
#: Before a post's id: the source under which the centre journals an entry of that post's journal, byte for byte.
POST_PREFIX = "@post:"
#: What the source of a message reads whose content was erased: when it arrived is all that is left.
ERASED_SOURCE = "@erased"


class Message(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """Bytes as they arrived: the only thing that is journalled before it is acted on.

    ``source`` is the id of the feed in the site file. ``seq`` is the place in the journal, from 0.
    A TCP chunk may hold half a frame: the decoder of the source keeps the remainder in its state.
    """

    seq: Count
    received_at_us: TimeUs
    source: str
    payload: bytes


class Polar(msgspec.Struct, frozen=True, kw_only=True, tag="polar"):
    """A radar plot in the sensor's own polar frame. ``None`` is unknown, never zero."""

    range_m: RangeM
    azimuth_deg: AzimuthDeg
    elevation_deg: ElevationDeg | None = None
    range_rate_mps: RateMps | None = None
    range_sigma_m: DistanceM | None = None
    azimuth_sigma_deg: AngleDeg | None = None
    elevation_sigma_deg: AngleDeg | None = None
    range_rate_sigma_mps: SpeedMps | None = None
    altitude_amsl_m: AltitudeAmslM | None = None
    """Height of the target where a 3-D radar sends that in place of an elevation angle."""


class Bearing(msgspec.Struct, frozen=True, kw_only=True, tag="bearing"):
    """A direction without range: radio finder, microphone, camera or a person."""

    azimuth_deg: AzimuthDeg
    elevation_deg: ElevationDeg | None = None
    azimuth_sigma_deg: AngleDeg | None = None
    elevation_sigma_deg: AngleDeg | None = None
    latitude_deg: LatitudeDeg | None = None
    """Where the observer stood, when that is not the site file's sensor position (a moving patrol)."""
    longitude_deg: LongitudeDeg | None = None


class Position(msgspec.Struct, frozen=True, kw_only=True, tag="position"):
    """A position on the earth: a claim sent by the aircraft, or another system's track or detection."""

    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    altitude_hae_m: AltitudeHaeM | None = None
    altitude_amsl_m: AltitudeAmslM | None = None
    altitude_baro_m: AltitudeBaroM | None = None
    altitude_agl_m: AltitudeAglM | None = None
    speed_mps: SpeedMps | None = None
    course_deg: AzimuthDeg | None = None
    climb_mps: RateMps | None = None
    horizontal_sigma_m: DistanceM | None = None
    vertical_sigma_m: DistanceM | None = None


class ClaimKind(StrEnum):
    """Who speaks: the system by which something names itself."""

    REMOTE_ID = "remote-id"
    DRONE_ID = "drone-id"
    ADSB = "adsb"
    MODE_S = "mode-s"
    SYSTEM_TRACK = "system-track"
    SENSOR_OBJECT = "sensor-object"


class Claim(msgspec.Struct, frozen=True, kw_only=True, tag="claim"):
    """An identity something *says* it has; never a fact until physics agrees.

    ``identity`` is the key: ICAO address in lower-case hex, UAS serial number, or the sending system's
    track or object number. A claim without a position still names (a Basic ID message).
    """

    kind: ClaimKind
    identity: str
    identity_type: str | None = None
    aircraft_type: str | None = None
    callsign: str | None = None
    operator_id: str | None = None
    operator_latitude_deg: LatitudeDeg | None = None
    operator_longitude_deg: LongitudeDeg | None = None
    home_latitude_deg: LatitudeDeg | None = None
    home_longitude_deg: LongitudeDeg | None = None
    status: str | None = None
    transmitter: str | None = None
    """Hardware address of the transmitter; may be random, so never the identity."""


class Features(msgspec.Struct, frozen=True, kw_only=True, tag="features"):
    """What a sensor adds beside the measurement."""

    rcs_dbsm: RcsDbsm | None = None
    signal_dbm: SignalDbm | None = None
    class_name: str | None = None
    """The sensor's own word for it, for example ``Air Vehicle/UAV Rotary Wing``."""
    class_probability: Probability | None = None
    detection_probability: Probability | None = None
    description: str | None = None


class ReportKind(StrEnum):
    """The four buttons of the patrol's page."""

    HEARD = "heard"
    SEEN = "seen"
    FOUND = "found"
    NOTHING = "nothing"


class PeopleReport(msgspec.Struct, frozen=True, kw_only=True, tag="people-report"):
    """A person as a sensor; ``reporter`` is a post or a patrol, never a name."""

    kind: ReportKind
    reporter: str
    report_id: str
    latitude_deg: LatitudeDeg | None = None
    longitude_deg: LongitudeDeg | None = None
    text: str | None = None
    searched: list[str] = []
    """Squares that were walked and held nothing, ``side:column:row`` on the site's lattice."""
    search_detection: Probability | None = None
    """Chance that the search would have found a load there; the usual one when None."""


class Observation(msgspec.Struct, frozen=True, kw_only=True, tag="observation"):
    """One detection as its sensor reported it, with both clocks and its message."""

    sensor_id: str
    observed_at_us: TimeUs
    received_at_us: TimeUs
    message_seq: Count = 0
    measurement: Polar | Bearing | Position | None = None
    claim: Claim | None = None
    features: Features | None = None
    report: PeopleReport | None = None


class SensorState(StrEnum):
    """What a sensor says of itself, or what Araz finds out about it."""

    UNKNOWN = "unknown"
    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    SILENT = "silent"
    LYING = "lying"


class SensorReport(msgspec.Struct, frozen=True, kw_only=True, tag="sensor-report"):
    """A sensor's own status: registration, heartbeat, service message."""

    sensor_id: str
    observed_at_us: TimeUs
    received_at_us: TimeUs
    message_seq: Count = 0
    state: SensorState = SensorState.UNKNOWN
    detail: str | None = None
    latitude_deg: LatitudeDeg | None = None
    longitude_deg: LongitudeDeg | None = None
    altitude_hae_m: AltitudeHaeM | None = None
    scan_period_s: float | None = None


class ScanMark(msgspec.Struct, frozen=True, kw_only=True, tag="scan-mark"):
    """A sensor finished a turn, a sector or a frame: what it could have seen up to here, it has said.

    Without marks silence means nothing; with them a miss is evidence. A full turn has no sector.
    """

    sensor_id: str
    observed_at_us: TimeUs
    received_at_us: TimeUs
    message_seq: Count = 0
    sector_from_deg: AzimuthDeg | None = None
    sector_to_deg: AzimuthDeg | None = None


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag="rejected"):
    """Input that could not be used: kept, counted and shown to the technician, never dropped in silence.

    ``reason`` is a short stable slug (``truncated``, ``duplicate``, ``bad-checksum``) that can be counted,
    ``detail`` is the sentence with the remedy, ``raw`` the offending bytes (the first 4096 of them).
    """

    source: str
    received_at_us: TimeUs
    message_seq: Count = 0
    reason: str
    detail: str
    raw: bytes


Decoded = Observation | SensorReport | ScanMark | Rejected

#: Bytes kept of a rejected input: enough to decode by hand, too few to fill a disk.
RAW_KEPT_BYTES = 4096
