"""A night at an invented sector, for the browser tests and for working on the screen.

    python tests/browser/fake_night.py --port 8123 --tracks 6

Nothing here comes from the tracker: it feeds the console what it would be fed, and keeps what people send back.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np

from araz.app._alarms import alarm_handlers
from araz.app._coverage import coverage_handlers
from araz.app._drills import drill_handlers
from araz.app._plan_desk import plan_handlers
from araz.app._search import search_handlers
from araz.app._seizure_desk import seizure_handlers
from araz.console import Hub, create_app, site_geometry
from araz.geography import place_from_site
from araz.sensors import decode_decision, power_health, sensor_table
from araz.vocabulary import (
    Alarm,
    AlarmMember,
    AlarmState,
    Area,
    Cone,
    Decision,
    DecisionAction,
    Drill,
    Feed,
    Format,
    IdentityVerdict,
    Incident,
    IncidentKind,
    InterceptOption,
    Message,
    Patrol,
    PeopleReport,
    Picture,
    PlanAircraft,
    Planning,
    PlanSensor,
    PowerReading,
    Reappearance,
    Reason,
    Rejected,
    ReportReceived,
    Ridge,
    Sensor,
    SensorHealth,
    SensorKind,
    SensorState,
    Site,
    Terrain,
    Track,
    Weather,
    is_drill,
)

# Started as a program, too: then nobody has said where the tests' own parts are.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from served import Served

LAT0, LON0 = 39.40, 47.30
M_LAT = 111_000.0
M_LON = 111_000.0 * math.cos(math.radians(LAT0))
STATIC = Path(__file__).resolve().parents[2] / "src" / "araz" / "console" / "static"
#: 22:10 local on an invented night.
START_US = 1_789_236_600_000_000
TICK_S = 0.2
DEGREES = ("latitude_deg", "longitude_deg")


def geo(east_m: float, north_m: float) -> tuple[float, float]:
    """(latitude, longitude) near the origin; a plane is good enough for a picture."""
    return LAT0 + north_m / M_LAT, LON0 + east_m / M_LON


def lonlat(east_m: float, north_m: float) -> list[float]:
    lat, lon = geo(east_m, north_m)
    return [lon, lat]


def border_north(east_m: float) -> float:
    return -2_500 + 900 * math.sin(east_m / 2_300) + 500 * math.sin(east_m / 900 + 1)


def make_site() -> Site:
    def sensor(name, kind, feed, east, north, **more):
        lat, lon = geo(east, north)
        return Sensor(id=name, kind=kind, feed=feed, latitude_deg=lat, longitude_deg=lon, **more)

    def patrol(name, east, north):
        lat, lon = geo(east, north)
        return Patrol(id=name, latitude_deg=lat, longitude_deg=lon)

    return Site(
        name="Sector 4 (invented)",
        time_zone="Asia/Baku",
        origin_latitude_deg=LAT0,
        origin_longitude_deg=LON0,
        origin_hae_m=150.0,
        geoid_undulation_m=2.0,
        border="border.geojson",
        own_side="left",
        terrain=Terrain(
            base_amsl_m=140.0,
            half_size_m=12_000.0,
            cell_m=100.0,
            ridges=[
                Ridge(crest=[tuple(lonlat(-9e3, 1e3)), tuple(lonlat(-3e3, 4e3))], height_m=320, half_width_m=1_300),
                Ridge(crest=[tuple(lonlat(2e3, 3.5e3)), tuple(lonlat(9e3, 1.5e3))], height_m=210, half_width_m=900),
                Ridge(crest=[tuple(lonlat(-6e3, -6e3)), tuple(lonlat(5e3, -8e3))], height_m=420, half_width_m=1_800),
            ],
        ),
        feeds=[
            Feed(id="radar", format=Format.ASTERIX),
            Feed(id="nodes", format=Format.SAPIENT),
            Feed(id="reports", format=Format.REPORT),
            Feed(id="console", format=Format.DECISION),
        ],
        sensors=[
            sensor("radar-1", SensorKind.RADAR, "radar", -600, 900, max_range_m=8_000.0, height_agl_m=18.0),
            sensor("rf-1", SensorKind.RF_BEARING, "nodes", 3_800, 1_900, max_range_m=6_000.0, height_agl_m=15.0),
            sensor("acoustic-1", SensorKind.ACOUSTIC, "nodes", -4_600, -900, max_range_m=1_500.0),
            sensor("acoustic-2", SensorKind.ACOUSTIC, "nodes", -2_200, -1_100, max_range_m=1_500.0),
            sensor("acoustic-3", SensorKind.ACOUSTIC, "nodes", 1_900, -900, max_range_m=1_500.0),
            sensor("camera-1", SensorKind.CAMERA, "nodes", 600, -700, max_range_m=3_500.0, height_agl_m=12.0),
            sensor("patrols", SensorKind.PEOPLE, "reports", 0, 0, silent_after_s=0.0),
        ],
        planning=Planning(
            aircraft=[PlanAircraft(name="heavy", load_kg=14.0, range_m=14_000.0, speed_mps=15.0, pickup_s=500.0)],
            sensors=[PlanSensor(id="site-east", like="radar-1", **dict(zip(DEGREES, geo(7e3, 500), strict=True)))],
            cell_m=1_000.0,
            launch_every_m=4_000.0,
            drop_every_m=2_500.0,
            window_value=(1.0,),
        ),
        patrols=[patrol("patrol-1", -5_200, 2_600), patrol("patrol-2", 300, 1_400), patrol("post-4", 4_900, 400)],
    )


def border_geojson() -> dict:
    line = [lonlat(east, border_north(east)) for east in range(-12_000, 12_001, 250)]
    return {"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": line}}


def roads_geojson() -> dict:
    roads = [
        ([(-11e3, 600), (-6e3, 1500), (-2e3, 1700), (1500, 1600), (5e3, 900), (11e3, 1300)], 80),
        ([(-2e3, 1700), (-2300, 0), (-2200, -900), (-1500, -1500)], 40),
        ([(1500, 1600), (1300, 200), (2200, -500), (2600, -1300)], 40),
        ([(5e3, 900), (5600, -900), (6e3, -1500)], 40),
        ([(1500, 1600), (900, 4e3), (-800, 8e3)], 60),
    ]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"speed_kmh": speed},
                "geometry": {"type": "LineString", "coordinates": [lonlat(*point) for point in points]},
            }
            for points, speed in roads
        ],
    }


def towns() -> list[tuple[str, float, float]]:
    places = {
        "Aşağı Bağ": (-2_000, 1_900),
        "Qarasu": (1_500, 2_000),
        "Bala Tepe": (5_200, 1_300),
        "Sarıqaya": (-800, 8_200),
    }
    return [(name, *geo(*at)) for name, at in places.items()]


class Night:
    """The records, the motion, and what people sent."""

    def __init__(self, tracks: int = 6, *, with_alarm: bool = True, tick_s: float = TICK_S) -> None:
        self.tick_s = tick_s
        self.site = make_site()
        self.place = place_from_site(self.site, border_geojson(), roads_geojson(), towns())
        self.geometry = site_geometry(
            self.site, self.place, sensor_table(self.site, self.place), border_geojson(), roads_geojson()
        )
        self.register = Path("no register.sqlite")
        self.hub = Hub()
        self.random = np.random.default_rng(4)
        self.track_count = tracks
        self.seeds = self.random.uniform(0, 1, (max(tracks, 1), 6)).tolist()
        self.started_s = time.monotonic()
        self.history: list[Picture] = []
        self.kept_incidents: list[Incident] = []
        self.cards: dict[str, Alarm] = {}
        self.card_history: list[Alarm] = []
        self.submitted: list[tuple[str, bytes]] = []
        self.kept_decisions: list[Decision] = []
        self.kept_drills: list[Drill] = []
        self.kept_reports: list[ReportReceived] = []
        self.seq = 0
        self.is_paused = False
        self.lag_us = 0
        self.over_us: int | None = None
        self._past()
        if with_alarm:
            self._alarms()
        self.card_history = list(self.cards.values())

    # -- the clock and the Reader ---------------------------------------------------------------------------------

    def clock(self) -> int:
        return self.over_us or START_US + int((time.monotonic() - self.started_s) * 1e6)

    def speed(self) -> float:
        return 1.0 if self.over_us is None else 0.0

    def alarms(self):
        return list(self.cards.values())

    def incidents(self, since_us):
        return [i for i in self.kept_incidents if i.known_at_us >= since_us]

    def decisions(self, since_us):
        return [d for d in self.kept_decisions if d.at_us >= since_us]

    def pictures(self, from_us, to_us, limit):
        return [p for p in self.history if from_us <= p.at_us <= to_us][:limit]

    def picture_at(self, us):
        older = [p for p in self.history if p.at_us <= us]
        return older[-1] if older else None

    def health(self):
        return self.health_at_now(self.clock())

    def health_at(self, us):
        """Every sensor was well from 21:40 on; acoustic-3 fell silent at 21:56, the rest went wrong at the start."""
        began_us = START_US - 30 * 60_000_000
        silent_us = START_US - 14 * 60_000_000
        now = []
        for one in self.health_at_now(us):
            changed_us = silent_us if one.sensor_id == "acoustic-3" else START_US
            is_well = one.state is SensorState.OK or us < changed_us
            if us >= began_us:
                well = {"state": SensorState.OK, "sentence": "all well", "last_heard_us": began_us}
                more = {"at_us": began_us} | well if is_well else {"at_us": changed_us}
                now.append(msgspec.structs.replace(one, **more))
        return now

    def alarms_known(self, at_us, known_us):
        known = [a for a in self.card_history if a.changed_at_us <= known_us and a.raised_at_us <= at_us]
        return list({a.alarm_id: a for a in known}.values())

    def incidents_known(self, at_us, known_us):
        return [
            i for i in self.kept_incidents
            if i.known_at_us <= at_us or (i.known_at_us <= known_us and i.at_us <= at_us)
        ]  # fmt: skip

    def decisions_known(self, at_us, known_us):
        return [d for d in self.kept_decisions if d.at_us <= at_us]

    def alarm_history(self, alarm_id=None, since_us=0):
        return [one for one in self.card_history if alarm_id in (None, one.alarm_id)]

    def drills(self):
        return list(self.kept_drills)

    def reports(self, since_us=0):
        return list(self.kept_reports)

    def picture_span(self):
        return (self.history[0].at_us, self.history[-1].at_us) if self.history else None

    def rejects(self, source):
        if source != "nodes":
            return []
        text = "the length prefix says 70000 bytes; the limit is 65536: check the node's firmware"
        return [
            Rejected(
                source=source, received_at_us=START_US - 4_000_000, reason="too-long", detail=text, raw=b"\x70\x11"
            )
        ]

    async def submit(self, source: str, payload: bytes) -> Message:
        self.submitted.append((source, payload))
        self.seq += 1
        if source == "console":
            decision = decode_decision(payload)
            assert isinstance(decision, Decision), decision
            if is_drill(decision):
                self.end_drill("decided", decision=decision, decision_s=4.0)
            else:
                self._decide(decision)
        if source == "reports":
            wire = msgspec.json.decode(payload)
            report = msgspec.convert(wire["report"], PeopleReport)
            self.kept_reports.append(
                ReportReceived(report=report, observed_at_us=wire["observed_at_us"], received_at_us=self.clock())
            )
        return Message(seq=self.seq, received_at_us=self.clock(), source=source, payload=payload)

    def _decide(self, decision: Decision) -> None:
        state = {
            DecisionAction.ACKNOWLEDGE: AlarmState.ACKNOWLEDGED,
            DecisionAction.REJECT: AlarmState.REJECTED,
            DecisionAction.SHELVE: AlarmState.SHELVED,
            DecisionAction.SEND: AlarmState.ACKNOWLEDGED,
        }[decision.action]
        card = self.cards[decision.alarm_id]
        until = None if decision.shelve_s is None else self.clock() + int(decision.shelve_s * 1e6)
        card = msgspec.structs.replace(
            card,
            revision=card.revision + 1,
            state=state,
            changed_at_us=self.clock(),
            decided_by=decision.officer,
            decision_reason=decision.reason or (f"sent {decision.patrol_id}" if decision.patrol_id else None),
            shelved_until_us=until,
        )
        self.cards[card.alarm_id] = card
        self.card_history.append(card)
        self.kept_decisions.append(decision)
        self.hub.publish(decision)
        self.hub.publish(card)

    # -- what is in the air ---------------------------------------------------------------------------------------

    def picture(self, at_us: int) -> Picture:
        t = (at_us - START_US) / 1e6
        named = [self._carrier(t, at_us), self._returning(t, at_us), self._helicopter(t, at_us)]
        named += [self._inspector(t, at_us), self._bird(t, at_us), self._lost(t, at_us)]
        tracks = named[: self.track_count]
        tracks += [self._crowd(k, t, at_us) for k in range(len(tracks), self.track_count)]
        lat, lon = geo(-4_600, -900)
        cones = [
            Cone(
                sensor_id="acoustic-1",
                observed_at_us=at_us - 400_000 - 1_000_000 * back,
                latitude_deg=lat,
                longitude_deg=lon,
                azimuth_deg=(150 + 4 * math.sin((t - back) / 5)) % 360,
                half_width_deg=9.0,
                reach_m=1_500.0,
                label="heard",
            )
            for back in reversed(range(15))  # a microphone says where each second
        ]
        return Picture(at_us=at_us, tracks=tracks, cones=cones if self.track_count else [])

    def _track(self, name, t, at_us, at, course, speed, agl, **more):
        lat, lon = geo(*at)
        settings = {
            "altitude_sigma_m": 15.0,
            "ellipse_semi_major_m": 90.0,
            "ellipse_semi_minor_m": 45.0,
            "existence": 0.98,
            "is_confirmed": True,
            "class_name": "multirotor",
            "class_probability": 0.8,
            "sensors": ["radar-1"],
            "updated_at_us": at_us - 300_000,
        } | more
        return Track(
            track_id=name,
            latitude_deg=lat,
            longitude_deg=lon,
            altitude_hae_m=agl + 150,
            altitude_amsl_m=agl + 148,
            altitude_agl_m=agl,
            speed_mps=speed,
            course_deg=course % 360,
            climb_mps=0.0,
            ellipse_azimuth_deg=(course + 90) % 360,
            started_at_us=at_us - 90_000_000,
            border_distance_m=at[1] and border_north(at[0]) - at[1],
            **settings,
        )

    def _carrier(self, t, at_us):
        angle = 0.01 * t
        north = -4_300 + ((t + 60) % 240) * 12.0
        return self._track("T-0412", t, at_us, (1_500 + 250 * math.sin(angle), north), 8, 14.0, 70.0)

    def _returning(self, t, at_us):
        north = -3_100 - (t + 90) % 300 * 11
        more = {"class_name": "unknown", "class_probability": 0.5, "is_confirmed": True, "existence": 0.93}
        return self._track("T-0409", t, at_us, (-3_300, north), 184, 12.0, 95.0, ellipse_semi_major_m=260.0, **more)

    def _helicopter(self, t, at_us):
        angle = t / 90
        more = {"class_name": "manned aircraft", "class_probability": 0.97, "claim": "adsb:4b1812"}
        more |= {"verdict": IdentityVerdict.SUPPORTED, "ellipse_semi_major_m": 30.0, "ellipse_semi_minor_m": 25.0}
        at = (6_000 * math.cos(angle), 6_200 + 1_500 * math.sin(angle))
        return self._track("T-0398", t, at_us, at, 360 - math.degrees(angle), 48.0, 410.0, **more)

    def _inspector(self, t, at_us):
        angle = t / 40
        more = {"claim": "remote-id:1581F4ABC", "verdict": IdentityVerdict.AUTHORISED, "class_probability": 0.95}
        at = (3_300 + 500 * math.cos(angle), 300 + 500 * math.sin(angle))
        return self._track("T-0407", t, at_us, at, 360 - math.degrees(angle), 12.0, 60.0, **more)

    def _bird(self, t, at_us):
        at = (-1_500 + 300 * math.sin(t / 14), -300 + 500 * math.cos(t / 11))
        more = {"class_name": "bird", "class_probability": 0.74, "is_confirmed": False, "existence": 0.6}
        return self._track("T-0415", t, at_us, at, 90 + 40 * math.sin(t / 9), 11.0, 40.0, **more)

    def _lost(self, t, at_us):
        more = {"hidden": True, "updated_at_us": at_us - 14_000_000, "ellipse_semi_major_m": 620.0}
        more |= {"ellipse_semi_minor_m": 380.0, "existence": 0.8, "class_name": "fixed-wing drone"}
        latitude, longitude = geo(7_600, 2_600)
        ahead = Area(
            latitude_deg=latitude,
            longitude_deg=longitude,
            semi_major_m=400.0,
            semi_minor_m=150.0,
            azimuth_deg=30.0,
            probability=0.9,
        )
        out = {"from_us": at_us + 12_000_000, "to_us": at_us + 45_000_000, "probability": 0.62}
        more |= {"reappears": [Reappearance(area=ahead, **out)]}
        return self._track("T-0401", t, at_us, (6_900 + t % 120, 3_300 - t % 120), 135, 17.0, 130.0, **more)

    def _crowd(self, k, t, at_us):
        a, b, c, d, e, f = self.seeds[k]
        period = 60 + 120 * c
        angle = 2 * math.pi * (t / period + d)
        radius = 300 + 900 * e
        at = ((a - 0.5) * 20_000 + radius * math.cos(angle), (b - 0.5) * 14_000 + radius * math.sin(angle))
        names = ("multirotor", "unknown", "bird", "fixed-wing drone")
        more = {"class_name": names[k % 4], "is_confirmed": f > 0.2, "existence": 0.5 + 0.5 * f}
        return self._track(
            f"T-{1000 + k}", t, at_us, at, -math.degrees(angle), radius * 2 * math.pi / period, 30 + 150 * f, **more
        )

    # -- what happened before, and what is on the officer's desk -----------------------------------------------------

    def _past(self) -> None:
        if self.track_count <= 50:
            self.history = [self.picture(START_US - 1_200_000_000 + k * 2_000_000) for k in range(600)]

        def incident(name, kind, minutes_ago, sentence, **more):
            at = START_US - int(minutes_ago * 60e6)
            self.kept_incidents.append(
                Incident(
                    incident_id=name,
                    kind=kind,
                    at_us=at,
                    known_at_us=at + 2_000_000,
                    sentence=sentence,
                    confidence=0.8,
                    **more,
                )
            )

        incident(
            "i-1",
            IncidentKind.APPROACH,
            17.5,
            "Small multirotor approached to 400 m and turned back.",
            track_id="T-0388",
        )
        silent = "acoustic-3 fell silent; its stretch is not heard."
        incident("i-2", IncidentKind.SENSOR_SILENT, 14.0, silent, sensor_id="acoustic-3")
        incident(
            "i-3",
            IncidentKind.CROSSING,
            9.2,
            "Track T-0409 crossed 3.1 km west of post 4, entering.",
            track_id="T-0409",
        )
        incident(
            "i-4",
            IncidentKind.DROP,
            6.5,
            "T-0409 hovered 9 s and climbed lighter: a load was dropped.",
            track_id="T-0409",
        )
        incident("i-5", IncidentKind.RETURNED, 4.9, "T-0409 left the way it came.", track_id="T-0409")
        incident("i-6", IncidentKind.HEARD, 1.6, "Patrol 2 heard a multirotor to the south-east.", sensor_id="patrols")
        incident("i-7", IncidentKind.CROSSING_PREDICTED, 0.4, "T-0412 will cross in 1 to 2 minutes.", track_id="T-0412")

    def area(self, east, north, major, minor, probability, azimuth=20.0):
        lat, lon = geo(east, north)
        return Area(
            latitude_deg=lat,
            longitude_deg=lon,
            semi_major_m=major,
            semi_minor_m=minor,
            azimuth_deg=azimuth,
            probability=probability,
        )

    def _option(self, rank, patrol, action, at, arrival, margin, probability, sentence, route):
        lat, lon = geo(*at)
        return InterceptOption(
            rank=rank,
            patrol_id=patrol,
            action=action,
            latitude_deg=lat,
            longitude_deg=lon,
            arrival_s=arrival,
            arrival_sigma_s=arrival / 6,
            margin_s=margin,
            probability_before=probability,
            route=[tuple(lonlat(*point)) for point in route],
            sentence=sentence,
        )

    def _alarms(self) -> None:
        drop = (1_700, -450)
        options = [
            self._option(
                1, "patrol-2", "drop area", drop, 210, 175, 0.82, "Patrol 2 to the drop area by the farm road",
                [(300, 1_400), (1_500, 1_600), (1_300, 200), (1_700, -200), drop],
            ),
            self._option(
                2, "post-4", "cut-off", (2_600, -1_300), 330, 60, 0.64, "Post 4 cuts off the track at the river",
                [(4_900, 400), (5_000, 900), (1_500, 1_600), (1_300, 200), (2_600, -1_300)],
            ),
            self._option(
                3, "patrol-1", "drop area", drop, 640, -250, 0.11, "Patrol 1 to the drop area, after the load",
                [(-5_200, 2_600), (-2_000, 1_700), (1_500, 1_600), (1_300, 200), drop],
            ),
        ]  # fmt: skip
        sentence = (
            "Heavy multirotor, no Remote ID, 14 m/s, 70 m above ground, entering. Drop area 900 m inside, in 2–4 min."
        )
        self.cards["a-1"] = Alarm(
            alarm_id="a-1", revision=3, priority=1, state=AlarmState.ACTIVE, raised_at_us=START_US - 42_000_000,
            changed_at_us=START_US - 2_000_000, sentence=sentence, confidence=0.87,
            reasons_for=[
                Reason(text="radar-1: 31 plots in a straight line at 14 m/s", weight=2.6),
                Reason(text="patrol-2 heard a multirotor on the same bearing", weight=1.4),
                Reason(text="flies 70 m above ground, no lights, no identity", weight=0.8),
            ],
            reasons_against=[Reason(text="rf-1 heard no control link", weight=-0.5)],
            not_seen=["acoustic-3 silent since 21:56", "hidden below 120 m behind the north ridge"],
            to_decide="Send one patrol now; the second can wait for the drop.",
            track_id="T-0412", incident_ids=["i-6", "i-7"],
            areas=[self.area(*drop, 340, 210, 0.5), self.area(*drop, 700, 430, 0.9)], options=options,
        )  # fmt: skip
        self.cards["a-2"] = Alarm(
            alarm_id="a-2", revision=1, priority=2, state=AlarmState.ACTIVE, raised_at_us=START_US - 390_000_000,
            changed_at_us=START_US - 390_000_000, confidence=0.71, track_id="T-0409", incident_ids=["i-4"],
            sentence="Load probably dropped 600 m inside, west of Aşağı Bağ; search before light.",
            reasons_for=[Reason(text="hovered 9 s at 30 m, then climbed faster", weight=1.9)],
            reasons_against=[Reason(text="no camera saw the load", weight=-0.4)],
            areas=[self.area(-3_300, -1_500, 220, 150, 0.5), self.area(-3_300, -1_500, 450, 310, 0.9)],
            options=[
                self._option(1, "patrol-1", "drop area", (-3_300, -1_500), 420, 0, 0.5,
                             "Patrol 1 searches the drop area",
                             [(-5_200, 2_600), (-2_000, 1_700), (-2_300, 0), (-3_300, -1_500)])
            ],
        )  # fmt: skip
        self.cards["a-3"] = Alarm(
            alarm_id="a-3", revision=1, priority=3, state=AlarmState.SHELVED, raised_at_us=START_US - 840_000_000,
            changed_at_us=START_US - 800_000_000, confidence=0.99, decided_by="duty officer",
            decision_reason="technician called", shelved_until_us=START_US + 1_500_000_000,
            sentence="acoustic-3 is silent: 1.5 km of the line is not heard.",
        )  # fmt: skip

    def health_at_now(self, now: int) -> list[SensorHealth]:
        odd = {
            "acoustic-3": (SensorState.SILENT, "silent since 21:56; its stretch is not heard", 840.0),
            "acoustic-2": (SensorState.DEGRADED, "one microphone of four is dead; bearings are twice as wide", 0.6),
            "rf-1": (
                SensorState.LYING,
                "its clock is 2.4 s behind: its bearings are where things were",
                0.3,
            ),
        }
        out = []
        for k, sensor in enumerate(self.site.sensors):
            state, sentence, age = odd.get(sensor.id, (SensorState.OK, "all well", 0.4))
            out.append(
                SensorHealth(
                    sensor_id=sensor.id,
                    at_us=now,
                    state=state,
                    sentence=sentence,
                    last_heard_us=None if sensor.kind is SensorKind.PEOPLE else now - int(age * 1e6),
                    messages=12_000 + 731 * k,
                    observations=9_000 + 577 * k,
                    rejects=(0, 12, 0, 3, 0, 0, 0)[k],
                    reject_reasons={"too-long": 12} if k == 1 else {"bad-time": 3} if k == 3 else {},
                    clock_error_s=2.4 if sensor.id == "rf-1" else 0.04,
                    rate_per_s=1.0,
                )
            )
        battery = PowerReading(at_us=now, charge=0.62, load_w=18.0, temperature_c=4.0)
        return [*out, power_health("P06", [battery], 2400.0, now, 1)]

    def as_judged(self) -> SimpleNamespace:
        """What the coverage map asks of a night that the pipeline judges."""
        health = {one.sensor_id: one for one in self.health()}
        line = SimpleNamespace(site=self.site, place=self.place, table=sensor_table(self.site, self.place))
        state = SimpleNamespace(line=line, health_now=health, weather=Weather(), now_us=START_US, corridors=())
        return SimpleNamespace(believed=state, records=self, out=Path("no folder"))

    def raise_alarm(self, name: str, sentence: str, priority: int = 1) -> None:
        """Put a new card on the desk (call it in the server's loop)."""
        now = self.clock()
        like = self.cards["a-1"]
        card = msgspec.structs.replace(
            like,
            alarm_id=name,
            revision=1,
            priority=priority,
            state=AlarmState.ACTIVE,
            sentence=sentence,
            raised_at_us=now,
            changed_at_us=now,
        )
        self.cards[name] = card
        self.card_history.append(card)
        self.hub.publish(card)

    def revise(self, card: Alarm) -> None:
        """Show a card's next revision."""
        self.cards[card.alarm_id] = card
        self.card_history.append(card)
        self.hub.publish(card)

    def group_of_two(self) -> None:
        """Make the first card one for two members, each with an area and a patrol of its own."""
        card, (first, second, _) = self.cards["a-1"], self.cards["a-1"].options
        west, east = (
            AlarmMember(
                name=name, track_id=name, sentence=sentence, areas=areas, priority=1, confidence=0.8,
                told_at_us=card.raised_at_us,
            )
            for name, sentence, areas in (
                ("T-0409", "The western one.", self.cards["a-2"].areas),
                ("T-0412", "The eastern one.", card.areas),
            )
        )  # fmt: skip
        options = [
            msgspec.structs.replace(first, track_id="T-0409", sentence="T-0409: Patrol 2 to the west"),
            msgspec.structs.replace(second, track_id="T-0412", sentence="T-0412: Post 4 to the east"),
        ]
        changes = {"sentence": "Two at once.", "track_id": None, "members": [west, east], "options": options}
        self.revise(msgspec.structs.replace(card, revision=card.revision + 1, **changes))

    def sent_to(self, member: str, patrol: str) -> None:
        """Say on the card for many who was sent to whom, with options that name the patrol for the other one."""
        card = self.cards["a-1"]
        members = [msgspec.structs.replace(m, patrols=[patrol] * (m.track_id == member)) for m in card.members]
        other = next(m.track_id for m in members if m.track_id != member)
        options = [msgspec.structs.replace(card.options[0], track_id=other, sentence=f"{other}: {patrol} elsewhere")]
        changes = {"members": members, "options": options, "state": AlarmState.ACTIVE}
        self.revise(msgspec.structs.replace(card, revision=card.revision + 1, **changes))

    def fly_drill(self) -> None:
        """Show a drill as the pipeline would, with a card."""
        now = self.clock()
        track = self._track("DRILL-1", 0.0, now, (-2_000.0, 900.0), 180, 14.0, 70.0)
        card = Alarm(
            alarm_id="DRILL-1", revision=1, priority=1, state=AlarmState.ACTIVE, raised_at_us=now, changed_at_us=now,
            sentence="Heavy multirotor over the line.", confidence=0.9, track_id="DRILL-1",
        )  # fmt: skip
        self.hub.publish(Drill(drill_id="DRILL-1", at_us=now, state="running", why="", track=track, alarm=card))

    def end_drill(self, state: str, **more) -> None:
        """Let it end."""
        ended = Drill(drill_id="DRILL-1", at_us=self.clock(), state=state, why="", **more)
        self.kept_drills.append(ended)
        self.hub.publish(ended)

    def send_patrol(self, name: str, patrol: str) -> None:
        """Let the officer send a patrol."""
        self._decide(
            Decision(
                decision_id=f"sent-{name}", alarm_id=name, revision=1, action=DecisionAction.SEND,
                officer="duty officer", at_us=self.clock(), patrol_id=patrol,
            )
        )  # fmt: skip

    def jump(self, seconds: float) -> None:
        """Let time pass without waiting for it."""
        self.started_s -= seconds

    def learn_later(self, name: str, sentence: str, heard: str) -> None:
        """Correct a card, and deliver a report that lay in a phone for a minute and a half."""
        now = self.clock()
        card = self.cards[name]
        card = msgspec.structs.replace(card, revision=card.revision + 1, sentence=sentence, changed_at_us=now)
        self.cards[name] = card
        self.card_history.append(card)
        late = Incident(
            incident_id="i-late", kind=IncidentKind.HEARD, at_us=now - 90_000_000, known_at_us=now, sentence=heard
        )
        self.kept_incidents.append(late)
        self.hub.publish(card)
        self.hub.publish(late)

    async def live(self) -> None:
        tick = 0
        while True:
            if not self.is_paused:
                picture = self.picture(self.clock() - self.lag_us)
                if tick % 10 == 0 and self.track_count <= 50:
                    self.history.append(picture)
                self.hub.publish_picture(picture, oldest_message_us=picture.at_us - 40_000)
                if tick % 10 == 0:
                    for health in self.health_at_now(self.clock()):
                        self.hub.publish(health)
            tick += 1
            await asyncio.sleep(self.tick_s)


class Server(Served):
    """The console of a night, and the night itself in its loop."""

    def __init__(self, night: Night, port: int = 0) -> None:
        self.night = night
        app = create_app(
            night.site, night.geometry, night, night.submit, night.hub, static_dir=STATIC, clock=night.clock,
            speed=night.speed,
            more=[
                *alarm_handlers(night, night.site.time_zone, night.clock),
                *drill_handlers(night, night.submit, night.clock),
                *search_handlers(night, night.place, night.clock),
                *coverage_handlers(night.as_judged(), night.submit),
                *plan_handlers(night.place),
                *seizure_handlers(night.register),
            ],
        )  # fmt: skip
        super().__init__(app, port=port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.loop: asyncio.AbstractEventLoop | None = None

    async def serving(self) -> None:
        self.loop = asyncio.get_running_loop()
        live = asyncio.create_task(self.night.live())
        await super().serving()
        live.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await live

    def call(self, function, *arguments) -> None:
        """Run something in the server's loop."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(lambda: function(*arguments))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--tracks", type=int, default=6)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--tick", type=float, default=TICK_S, help="seconds between pictures")
    options = parser.parse_args()
    with Server(Night(options.tracks, with_alarm=not options.quiet, tick_s=options.tick), options.port) as running:
        print(running.url, flush=True)
        threading.Event().wait()
