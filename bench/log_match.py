"""Do the likelihood ratios of log and track mean what they say.

    python bench/log_match.py [--nights 10] [--seed 1] [--json]

Every night flies ten sorties through the real pipeline at Horadiz: real flights of the shelf (four models, DJI,
ArduPilot, MAVLink), turned, put 1.5 to 6 km from a radar, each flown twice on the same ground some minutes apart (the
hard case: the same log moved in time). A log is the true course at 1 Hz with GPS errors of 2 m that wander, a constant
altitude error within 50 m, and a clock: `utc` (2 s off), `local` (four hours off and half a minute wrong), `none` (no
date). Every log is held against every track of its night. `true` pairs: the track that the log's own sortie made (the
nearest one to it, within 100 m in the median). `false`: all others; `same route` of these: the other sortie's track.
`misleading`: share of false pairs with a ratio above 1, above 100; a calibrated ratio keeps P(LR > x | false) <= 1 / x.
`found`: share of logs with a true pair whose best track is the right one. `cllr`: log cost in bits, 0 is perfect, 1 is
a ratio that never says anything.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from coverage_map import messages_of
from fly import FLIGHTS

from araz.app._config import bundle_from_file, site_from_bundle
from araz.app._runtime import judge
from araz.evidence import archive_of, match_log
from araz.sensors import Flight, LogClock, parts_of, read_flight
from araz.simulation import body_from_flight, read_scenario, simulate
from araz.vocabulary import Picture

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("dji_srt/mavic_2pro_new.SRT", "dji_srt/m2zoom.SRT", "dji_srt/mavic_pro.SRT", "ardupilot_log171.bin",
         "stonesoup_UAV_Rot.csv")  # fmt: skip
CLOCKS = {"utc": (LogClock.UTC, 2.0), "local": (LogClock.LOCAL, 30.0), "none": (LogClock.NONE, 0.0)}
ZONES_H = (3.5, 4.0)


def log_of(body: Any, place: Any, start_us: int, clock: str, rng: np.random.Generator) -> Flight:
    """What the drone's own card says of a sortie."""
    kind, sigma_s = CLOCKS[clock]
    course = body.course
    at_s = np.arange(course.start_s + 5.0, course.end_s - 5.0, 1.0)
    wander = np.zeros((len(at_s), 3))
    for k in range(1, len(at_s)):
        wander[k] = 0.98 * wander[k - 1] + 0.2 * rng.normal(0, [2.0, 2.0, 4.0])
    latitude, longitude, hae = place.frame.to_geodetic(course.at(at_s)[0] + wander)
    altitude = hae - place.site.geoid_undulation_m + rng.uniform(-50, 50)
    error_s = rng.normal(0, sigma_s) + (4 * 3600 if clock == "local" else 0)
    offset = {"utc": start_us, "local": start_us, "none": 0}[clock] + round(error_s * 1e6)
    nothing = np.zeros(len(at_s), dtype=np.bool_)
    return Flight(
        (at_s * 1e6).astype(np.int64), latitude, longitude, altitude, altitude - altitude[0], nothing, "bench", {},
        kind, offset,
    )  # fmt: skip


