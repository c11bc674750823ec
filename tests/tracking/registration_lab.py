"""A sky over the demonstration sector for registration tests: sensors with known constant errors, targets, scans."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from tracking_lab import BEARING, POLAR, POSITION, T0, table

from araz.tracking import init, registration_correct, registration_init, registration_step, step
from araz.vocabulary import Scan, SensorTable, TrackingSettings

DEG = np.radians(1.0)
RADAR_1 = {"kind": POLAR, "origin": (-800.0, -1400.0, 12.0), "sigma": (8.0, 0.4 * DEG, 0.8 * DEG, 1.0),
           "range_m": 12_000.0, "clutter": 4.0, "period": 1.0, "low": -0.1, "high": 1.0}  # fmt: skip
RADAR_2 = {"kind": POLAR, "origin": (-6000.0, 3000.0, 20.0), "sigma": (15.0, 0.3 * DEG, 1.0 * DEG, 1.0),
           "range_m": 18_000.0, "clutter": 6.0, "period": 2.5, "low": -0.1, "high": 1.0}  # fmt: skip
RADAR_3 = {"kind": POLAR, "origin": (3500.0, 5500.0, 15.0), "sigma": (10.0, 0.4 * DEG, 0.8 * DEG, 1.0),
           "range_m": 15_000.0, "clutter": 4.0, "period": 2.0, "low": -0.1, "high": 1.0}  # fmt: skip
ADSB = {"kind": POSITION, "origin": (0.0, 0.0, 10.0), "sigma": (15.0, 15.0, 120.0, np.nan), "claims": True,
        "range_m": 60_000.0, "clutter": 0.0, "period": 1.0}  # fmt: skip
CAMERA = {"kind": BEARING, "origin": (-500.0, 0.0, 8.0), "sigma": (0.2 * DEG, 0.2 * DEG, np.nan, np.nan),
          "range_m": 6_000.0, "clutter": 0.0, "period": 1.0}  # fmt: skip


@dataclass
class Target:
    """A course of straight legs and turns: place and velocity at any second."""

    start: np.ndarray
    speed: float
    heading: float
    turn_rate: float
    key: int = 0
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    """What it says of its place minus the truth."""

    def at(self, t: float) -> tuple[np.ndarray, np.ndarray]:
        w = self.turn_rate
        heading = self.heading + w * t
        if abs(w) < 1e-9:
            moved = self.speed * t * np.array([np.sin(heading), np.cos(heading), 0.0])
        else:
            moved = self.speed / w * np.array([np.cos(self.heading) - np.cos(heading),
                                               np.sin(heading) - np.sin(self.heading), 0.0])  # fmt: skip
        return self.start + moved, self.speed * np.array([np.sin(heading), np.cos(heading), 0.0])


def sky(rng: np.random.Generator, drones: int = 6, aircraft: int = 2, reach: float = 7000.0) -> list[Target]:
    """Drones that circle widely at random places and heights, aircraft that cross and say where they are."""
    out = []
    for _ in range(drones):
        place = np.array([*rng.uniform(-reach, reach, 2), rng.uniform(60, 500)])
        out.append(Target(place, rng.uniform(8, 16), rng.uniform(0, 6.3), rng.uniform(-0.03, 0.03)))
    for i in range(aircraft):
        heading = rng.uniform(0, 6.3)
        side = rng.uniform(-4000, 4000) * np.array([np.cos(heading), -np.sin(heading), 0.0])
        back = -10_000.0 * np.array([np.sin(heading), np.cos(heading), 0.0])
        offset = rng.normal(0, 5, 3)
        offset[2] = rng.normal(0, 40)
        out.append(Target(side + back + [0, 0, rng.uniform(800, 1500)], rng.uniform(55, 80), heading, 0.0, 1000 + i,
                          offset))  # fmt: skip
    return out


class Site:
    """Sensors with constant errors ``bias`` [S, 4] (m, rad, rad, s) and what they send."""

    def __init__(self, sensors: list[dict], bias: np.ndarray, targets: list[Target], seed: int, liar=None) -> None:
        self.rows, self.bias, self.targets, self.rng = (
            sensors,
            np.asarray(bias, float),
            targets,
            np.random.default_rng(seed),
        )
        self.table: SensorTable = table(*sensors)
        self.liar = liar
        self.phase = self.rng.uniform(0, 1, len(sensors)) * [row["period"] for row in sensors]

    def scans(self, duration_s: float, start_s: float = 0.0):
        """Every sensor's scans in order of their marks, as measured."""
        due = []
        for s, row in enumerate(self.rows):
            marks = np.arange(start_s + self.phase[s], start_s + duration_s, row["period"])
            due += [(float(t), s) for t in marks]
        for mark, s in sorted(due):
            yield mark, self.scan(s, mark)

    def scan(self, s: int, mark: float) -> Scan:
        row, rng = self.rows[s], self.rng
        origin, sigma = np.array(row["origin"]), np.array(row["sigma"])
        z, at, keys = [], [], []
        for target in self.targets:
            if row["kind"] == POSITION and not target.key:
                continue
            t = mark - row["period"] * rng.uniform(0, 1) if row["kind"] == POLAR else mark
            place, velocity = target.at(t)
            away = place - origin
            r = np.linalg.norm(away)
            if r > row["range_m"] or rng.random() > row.get("pd", 0.9):
                continue
            if row["kind"] == POSITION:
                said = place + target.offset + rng.normal(0, 1, 3) * [2.0, 2.0, 3.0]
                z.append([*said, np.nan])
            else:
                full = np.array([r, np.arctan2(away[0], away[1]), np.arcsin(away[2] / r), away @ velocity / r])
                full[:3] += self.bias[s, :3]
                if row["kind"] == POLAR:
                    noisy = full + rng.normal(0, 1, 4) * sigma
                else:
                    noisy = np.array([*(full[1:3] + rng.normal(0, 1, 2) * sigma[:2]), np.nan, np.nan])
                z.append(noisy)
            at.append(t + self.bias[s, 3])
            keys.append(target.key if row["kind"] == POSITION else 0)
        if row["kind"] == POLAR:
            for _ in range(rng.poisson(row["clutter"])):
                z.append([rng.uniform(200, row["range_m"]), rng.uniform(0, 6.283), abs(rng.normal(0, 0.02)),
                          rng.normal(0, 3)])  # fmt: skip
                at.append(mark - row["period"] * rng.uniform(0, 1) + self.bias[s, 3])
                keys.append(0)
        count = len(z)
        z = np.array(z, float).reshape(count, 4)
        if self.liar is not None:
            self.liar(s, mark, z, rng)
        if row["kind"] != POSITION and count:
            column = 1 if row["kind"] == POLAR else 0
            z[:, column] %= 2 * np.pi
        return Scan(
            sensor_index=s, kind=row["kind"], at_us_end=T0 + round((mark + self.bias[s, 3]) * 1e6),
            is_complete=row["kind"] == POLAR, at_us=T0 + np.round(np.array(at, float) * 1e6).astype(np.int64), z=z,
            sigma=np.tile(sigma, (count, 1)), origin_enu_m=np.tile(origin, (count, 1)),
            velocity_enu_mps=np.full((count, 3), np.nan), claim_key=np.array(keys, np.int64),
            rcs_dbsm=np.full(count, np.nan), message_seq=np.arange(count, dtype=np.int64),
        )  # fmt: skip


class Run:
    """Tracker and registration over a site's scans; collects reports."""

    def __init__(self, site: Site, *, register: bool = True) -> None:
        self.site, self.register = site, register
        self.tracking = init(site.table, TrackingSettings())
        self.state = registration_init(site.table, TrackingSettings())
        self.reports, self.events = [], None

    def take(self, scan: Scan) -> None:
        fixed = registration_correct(self.state, scan) if self.register else scan
        self.tracking, self.events = step(self.tracking, fixed)
        if self.register:
            self.state, said = registration_step(self.state, scan, self.events)
            self.reports += said

    def play(self, duration_s: float, start_s: float = 0.0) -> None:
        for _, scan in self.site.scans(duration_s, start_s):
            self.take(scan)
