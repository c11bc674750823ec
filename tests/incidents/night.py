"""A made-up sector and scripted pictures: the line runs east along north = 0, our side is south of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from araz.geography import LocalFrame, place_from_site, visible_above
from araz.incidents import Inputs, init, step
from araz.vocabulary import (
    Alarm,
    AuthorisedFlight,
    Claim,
    ClaimKind,
    Incident,
    Sensor,
    SensorHealth,
    SensorKind,
    SensorState,
    SensorTable,
    Site,
    TrackClass,
    TrackPicture,
    Wind,
    frozen_array,
)
from spoken import check_spoken

LATITUDE, LONGITUDE = 39.45, 47.3
#: 2026-11-24 18:00 UTC: 21:09 local solar time.
START_US = 1_795_543_200_000_000
SENSORS = (
    Sensor(id="radar-1", kind=SensorKind.RADAR, feed="asterix", latitude_deg=LATITUDE, longitude_deg=LONGITUDE),
    Sensor(
        id="acoustic-3", kind=SensorKind.ACOUSTIC, feed="sapient", latitude_deg=LATITUDE, longitude_deg=LONGITUDE,
        max_range_m=1500.0,
    ),
    Sensor(id="rid-1", kind=SensorKind.REMOTE_ID_RECEIVER, feed="rid", latitude_deg=LATITUDE, longitude_deg=LONGITUDE),
    Sensor(
        id="adsb-1", kind=SensorKind.ADSB_RECEIVER, feed="adsb", latitude_deg=LATITUDE, longitude_deg=LONGITUDE,
        max_range_m=100_000.0,
    ),
    Sensor(
        id="post-4", kind=SensorKind.PEOPLE, feed="reports", latitude_deg=LATITUDE, longitude_deg=LONGITUDE,
        silent_after_s=0.0,
    ),
)  # fmt: skip
#: What people wrote in these stories.
FREE = ("the farmer's drone", "birds")
RADAR, ACOUSTIC, RID, ADSB, PEOPLE = (1 << k for k in range(5))


def make_place(wind=None):
    site = Site(
        name="test", time_zone="Asia/Baku", origin_latitude_deg=LATITUDE, origin_longitude_deg=LONGITUDE,
        origin_hae_m=100.0, geoid_undulation_m=10.0, border="b", own_side="right", sensors=list(SENSORS),
        wind=wind or Wind(speed_mps=3.0, from_deg=270.0),
        authorised=[
            AuthorisedFlight(identity="FRIEND-1", label="crop survey", latitude_deg=LATITUDE, longitude_deg=LONGITUDE,
                             radius_m=5000.0)
        ],
    )  # fmt: skip
    frame = LocalFrame(LATITUDE, LONGITUDE, 100.0)
    lat, lon, _ = frame.to_geodetic(np.array([[-20_000.0, 0.0, 0.0], [20_000.0, 0.0, 0.0]]))
    line = {"type": "LineString", "coordinates": [[float(lon[0]), float(lat[0])], [float(lon[1]), float(lat[1])]]}
    return place_from_site(site, line, {"type": "FeatureCollection", "features": []}, [])


def make_table(place):
    n = len(SENSORS)
    up = float(np.asarray(place.terrain.ground_up_m(np.array([0.0]), np.array([0.0])))[0])
    # Radar stands 2 km inside.
    origin = np.array([[0.0, -2000.0, up + 10.0]] * n)
    raster = np.asarray(visible_above(place.terrain, origin[0], 10_000.0), dtype=np.float32)
    kinds = [s.kind for s in SENSORS]
    return SensorTable(
        sensor_id=tuple(s.id for s in SENSORS), kind=frozen_array([0, 1, 2, 2, 1], np.int64),
        origin_enu_m=frozen_array(origin, float), sigma=frozen_array(np.full((n, 4), 0.01), float),
        detection_probability=frozen_array([0.9] * n, float), clutter_per_scan=frozen_array([1.0] * n, float),
        max_range_m=frozen_array([s.max_range_m for s in SENSORS], float),
        min_elevation_rad=frozen_array([-0.1] * n, float), max_elevation_rad=frozen_array([1.0] * n, float),
        period_s=frozen_array([1.0] * n, float),
        is_people=frozen_array([k is SensorKind.PEOPLE for k in kinds], bool),
        is_claim=frozen_array([k in (SensorKind.REMOTE_ID_RECEIVER, SensorKind.ADSB_RECEIVER) for k in kinds], bool),
        visible_above_m=frozen_array(np.stack([raster] * n), np.float32),
        raster_east_m=float(place.terrain.east0_m), raster_north_m=float(place.terrain.north0_m),
        cell_m=float(place.terrain.cell_m),
    )  # fmt: skip


@dataclass
class Script:
    """One track: way points (t, east, north, agl) flown in straight lines between, plus what sensors add."""

    track_id: int
    points: list[tuple[float, float, float, float]]
    chance: dict = field(default_factory=dict)
    rcs_dbsm: float = float("nan")
    mask: int = RADAR
    claim_key: int = 0
    sigma_m: float = 8.0
    speed_sigma_mps: float = 0.7
    jitter: object = None
    starts: float | None = None
    ends: float | None = None
    hidden: bool = False
    seen_until: float | None = None
    """After this the tracker only predicts it."""
    up_sigma_m: float = 5.0

    @property
    def starts_s(self):
        return self.points[0][0] if self.starts is None else self.starts

    @property
    def ends_s(self):
        return self.points[-1][0] if self.ends is None else self.ends

    def at(self, t):
        points = np.array(self.points)
        place = np.array([np.interp(t, points[:, 0], points[:, k]) for k in (1, 2, 3)])
        ahead = np.array([np.interp(t + 0.1, points[:, 0], points[:, k]) for k in (1, 2, 3)])
        behind = np.array([np.interp(t - 0.1, points[:, 0], points[:, k]) for k in (1, 2, 3)])
        return place, (ahead - behind) / 0.2


def picture(place, scripts, t):
    alive = [s for s in scripts if s.starts_s <= t <= s.ends_s]
    n, at = len(alive), START_US + int(t * 1e6)
    state = [s.at(t) for s in alive]
    p = np.array([x[0] for x in state]).reshape(n, 3)
    v = np.array([x[1] for x in state]).reshape(n, 3)
    for k, s in enumerate(alive):
        if s.jitter is not None:
            p[k], v[k] = s.jitter(t, p[k], v[k])
    if n:
        p[:, 2] += np.asarray(place.terrain.ground_up_m(p[:, 0], p[:, 1]))
    chance = np.zeros((n, len(TrackClass)))
    for k, s in enumerate(alive):
        for c, value in s.chance.items():
            chance[k, c] = value
        chance[k, TrackClass.UNKNOWN] += 1.0 - chance[k].sum()
    seen = [t if s.seen_until is None else min(t, s.seen_until) for s in alive]
    started = np.array([START_US + int(s.starts_s * 1e6) for s in alive], dtype=np.int64)
    covariance = np.array(
        [np.diag([s.sigma_m**2] * 2 + [s.up_sigma_m**2] + [s.speed_sigma_mps**2] * 2 + [0.25]) for s in alive]
    ).reshape(n, 6, 6)
    return TrackPicture(
        at_us=at, track_id=frozen_array([s.track_id for s in alive], np.int64),
        is_confirmed=frozen_array(np.ones(n), bool), existence=frozen_array(np.full(n, 0.99), float),
        position_enu_m=frozen_array(p, float), velocity_enu_mps=frozen_array(v, float),
        covariance=frozen_array(covariance, float), class_probability=frozen_array(chance, float),
        started_at_us=frozen_array(started, np.int64),
        updated_at_us=frozen_array([START_US + int(x * 1e6) for x in seen], np.int64),
        update_count=frozen_array(1 + (at - started) // 1_000_000, np.int64),
        sensor_mask=frozen_array([s.mask for s in alive], np.int64),
        claim_key=frozen_array([s.claim_key for s in alive], np.int64),
        rcs_dbsm=frozen_array([s.rcs_dbsm for s in alive], float),
        hidden=frozen_array([s.hidden for s in alive], bool),
    )  # fmt: skip


def healthy(t, **states):
    at = START_US + int(t * 1e6)
    return [
        SensorHealth(
            sensor_id=s.id, at_us=at, state=states.get(s.id.replace("-", "_"), SensorState.OK), sentence="",
            last_heard_us=at, messages=1, observations=1, rejects=0, reject_reasons={},
        )
        for s in SENSORS
    ]  # fmt: skip


def play(place, table, scripts, until_s, claims=None, inputs_at=None, health=healthy, state=None, from_s=0.0):
    """Step at 2 Hz; gives the last state and all events."""
    state = init(place, table) if state is None else state
    events = []
    for t in np.arange(from_s, until_s, 0.5):
        extra = {} if inputs_at is None else inputs_at(float(t), events)
        extra = {"sighted": {s.track_id: START_US + int(t * 1e6) for s in scripts if s.mask & RADAR}} | extra
        inputs = Inputs(
            now_us=START_US + int(t * 1e6), picture=picture(place, scripts, float(t)), health=health(float(t)),
            claims=claims or {}, **extra,
        )  # fmt: skip
        state, new = step(state, inputs)
        events += new
    for event in events:
        # Whatever a story of these tests says, it says to both readers.
        check_spoken(event, free=FREE)
    return state, events


HEAVY = {TrackClass.MULTIROTOR: 0.7, TrackClass.BIRD: 0.05}


def smuggler(track_id=1, **changes):
    """Comes from 2 km outside at 14 m/s and 70 m, drops at 1.2 km inside after a 9 s hover, goes home."""
    south = (2000.0 + 1200.0) / 14.0
    points = [
        (0.0, 300.0, 2000.0, 70.0),
        (south - 15.0, 300.0, -1200.0 + 15.0 * 14.0, 70.0),
        (south, 300.0, -1200.0, 30.0),
        (south + 9.0, 300.0, -1200.0, 30.0),
        (south + 17.0, 300.0, -1140.0, 55.0),
        (south + 17.0 + 3140.0 / 16.0, 300.0, 2000.0, 80.0),
    ]
    return Script(track_id, points, **({"chance": HEAVY, "rcs_dbsm": -9.0} | changes))


def claim(identity, kind=ClaimKind.REMOTE_ID):
    return Claim(kind=kind, identity=identity)


def incidents(events, kind=None):
    return [e for e in events if isinstance(e, Incident) and kind in (None, e.kind)]


def alarms(events):
    return [e for e in events if isinstance(e, Alarm)]
