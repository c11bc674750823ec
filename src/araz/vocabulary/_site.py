"""The site file: one typed tree, read once at the door.

``site.toml`` is the only place where a site is described; the commander approves it. Every field has a unit, a
range, a default with a reason where one is safe, and one sentence of help (the docstring below it).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from araz.vocabulary._planning import Planning
from araz.vocabulary._quantities import (
    AltitudeAglM,
    AltitudeHaeM,
    AngleDeg,
    AzimuthDeg,
    DistanceM,
    DurationS,
    LatitudeDeg,
    LongitudeDeg,
    Probability,
    SpeedMps,
)
from araz.vocabulary._strict import Strict


class Format(StrEnum):
    """Wire formats Araz reads."""

    ASTERIX = "asterix"
    SAPIENT = "sapient"
    REMOTE_ID = "remote-id"
    SBS = "sbs"
    BEAST = "beast"
    RAW = "raw"
    REPORT = "report"
    DECISION = "decision"


class Feed(Strict, frozen=True, kw_only=True):
    """One way in: a socket or a file, and the format that comes over it."""

    id: str
    """The name that stands in the journal as ``source``."""
    format: Format
    url: str = ""
    """``udp://0.0.0.0:8600``, ``tcp://host:30003`` (connect), ``tcp-listen://127.0.0.1:5020`` (accept), or empty: only
    recordings and the console write to it."""
    editions: dict[str, str] = {}
    """ASTERIX edition by category, for example ``{"048" = "1.31"}``: it cannot be told from the bytes."""
    max_message_bytes: Annotated[int, Meta(ge=256, le=16_777_216)] = 1_048_576
    """A longer message is rejected and its connection closed, so that one peer cannot fill the memory."""
    owner: str = ""
    """The service whose source this is; empty: the site's ``service``. Others see nothing of it unless told here."""
    shown_to: list[str] = []
    """Services beside its owner that see it whole."""
    area: str = ""
    """The ``[[areas]]`` entry that the others are told of instead; it holds all that its sensors reach. Empty: nothing
    at all is said to them."""


class OutputFormat(StrEnum):
    """Words in which Araz tells other systems."""

    COT = "cot"
    SAPIENT = "sapient"


class ExportFormat(StrEnum):
    """What an archived night can be written as."""

    COT = "cot"
    GEOJSON = "geojson"
    CSV = "csv"
    COURAGEOUS = "courageous"
    """The trial format of COURAGEOUS, version 0.4.1."""
    MISP = "misp"
    """An event with the objects drone-rid-observation and uav."""


class ZoneFormat(StrEnum):
    """Files of UAS geographical zones, by the EUROCAE document that describes them."""

    ED269 = "ed269"
    ED318 = "ed318"


class Output(Strict, frozen=True, kw_only=True):
    """One way out: another system that is told of tracks, alarms and orders. It can never slow the night down."""

    id: str
    format: OutputFormat
    url: str
    """``tcp://host:8087`` (connect), or ``udp://239.2.3.1:6969`` (CoT only; multicast or one host)."""
    every_s: Annotated[float, Meta(gt=0, le=60)] = 1.0
    """Time between two reports of each track."""
    node_id: str = "a7a2b1de-0000-4000-8000-000000000002"
    """SAPIENT only: the UUID under which Araz is known above."""
    service: str = ""
    """The service that reads there, and gets what it may see; empty: the site's ``service``."""


class SensorKind(StrEnum):
    """How a sensor measures."""

    RADAR = "radar"
    RF_BEARING = "rf-bearing"
    ACOUSTIC = "acoustic"
    CAMERA = "camera"
    REMOTE_ID_RECEIVER = "remote-id-receiver"
    ADSB_RECEIVER = "adsb-receiver"
    TRACK_SOURCE = "track-source"
    PEOPLE = "people"


