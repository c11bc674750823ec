"""Trajectories whose class is known, recorded or made by physics, and how the tracker sees each.

Recorded: the shelf's DJI, Pixhawk and ArduPilot logs, ADS-B tracks and bats. Made, because no recording lies on the
shelf: fixed-wing drones, balloons, further birds, and things that are none of the classes. Used by
tools/fit_classes.py, bench/classify.py and their test.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from araz.sensors import read_flight
from araz.vocabulary import FloatArray, TrackClass

STEP_S: Final = 0.5
PIECE_S: Final = 240.0
SHORTEST_S: Final = 40.0
PIECES: Final = 8
"""Most pieces of one device: a long log is not many devices."""
FOOT_M, KNOT_MPS = 0.3048, 0.514444

#: The same flight stands on the shelf twice (mavic_pro, old_format); Air 2S holds one second.
DEVICES: Final = {
    "mavic_2pro_new.SRT": "DJI Mavic 2 Pro",
    "m2zoom.SRT": "DJI Mavic 2 Zoom",
    "mavic_pro.SRT": "DJI Mavic Pro",
    "mavic_mini.SRT": "DJI Mavic Mini",
    "p4_rtk.SRT": "DJI Phantom 4 RTK",
    "phoenix_pixhawk_mission1_2018-09-17.tlog": "Pixhawk quad",
    "stonesoup_UAV_Rot.csv": "Stone Soup multirotor",
    "ardupilot_log171.bin": "ArduCopter log 171",
}
ADSB: Final = {
    "rega_sg": "ambulance helicopter REGA",
    "samu31": "ambulance helicopter SAMU",
    "sisteron": "glider",
    "liguria": "survey aircraft",
    "calfire": "fire aircraft",
}


class Piece(NamedTuple):
    """One stretch of one trajectory: ``position_m`` [K, 3] every ``STEP_S``, up is the height over the ground.

    ``device`` is what was never seen when it is judged (one drone, one animal, one aircraft type), ``kind`` the row of
    the tables, ``is_recorded`` False for what physics made, ``is_coarse`` True where fixes half a minute apart tell
    nothing of quick changes.
    """

    truth: TrackClass
    kind: str
    device: str
    is_recorded: bool
    position_m: FloatArray
    is_coarse: bool = False


def _even(at_s: FloatArray, place_m: FloatArray, smooth_s: float) -> FloatArray:
    """Positions every ``STEP_S``: linear, then twice a moving average of ``smooth_s``."""
    clock = np.arange(at_s[0], at_s[-1], STEP_S)
    out = np.stack([np.interp(clock, at_s, place_m[:, axis]) for axis in range(3)], 1)
    width = max(round(smooth_s / STEP_S), 1) | 1
    for _ in range(2):
        padded = np.pad(out, ((width // 2, width // 2), (0, 0)), mode="edge")
        out = np.stack([np.convolve(padded[:, axis], np.ones(width) / width, "valid") for axis in range(3)], 1)
    return out


def _plane(latitude: FloatArray, longitude: FloatArray, up: FloatArray) -> FloatArray:
    east = np.radians(longitude - longitude[0]) * 6_371_000.0 * np.cos(np.radians(latitude[0]))
    return np.column_stack([east, np.radians(latitude - latitude[0]) * 6_371_000.0, up])


def _cut(truth: TrackClass, kind: str, device: str, even_m: FloatArray, slowest_mps: float = 0.0) -> Iterator[Piece]:
    """Pieces of an even trajectory that are long enough and move on average faster than ``slowest_mps``."""
    size = int(PIECE_S / STEP_S)
    for start in range(0, len(even_m), size):
        part = even_m[start : start + size]
        if len(part) < SHORTEST_S / STEP_S:
            continue
        speed = np.linalg.norm(np.diff(part[:, :2], axis=0), axis=1).mean() / STEP_S
        if speed >= slowest_mps:
            yield Piece(truth, kind, device, True, part)


def multirotors(shelf: Path) -> Iterator[Piece]:
    """The drone logs, without the time they stand on the ground."""
    for path in sorted((shelf / "data" / "flights").rglob("*")):
        if path.name not in DEVICES:
            continue
        flight = read_flight(path.read_bytes(), path.name)
        good = ~flight.is_suspect
        at_s = (flight.at_us[good] - flight.at_us[good][0]) / 1e6
        up = flight.height_m[good]
        up = np.interp(at_s, at_s[np.isfinite(up)], up[np.isfinite(up)]) if np.isfinite(up).any() else up * 0.0 + 60.0
        up = np.where(np.isfinite(up), up, 60.0)
        place = _plane(flight.latitude_deg[good], flight.longitude_deg[good], np.maximum(up, 1.0))
        coarse = path.suffix.lower() == ".srt"
        even = _even(at_s, place, 3.0 if coarse else 1.0)
        speed = np.linalg.norm(np.gradient(even, STEP_S, axis=0), axis=1)
        flies = np.flatnonzero((speed > 0.5) | (even[:, 2] > 4.0))
        if len(flies):
            yield from _cut(TrackClass.MULTIROTOR, "multirotor", DEVICES[path.name], even[flies[0] : flies[-1] + 1])


def aircraft(shelf: Path) -> Iterator[Piece]:
    """ADS-B tracks below 4 km over their lowest point; what taxies (slower than 12 m/s on average) is left out."""
    tracks: dict[tuple[str, str], list[tuple[float, float, float, float]]] = defaultdict(list)
    for name in ADSB:
        rows = json.loads(gzip.decompress((shelf / "data/adsb/traffic_samples" / f"{name}.json.gz").read_bytes()))
        for row in rows:
            if row.get("latitude") is None or row.get("altitude") is None:
                continue
            who = row.get("flight_id") or row["icao24"]
            tracks[name, who].append(
                (row["timestamp"] / 1e3, row["latitude"], row["longitude"], row["altitude"] * FOOT_M)
            )
    with (shelf / "data/adsb/stonesoup_OpenSky_Plane_States.csv").open() as lines:
        for line in csv.DictReader(lines):
            if line["onground"] == "False" and line["baroaltitude"]:
                fix = (float(line["time"]), float(line["lat"]), float(line["lon"]), float(line["baroaltitude"]))
                tracks["opensky", line["icao24"]].append(fix)
    lowest = {name: min(min(f[3] for f in v) for (n, _), v in tracks.items() if n == name) for name, _ in tracks}
    for (name, _who), fixes in sorted(tracks.items()):
        kind = ADSB.get(name, "aircraft over the UK")
        for run in _runs(np.array(sorted(set(fixes))), longest_gap_s=25.0):
            moved = np.r_[True, (np.diff(run[:, 1:3], axis=0) != 0).any(axis=1)]
            run = run[moved & np.r_[True, np.diff(run[:, 0]) > 0]]
            if len(run) < 6:
                continue
            if name != "opensky":
                run[:, 3] -= min(run[:, 3].min(), lowest[name] + 300.0) - 30.0
            if run[:, 3].mean() > 4000.0:
                continue
            even = _even(run[:, 0], _plane(run[:, 1], run[:, 2], run[:, 3]), 6.0)
            yield from _cut(TrackClass.MANNED_AIRCRAFT, kind, kind, even, 12.0)


def bats(shelf: Path) -> Iterator[Piece]:
    """Free-tailed bats at one fix in 30 s, joined by splines: slow changes are theirs, fast ones are smoothed away."""
    rows: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    with (shelf / "data/birds/bats_tadarida_3d_flights.csv").open() as lines:
        for line in csv.DictReader(lines):
            if line["manually-marked-outlier"] or not line["height-above-msl"]:
                continue
            at_s = datetime.fromisoformat(line["timestamp"]).timestamp()
            fix = (at_s, float(line["location-lat"]), float(line["location-long"]), float(line["height-above-msl"]))
            rows[line["individual-local-identifier"].partition("_")[0]].append(fix)
    for name, fixes in sorted(rows.items()):
        table = np.array(sorted(fixes))
        table = table[np.r_[True, np.diff(table[:, 0]) > 5.0]]
        for run in _runs(table, longest_gap_s=45.0):
            place = _plane(run[:, 1], run[:, 2], run[:, 3])
            if len(run) < 6 or np.linalg.norm(np.diff(place[:, :2], axis=0), axis=1).max() > 45.0 * 30.0:
                continue
            clock = np.arange(run[0, 0], run[-1, 0], STEP_S)
            plane = CubicSpline(run[:, 0], place[:, :2])(clock)
            up = PchipInterpolator(run[:, 0], place[:, 2])(clock)
            even = np.column_stack([plane, np.maximum(up - place[:, 2].min() + 20.0, 5.0)])
            for piece in _cut(TrackClass.BIRD, "bat", f"free-tailed {name}", even, 3.0):
                yield piece._replace(is_coarse=True)


def _runs(table: FloatArray, longest_gap_s: float) -> list[FloatArray]:
    breaks = np.flatnonzero(np.diff(table[:, 0]) > longest_gap_s) + 1
    return np.split(table, breaks)


def _wander(rng: np.random.Generator, count: int, sigma: float, memory_s: float) -> FloatArray:
    """Ornstein-Uhlenbeck noise [count] of standard deviation ``sigma``."""
    keep, out = np.exp(-STEP_S / memory_s), np.empty(count)
    out[0] = sigma * rng.standard_normal()
    kicks = sigma * np.sqrt(1 - keep**2) * rng.standard_normal(count)
    for k in range(1, count):
        out[k] = keep * out[k - 1] + kicks[k]
    return out


def _wind(rng: np.random.Generator, usual_mps: float = 5.0) -> FloatArray:
    """A mean wind [2]: Rayleigh in speed, even in direction."""
    speed, angle = min(rng.rayleigh(usual_mps / 1.25), 14.0), rng.uniform(0, 2 * np.pi)
    return speed * np.array([np.sin(angle), np.cos(angle)])


def _flown(heading: FloatArray, speed: FloatArray, wind: FloatArray, up: FloatArray) -> FloatArray:
    ground = np.stack([np.sin(heading), np.cos(heading)], 1) * np.broadcast_to(speed, heading.shape)[:, None] + wind
    return np.column_stack([np.cumsum(ground, axis=0) * STEP_S, np.maximum(up, 3.0)])


def fixed_wing(rng: np.random.Generator, count: int) -> FloatArray:
    """A fixed-wing drone: airspeed 13 to 35 m/s, legs and banked turns to 35 degrees, sometimes a loiter circle."""
    speed = rng.uniform(13.0, 35.0)
    left, rate = 0.0, np.zeros(count)
    target, k = 0.0, 0
    loiters = rng.random() < 0.3
    while k < count:
        turn = 9.81 * np.tan(np.radians(rng.uniform(10.0, 35.0))) / speed * rng.choice([-1.0, 1.0])
        leg = 0 if loiters and k else rng.integers(20, 200)
        target = rng.uniform(0.3, np.pi) if not loiters else rng.uniform(4.0, 12.0) * np.pi
        bend = int(target / abs(turn) / STEP_S)
        rate[k + leg : k + leg + bend] = turn
        k += leg + bend + 1
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rate + _wander(rng, count, 0.01, 3.0)) * STEP_S + left
    climb = np.where(_wander(rng, count, 1.0, 60.0) > 1.0, rng.uniform(1.0, 4.0), 0.0)
    climb -= np.where(_wander(rng, count, 1.0, 60.0) > 1.2, rng.uniform(1.0, 3.0), 0.0)
    up = rng.uniform(50.0, 500.0) + np.cumsum(climb) * STEP_S + _wander(rng, count, 1.5, 5.0)
    gust = np.stack([_wander(rng, count, 0.7, 10.0) for _ in range(2)], 1)
    return _flown(heading, speed + _wander(rng, count, 0.6, 8.0), _wind(rng) + gust, up)


def sortie(rng: np.random.Generator, count: int) -> FloatArray:
    """A multirotor on an errand: legs at 6 to 20 m/s between stops of seconds to minutes, climbs on the spot."""
    cruise, place, up = rng.uniform(6.0, 20.0), np.zeros(2), rng.uniform(20.0, 200.0)
    want = np.zeros((count, 3))
    k = 0
    while k < count:
        leg, stop = int(rng.uniform(20.0, 160.0) / STEP_S), int(rng.choice([2.0, 10.0, 40.0]) / STEP_S)
        angle = rng.uniform(0, 2 * np.pi)
        want[k : k + leg, :2] = cruise * rng.uniform(0.7, 1.0) * np.array([np.sin(angle), np.cos(angle)])
        want[k + leg : k + leg + stop, 2] = rng.choice([0.0, 0.0, -3.0, 3.0])
        k += leg + stop
    speed = np.zeros((count, 3))
    for k in range(1, count):
        push = np.clip(want[k] - speed[k - 1], -2.5 * STEP_S, 2.5 * STEP_S)
        speed[k] = speed[k - 1] + push
    path = np.cumsum(speed, axis=0) * STEP_S
    return np.column_stack([path[:, :2] + place, np.maximum(up + path[:, 2] + _wander(rng, count, 0.7, 10.0), 3.0)])


def balloon(rng: np.random.Generator, count: int) -> FloatArray:
    """No airspeed: the wind, its gusts and its change with height; steady climb 0 to 6 m/s or floating."""
    climb = 0.0 if rng.random() < 0.4 else rng.uniform(0.3, 6.0)
    up = rng.uniform(30.0, 1500.0) + climb * STEP_S * np.arange(count) + _wander(rng, count, 2.0, 20.0)
    shear = rng.normal(0.0, 0.004, 2)
    gust = np.stack([_wander(rng, count, rng.uniform(0.2, 0.9), 25.0) for _ in range(2)], 1)
    return np.column_stack([np.cumsum(_wind(rng) + gust + (up - up[0])[:, None] * shear, axis=0) * STEP_S, up])


def bird(rng: np.random.Generator, count: int) -> FloatArray:
    """A bird: airspeed 8 to 23 m/s by species (Alerstam and others 2007), on passage, wheeling or circling in lift."""
    speed, way = float(np.clip(rng.normal(13.0, 3.0), 8.0, 23.0)), rng.choice(3, p=[0.4, 0.4, 0.2])
    rough, memory = ((0.02, 8.0), (rng.uniform(0.08, 0.3), rng.uniform(3.0, 10.0)), (0.05, 10.0))[way]
    rate = _wander(rng, count, rough, memory)
    climb = _wander(rng, count, rng.uniform(0.3, 1.0), 10.0)
    if way == 2:
        soars = (np.arange(count) * STEP_S) % 120.0 < rng.uniform(40.0, 90.0)
        rate = rate + soars * (speed / rng.uniform(20.0, 60.0))
        climb = climb + np.where(soars, rng.uniform(0.5, 3.0), -1.0)
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rate) * STEP_S
    up = np.exp(rng.uniform(np.log(20.0), np.log(800.0))) + np.cumsum(climb) * STEP_S
    return _flown(heading, speed + _wander(rng, count, 0.08 * speed, 8.0), _wind(rng), up)


def car(rng: np.random.Generator, count: int) -> FloatArray:
    """A car on a road: 0 to 30 m/s, stops and bends, on the ground."""
    speed = np.clip(rng.uniform(8.0, 25.0) + _wander(rng, count, 7.0, 25.0), 0.0, 35.0)
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(_wander(rng, count, 0.03, 10.0)) * STEP_S
    return _flown(heading, speed, np.zeros(2), np.full(count, 3.0))


def mill(rng: np.random.Generator, count: int) -> FloatArray:
    """A wind turbine or a swaying tree: an echo that wanders 20 m about one place."""
    sway = [_wander(rng, count, s, 4.0) for s in (20.0, 20.0, 15.0)]
    return np.stack(sway, 1) + np.array([0.0, 0.0, rng.uniform(20.0, 110.0)])


def jumble(rng: np.random.Generator, count: int) -> FloatArray:
    """One track over a flock or over clutter: an echo that leaps among several, some tens of metres a few seconds."""
    drift = rng.uniform(0.0, 10.0) * STEP_S * np.arange(count)[:, None] * np.array([1.0, 0.0])
    leaps = np.stack([_wander(rng, count, rng.uniform(25.0, 60.0), rng.uniform(2.0, 5.0)) for _ in range(3)], 1)
    leaps[:, :2] += drift
    return leaps + np.array([0.0, 0.0, 80.0])


MADE: Final = (
    (TrackClass.MULTIROTOR, "multirotor errand, made", sortie, 40),
    (TrackClass.FIXED_WING_DRONE, "fixed wing, made", fixed_wing, 60),
    (TrackClass.BALLOON, "balloon, made", balloon, 60),
    (TrackClass.BIRD, "bird, made", bird, 80),
    (TrackClass.UNKNOWN, "car, made", car, 24),
    (TrackClass.UNKNOWN, "wind turbine, made", mill, 24),
    (TrackClass.UNKNOWN, "flock or clutter, made", jumble, 24),
)


def made(seed: int = 1) -> Iterator[Piece]:
    """What physics makes; each airframe, balloon or animal has parameters of its own."""
    for number, (truth, kind, make, count) in enumerate(MADE):
        rng = np.random.default_rng([seed, number])
        for one in range(count):
            yield Piece(truth, kind, f"{kind} {one}", False, make(rng, int(PIECE_S / STEP_S)))


def pieces(shelf: Path, seed: int = 1) -> list[Piece]:
    """Everything, at most ``PIECES`` a device for drones and animals, 24 an aircraft type."""
    out: list[Piece] = []
    for source, most in ((multirotors, PIECES), (bats, PIECES), (aircraft, 24)):
        by_device: dict[str, list[Piece]] = defaultdict(list)
        for piece in source(shelf):
            by_device[piece.device].append(piece)
        for found in by_device.values():
            some = np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).astype(int))
            out += [found[k] for k in some]
    return out + list(made(seed))
