"""A site with an open and a hidden radar, flights through both, and somebody who wants to know where the hidden one is.

The flights and the open radar are the same wherever the hidden radar stands.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from scipy.optimize import least_squares

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, Bundle, site_from_bundle
from araz.app._views import View, Views
from araz.geography import LocalFrame
from araz.simulation import read_scenario, simulate
from araz.vocabulary import Message, Picture

ROOT = Path(__file__).resolve().parents[2]
FRAME = LocalFrame(39.45, 47.335, 169.9)
OURS, THEIRS = "border service", "state security"
REACH_M = 5000.0
WINDOW_US = 120_000_000
#: Round the published area's centre, so that no fixed guess is better than that centre (it is their geometric median).
PLACES_M = [(4800.0, 3600.0), (-4800.0, -3600.0), (-3900.0, 4500.0), (3900.0, -4500.0)]
START_US = 1_773_345_600_000_000


class Night(NamedTuple):
    """What one night gave: the whole pictures, those of the other service, and the files behind them."""

    whole: list[Picture]
    view: list[Picture]
    events: bytes
    """All that the other service was told, as bytes, what is withheld left out."""
    made: View
    views: Views
    alarms: dict


def degrees(east_m, north_m):
    latitude, longitude, _ = FRAME.to_geodetic([[east_m, north_m, 0.0]])
    return float(latitude[0]), float(longitude[0])


def site_toml(hidden_m=PLACES_M[0], *, shown_to="", area="box", more=""):
    """The site; ``shown_to`` opens the hidden radar to services, ``area`` is what is told of it instead."""
    latitude, longitude = degrees(*hidden_m)
    radar = "range_sigma_m = 8.0\nazimuth_sigma_deg = 0.6\nelevation_sigma_deg = 0.8\nclutter_per_scan = 0.1\n"
    return f"""
name = "Lab"
time_zone = "UTC"
origin_latitude_deg = 39.45
origin_longitude_deg = 47.335
origin_hae_m = 169.9
geoid_undulation_m = 9.9
border = "border.geojson"
own_side = "right"
service = "{THEIRS}"
{more}
[terrain]
base_amsl_m = 160.0
half_size_m = 20000.0
cell_m = 200.0
[disclosure]
cell_m = 12000.0
window_s = 120.0
[[areas]]
id = "box"
from_cell = [-1, -1]
to_cell = [0, 0]
[[feeds]]
id = "open"
format = "asterix"
editions = {{ "034" = "1.29", "048" = "1.31" }}
owner = "{OURS}"
[[feeds]]
id = "hidden"
format = "asterix"
editions = {{ "034" = "1.29", "048" = "1.31" }}
shown_to = [{shown_to}]
area = "{area}"
[[feeds]]
id = "console"
format = "decision"
[[sensors]]
id = "open-radar"
kind = "radar"
feed = "open"
wire_id = "25/1"
latitude_deg = 39.4374
longitude_deg = 47.3257
height_agl_m = 12.0
max_range_m = 6000.0
period_s = 2.0
{radar}
[[sensors]]
id = "hidden-radar"
kind = "radar"
feed = "hidden"
wire_id = "25/2"
latitude_deg = {latitude:.7f}
longitude_deg = {longitude:.7f}
height_agl_m = 12.0
max_range_m = {REACH_M}
period_s = 2.0
{radar}
"""


def bundle(text):
    border = (ROOT / "sites" / "horadiz" / "border.geojson").read_text()
    return msgspec.json.encode(Bundle(version=1, site_toml=text, files={"border.geojson": border}))


def flights(count=14):
    """Straight flights of a quad over the box, from fixed random places in fixed random directions."""
    rng = np.random.default_rng(5)
    parts = ['name = "T"\ntitle = "t"\nstart_at = 2026-03-12T20:00:00Z\nduration_s = 660.0\n']
    for k in range(count):
        (east, north), angle = rng.uniform(-6000, 6000, 2), rng.uniform(0, 2 * np.pi)
        points = []
        for along in (-9000.0, 9000.0):
            latitude, longitude = degrees(east + along * np.sin(angle), north + along * np.cos(angle))
            points.append(f"{{ latitude_deg = {latitude:.6f}, longitude_deg = {longitude:.6f}, "
                          f"height_agl_m = {120 + 20 * k}, speed_mps = 28.0 }}")  # fmt: skip
        parts.append(f'[[actors]]\nid = "q{k}"\nkind = "quad"\nstart_s = 2.0\nwaypoints = [{", ".join(points)}]\n')
    return read_scenario("\n".join(parts))


@lru_cache(maxsize=8)
def night(hidden_m, out, services=(OURS,), text=None):
    """Judge a night; ``out`` is a folder for the views' records."""
    payload = bundle(text or site_toml(hidden_m))
    place = site_from_bundle(payload)[1]
    scenario = flights()
    arrivals = [(scenario.start_us, SITE_SOURCE, payload), *simulate(scenario, place, 3).messages]
    views, state = Views(out, services), pipeline.init()
    whole, alarms = [], {}
    for seq, (at_us, source, data) in enumerate(arrivals):
        message = Message(seq=seq, received_at_us=at_us, source=source, payload=data)
        state, said = pipeline.step(state, message)
        whole += [event for event in said if isinstance(event, Picture)]
        alarms |= {event.alarm_id: event for event in said if getattr(event, "alarm_id", None)}
        views.act(message, said)
    made = views.of(OURS)
    told = list(made._said)
    made.write()
    shown = [event for event in told if isinstance(event, Picture)]
    bare = [msgspec.structs.replace(e, withheld=[]) if isinstance(e, Picture) else e for e in told]
    return Night(whole, shown, msgspec.json.encode(bare), made, views, alarms)