class Sensor(Strict, frozen=True, kw_only=True):
    """One sensor: where it stands, how well it measures, by which name it appears in its feed."""

    id: str
    kind: SensorKind
    feed: str
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    height_agl_m: AltitudeAglM = 3.0
    wire_id: str = ""
    """Its name on the wire: ``SAC/SIC`` for ASTERIX ("25/1"), node id for SAPIENT. Empty: the feed's only sensor."""
    max_range_m: DistanceM = 10_000.0
    detection_probability: Probability = 0.9
    clutter_per_scan: Annotated[float, Meta(ge=0)] = 1.0
    period_s: Annotated[float, Meta(gt=0)] = 1.0
    silent_after_s: DurationS = 15.0
    """Longer silence than this is an incident: a dead sensor is not a quiet sky. 0: silence is normal (people)."""
    range_sigma_m: DistanceM = 10.0
    azimuth_sigma_deg: AngleDeg = 0.5
    elevation_sigma_deg: AngleDeg = 1.0
    range_rate_sigma_mps: SpeedMps = 1.0
    position_sigma_m: DistanceM = 15.0
    altitude_sigma_m: DistanceM = 25.0
    min_elevation_deg: Annotated[float, Meta(ge=-90, le=90)] = -5.0
    max_elevation_deg: Annotated[float, Meta(ge=-90, le=90)] = 60.0
    clock_tolerance_s: DurationS = 1.0
    """A median clock error above this is reported as lying about time."""


class Ridge(Strict, frozen=True, kw_only=True):
    """One synthetic ridge: a line of crest points with a height and a width; stated, not surveyed."""

    crest: list[tuple[LongitudeDeg, LatitudeDeg]]
    height_m: DistanceM
    half_width_m: DistanceM


class Terrain(Strict, frozen=True, kw_only=True):
    """Ground height: a plain with a slope, synthetic ridges, or the user's own raster."""

    base_amsl_m: float = 0.0
    ridges: list[Ridge] = []
    raster: str = ""
    """Path of an ``.npz`` with ``height_amsl_m``, ``latitude_deg`` and ``longitude_deg`` axes, beside the site file."""
    half_size_m: DistanceM = 15_000.0
    cell_m: Annotated[float, Meta(gt=0)] = 100.0


class Patrol(Strict, frozen=True, kw_only=True):
    """A patrol or post that can be sent."""

    id: str
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    ready_s: DurationS = 60.0
    """From the order to wheels turning."""
    speed_factor: Annotated[float, Meta(gt=0, le=2)] = 1.0
    off_road_mps: SpeedMps = 1.5
    is_available: bool = True


class Post(Strict, frozen=True, kw_only=True):
    """A small machine beside its sensors that journals, tracks and alarms alone while the line to the centre is cut."""

    id: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,32}$")]
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    feeds: list[str]
    """Ids of the feeds that end at it; with them go their sensors. The centre hears these through the post only."""
    outputs: list[str] = []
    """Ids of the outputs it tells itself, for example the radio of the nearest patrol."""
    battery_wh: Annotated[float, Meta(gt=0)] | None = None
    """What its battery holds when full and warm; None: unknown, and so are the hours left."""


class AuthorisedFlight(Strict, frozen=True, kw_only=True):
    """A flight that may be there: by its claimed identity, a circle and a time window; each still tested."""

    identity: str
    label: str
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    radius_m: DistanceM
    from_us: int = 0
    to_us: int = 7_258_118_400_000_000


class Wind(Strict, frozen=True, kw_only=True):
    """Mean wind over the night, for the fall of a load."""

    speed_mps: SpeedMps = 0.0
    from_deg: AzimuthDeg = 0.0


class TrackingSettings(Strict, frozen=True, kw_only=True):
    """The tracker's few knobs; the same everywhere unless a site truly knows better."""

    birth_speed_sigma_mps: SpeedMps = 15.0
    survival_half_life_s: DurationS = 45.0
    """How fast belief in an unseen, unhidden track decays beside the misses themselves."""
    confirm_existence: Probability = 0.9
    delete_existence: Probability = 0.01
    gate_probability: Probability = 0.999
    coast_max_s: DurationS = 60.0
    """A track nobody could see (behind terrain) is kept this long."""


class AlarmSettings(Strict, frozen=True, kw_only=True):
    """When a track becomes an alarm."""

    min_existence: Probability = 0.9
    min_confidence: Probability = 0.5
    predict_s: DurationS = 240.0
    """Crossings are predicted this far ahead."""
    hover_speed_mps: SpeedMps = 2.5
    hover_s: DurationS = 6.0
    manned_altitude_agl_m: AltitudeAglM = 150.0