def night(seed: int, sources: list[Flight]) -> list[dict[str, Any]]:
    """All pairs of one night."""
    rng = np.random.default_rng([seed, 3])
    bundle = bundle_from_file(ROOT / "sites" / "horadiz" / "site.toml")
    _, place, _ = site_from_bundle(bundle)
    scenario = read_scenario('name = "m"\ntitle = "m"\nstart_at = 2026-03-01T20:00:00Z\nduration_s = 60.0\n')
    radar = place.site.sensors[0]
    bodies, route = [], []
    for number in range(5):
        source = sources[int(rng.integers(len(sources)))]
        turn, away, side = rng.uniform(0, 360), rng.uniform(1500, 6000), rng.uniform(0, 2 * np.pi)
        lat = radar.latitude_deg + away * np.cos(side) / 111_195
        lon = radar.longitude_deg + away * np.sin(side) / 86_000
        for again in range(2):
            start_s = 30.0 + rng.uniform(0, 300) + again * (source.duration_s + 120.0 + rng.uniform(0, 300))
            body = body_from_flight(
                source, scenario, place, start_s=start_s, turn_deg=turn, latitude_deg=lat, longitude_deg=lon
            )
            bodies.append(replace(body, body_id=f"b{number}{again}"))
            route.append(number)
    made = simulate(scenario, place, seed, bodies)
    said = chain.from_iterable(judge(messages_of(scenario.start_us, bundle, made.messages)))
    pictures = [event for event in said if isinstance(event, Picture)]
    archive = archive_of(place, pictures)
    span = (pictures[0].at_us, pictures[-1].at_us)
    owner = {track.track_id: owner_of(track, bodies, scenario.start_us) for track in archive}
    out = []
    for k, body in enumerate(bodies):
        for clock in CLOCKS:
            flight = log_of(body, place, scenario.start_us, clock, rng)
            judged = match_log(flight, place, archive, span_us=span, zones_h=ZONES_H)
            ratios = {match.track_id: match.log_ratio for match in judged}
            for track in archive:
                if track.at_us[-1] - track.at_us[0] < 25e6:
                    continue
                mine = owner[track.track_id]
                out.append(
                    {
                        "clock": clock, "log": f"{seed}.{k}", "true": mine == k,
                        "same_route": mine is not None and mine != k and route[mine] == route[k],
                        "nats": ratios.get(track.track_id, -50.0),
                        "best": bool(judged) and judged[0].track_id == track.track_id,
                    }
                )  # fmt: skip
    return out


def owner_of(track: Any, bodies: list[Any], start_us: int) -> int | None:
    """The sortie a track is on: the nearest in the median, within 100 m; None: clutter or a bird."""
    at_s = (track.at_us - start_us) / 1e6
    best, nearest = None, 100.0
    for k, body in enumerate(bodies):
        alive = body.course.alive(at_s)
        if alive.mean() < 0.8:
            continue
        gap = np.hypot(*(body.course.at(at_s[alive])[0] - track.position_enu_m[alive])[:, :2].T)
        if np.median(gap) < nearest:
            best, nearest = k, float(np.median(gap))
    return best


def summary(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each kind of clock."""
    rows = []
    for clock in CLOCKS:
        mine = [p for p in pairs if p["clock"] == clock]
        true = np.array([p["nats"] for p in mine if p["true"]])
        false = np.array([p["nats"] for p in mine if not p["true"]])
        route = np.array([p["nats"] for p in mine if p["same_route"]])
        logs = {p["log"] for p in mine if p["true"]}
        right = {p["log"] for p in mine if p["true"] and p["best"]}
        cost = 0.5 * (np.mean(np.logaddexp(0, -true)) + np.mean(np.logaddexp(0, false))) / np.log(2)
        rows.append(
            {
                "clock": clock, "true_pairs": len(true), "false_pairs": len(false), "same_route_pairs": len(route),
                "true_above_10": float((true > np.log(10)).mean()),
                "true_above_100": float((true > np.log(100)).mean()),
                "misleading_above_1": float((false > 0).mean()),
                "misleading_above_10": float((false > np.log(10)).mean()),
                "misleading_above_100": float((false > np.log(100)).mean()),
                "same_route_above_10": float((route > np.log(10)).mean()) if len(route) else 0.0,
                "same_route_above_100": float((route > np.log(100)).mean()) if len(route) else 0.0,
                "found": len(right) / max(len(logs), 1), "logs": len(logs), "cllr_bits": float(cost),
                "true_median_nats": float(np.median(true)), "true_least_nats": float(true.min()),
            }
        )  # fmt: skip
    return rows


def main() -> None:
    """Fly, match, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sources = [max(parts_of(read_flight((FLIGHTS / n).read_bytes(), n)), key=lambda f: f.duration_s) for n in NAMES]
    pairs: list[dict[str, Any]] = []
    for number in range(given.nights):
        pairs.extend(night(given.seed * 1000 + number, sources))
        sys.stderr.write(f"\r{number + 1}/{given.nights} nights, {len(pairs)} pairs")
    sys.stderr.write("\n")
    for row in summary(pairs):
        print(
            json.dumps(row)
            if given.json
            else "  ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
        )


if __name__ == "__main__":
    main()