# ---------------------------------------------------------------- the attacker: least squares on what he was shown


class Seen(NamedTuple):
    """Places of tracks [N, 2], metres; major half-axes [N], metres, and directions [N], radians; where each began."""

    place: np.ndarray
    major_m: np.ndarray
    azimuth: np.ndarray
    edge: np.ndarray


def seen(pictures, unexplained):
    """What can be learnt from: tracks that no open sensor explains; all there are when none is left to learn from."""
    tracks = [t for p in pictures for t in p.tracks if t.is_confirmed]
    chosen = [t for t in tracks if unexplained(t)] or tracks
    place = FRAME.to_enu([t.latitude_deg for t in chosen], [t.longitude_deg for t in chosen], 170.0)[:, :2]
    edge = {}
    for t in tracks:
        if (unexplained(t) or len(chosen) == len(tracks)) and t.track_id not in edge:
            edge[t.track_id] = FRAME.to_enu(t.latitude_deg, t.longitude_deg, 170.0)[0, :2]
    alone = [len(t.sensors) == 1 for t in chosen]
    azimuth = np.radians([t.ellipse_azimuth_deg for t in chosen])
    return Seen(place[alone], np.array([t.ellipse_semi_major_m for t in chosen])[alone], azimuth[alone],
                np.array([*edge.values()]))  # fmt: skip


def by_bearing_lines(told):
    """Across the major axis of a radar's ellipse lies the radar: where the lines meet."""
    across = np.stack([np.sin(told.azimuth), np.cos(told.azimuth)], axis=1)
    return np.linalg.lstsq(across, (across * told.place).sum(axis=1), rcond=None)[0]


def best(error, starts, scale):
    """The least squares with the least cost; robust, as a careful attacker would."""
    found = [least_squares(error, start, loss="soft_l1", f_scale=scale) for start in starts]
    return min(found, key=lambda one: one.cost).x


def by_range_pattern(told):
    """The major half-axis grows with the distance from the radar."""

    def error(x):
        return np.hypot(*(told.place - x[:2] * 1e3).T) * x[2] + x[3] * 10 - told.major_m

    starts = [(*start, 0.01, 1.0) for start in ((0, 0), (4, 4), (-4, 4), (4, -4), (-4, -4))]
    return (
        min((least_squares(error, start, loss="soft_l1", f_scale=5.0) for start in starts), key=lambda f: f.cost).x[:2]
        * 1e3
    )


def by_coverage_edge(told):
    """Where tracks begin to be its own lies the edge of what the radar reaches, and he knows how far that is."""

    def error(x):
        return np.hypot(*(told.edge - x * 1e3).T) - REACH_M

    starts = ((0, 0), (4, 4), (-4, 4), (4, -4), (-4, -4))
    return (
        min((least_squares(error, start, loss="soft_l1", f_scale=300.0) for start in starts), key=lambda f: f.cost).x
        * 1e3
    )


def by_timing(pictures):
    """Where the tracks he sees are, weighted by whether something was said to be in the area in that window."""
    rows, weight = [], []
    answer = {w.from_us: w.is_active for p in pictures for w in p.withheld if w.area_id}
    for picture in pictures:
        active = [
            is_active for from_us, is_active in answer.items() if from_us <= picture.at_us < from_us + 120_000_000
        ]
        for track in picture.tracks:
            rows.append(FRAME.to_enu(track.latitude_deg, track.longitude_deg, 170.0)[0, :2])
            weight.append(1.0 if any(active) else -0.5)
    return np.average(np.array(rows), axis=0, weights=weight) if rows and sum(weight) else np.zeros(2)


ATTACKS = {"bearing lines": by_bearing_lines, "range pattern": by_range_pattern, "coverage edge": by_coverage_edge}