class Corridor(Strict, frozen=True, kw_only=True):
    """A way over the line that is watched: where, how high, and how well it should be seen."""

    id: str
    path: Annotated[list[tuple[LongitudeDeg, LatitudeDeg]], Meta(min_length=1)]
    """Longitude, latitude pairs along the middle of the corridor."""
    half_width_m: DistanceM = 300.0
    from_agl_m: AltitudeAglM = 30.0
    to_agl_m: AltitudeAglM = 120.0
    least_probability: Probability = 0.5
    """Below this mean probability of a confirmed track the corridor is blind."""


class CoverageSettings(Strict, frozen=True, kw_only=True):
    """What the coverage map speaks of; the corridors are ``[[corridors]]``."""

    rcs_dbsm: float = -8.0
    """Radar cross section of the target asked about; -8 is a heavy multirotor, -15 a small one."""
    acoustic_range_m: DistanceM = 600.0
    """How far that target is heard in quiet air."""
    rain_mm_per_h: Annotated[float, Meta(ge=0, le=300)] | None = None
    """Weather at the start of the night, until a weather message says otherwise; None: unknown, taken as clear."""
    visibility_m: Annotated[float, Meta(gt=0)] | None = None
    noise_db: Annotated[float, Meta(ge=0, le=80)] | None = None
    """Background noise at the microphones above a quiet night."""


class PublishedArea(Strict, frozen=True, kw_only=True):
    """Whole cells of the site's lattice: what is told of a hidden source, or a place in which all is hidden."""

    id: str
    from_cell: tuple[int, int]
    """Column (to the east) and row (to the north) of its south-western cell; cell 0, 0 begins at the origin."""
    to_cell: tuple[int, int]
    """Column and row of its north-eastern cell, which belongs to it."""
    is_hidden: bool = False
    """True: what happens in it is shown to its owner and ``shown_to`` alone, by whatever source it is seen."""
    owner: str = ""
    shown_to: list[str] = []


class DisclosureSettings(Strict, frozen=True, kw_only=True):
    """How coarsely a service is told of what it may not see."""

    cell_m: Annotated[float, Meta(ge=1_000, le=100_000)] = 10_000.0
    """Side of a cell of the lattice on which published areas lie."""
    window_s: Annotated[float, Meta(ge=60, le=86_400)] = 300.0
    """Spans of the clock of which is told whether something was in an area."""


class Site(Strict, frozen=True, kw_only=True):
    """A sector of a border."""

    name: str
    time_zone: str
    origin_latitude_deg: LatitudeDeg
    origin_longitude_deg: LongitudeDeg
    origin_hae_m: AltitudeHaeM
    geoid_undulation_m: float
    """HAE minus AMSL at the origin; constant over a sector to well under a metre."""
    border: str
    """GeoJSON LineString file, beside the site file; walking along it our side is on ``own_side``."""
    own_side: Annotated[str, Meta(pattern="^(left|right)$")]
    towns: str = ""
    roads: str = ""
    """GeoJSON lines with ``speed_kmh`` properties."""
    water: str = ""
    terrain: Terrain = Terrain()
    wind: Wind = Wind()
    air_temperature_c: Annotated[float, Meta(ge=-60, le=60)] = 15.0
    """Sets the speed of sound, 0.6 m/s a degree: what a microphone hears is late by its distance."""
    feeds: list[Feed] = []
    sensors: list[Sensor] = []
    patrols: list[Patrol] = []
    outputs: list[Output] = []
    posts: list[Post] = []
    authorised: list[AuthorisedFlight] = []
    zones: str = ""
    """UAS geographical zones, an ED-269 or ED-318 file beside the site file; empty: none are known."""
    tracking: TrackingSettings = TrackingSettings()
    alarms: AlarmSettings = AlarmSettings()
    corridors: list[Corridor] = []
    """Ways over the line whose loss of coverage is an incident; none: the line itself, two kilometres at a time."""
    coverage: CoverageSettings = CoverageSettings()
    planning: Planning | None = None
    """Who might fly here and where sensors and teams could stand; none: araz plan cannot be asked about this site."""
    service: str = ""
    """The service that owns every feed, area and output which names no other; needed where accounts are of several."""
    areas: list[PublishedArea] = []
    disclosure: DisclosureSettings = DisclosureSettings()
