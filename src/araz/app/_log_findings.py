"""Flights of a log held against the archive: recorded by us, never seen, elsewhere; and what the map learns of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from araz.app._summary import moment_text
from araz.evidence import ArchivedTrack, Match, match_log
from araz.geography import Place
from araz.sensors import Flight, LogClock, Sightings, parts_of

#: A ratio from here on says that the log is the track's (moderate support, ENFSI).
SUPPORT: Final = 10.0
#: Length of one crossing when the map is checked, seconds.
CROSSING_S: Final = 30.0
#: Zones a card most likely shows beside the site's: Iran, Azerbaijan, UTC, the maker's.
ZONES_H: Final = (3.5, 4.0, 0.0, 8.0)
_SUPPORT_WORDS: Final = ((1e6, "extremely strong"), (1e4, "very strong"), (1e3, "strong"), (1e2, "moderately strong"),
                         (10.0, "moderate"), (2.0, "weak"))  # fmt: skip


class Finding(NamedTuple):
    """One flight of one log: what was found, in a word and as a sentence."""

    log: str
    number: int
    flight: Flight
    matches: list[Match]
    verdict: str
    sentence: str


def findings_of(
    name: str, flight: Flight, place: Place, archive: Sequence[ArchivedTrack], span: tuple[int, int]
) -> list[Finding]:
    """Judge every flight of a log against the archive."""
    parts = parts_of(flight)
    if not parts:
        words = f"{name}: no flight longer than ten seconds in it ({flight.layout})."
        return [Finding(name, 0, flight, [], "no flight", words)]
    out = []
    for number, part in enumerate(parts, 1):
        matches = match_log(part, place, archive, span_us=span, zones_h=ZONES_H)
        out.append(_finding(name, number, part, matches, place, span))
    return out


def _finding(
    name: str, number: int, part: Flight, matches: list[Match], place: Place, span: tuple[int, int]
) -> Finding:
    good = _good(matches)
    head = f"{name} flight {number} ({when(part, place.site.time_zone)}, {part.duration_s:.0f} s)"
    if good:
        lines = [
            f"  {m.track_id}: likelihood ratio {_ratio(m.log_ratio)} ({_support(m.log_ratio)} support), "
            f"{m.distance_m:.0f} m apart, log's clock {m.clock_error_s:+.1f} s, its heights {m.altitude_error_m:+.0f} m"
            for m in good
        ]
        return Finding(name, number, part, matches, "matched", f"{head}: recorded by us\n" + "\n".join(lines))
    if not _is_inside(part, place):
        return Finding(name, number, part, matches, "elsewhere", f"{head}: flown outside the site.")
    wall = part.at_us + part.wall_offset_us
    if part.clock == LogClock.NONE:
        fits = [f"{m.track_id} ({_ratio(m.log_ratio)})" for m in matches if m.log_ratio > np.log(2.0)]
        words = f"{head}: no track fits it; without a date nobody can say that it was flown on our watch."
        if fits:
            words = f"{head}: fits {', '.join(fits[:5])}; without a date a repeat on the same route fits as well."
        return Finding(name, number, part, matches, "undated", words)
    slack_us = 0 if part.clock == LogClock.UTC else 14 * 3_600_000_000
    if wall[-1] < span[0] - slack_us or wall[0] > span[1] + slack_us:
        return Finding(name, number, part, matches, "other time", f"{head}: not in the time of these records.")
    return Finding(name, number, part, matches, "never seen", f"{head}: NEVER SEEN by us; the coverage map learns it.")


def _good(matches: Sequence[Match]) -> list[Match]:
    """The tracks with the support to be the log's own, best first."""
    return [match for match in matches if match.log_ratio >= np.log(SUPPORT)]


def _ratio(nats: float) -> str:
    return f"10^{nats / np.log(10):.0f}" if nats > np.log(1e4) else f"{np.exp(nats):.0f}"


def _support(nats: float) -> str:
    return next((word for least, word in _SUPPORT_WORDS if nats >= np.log(least)), "no")


def when(part: Flight, zone: str) -> str:
    if part.clock == LogClock.NONE:
        return "undated"
    start_us = int(part.at_us[0]) + part.wall_offset_us
    if part.clock == LogClock.LOCAL:
        return f"{moment_text(start_us, 'UTC')} on the card's clock"
    return moment_text(start_us, zone, "%Y-%m-%d %H:%M:%S %Z")


def _is_inside(part: Flight, place: Place) -> bool:
    """Whether any of it lies on the site's terrain."""
    enu = place.frame.to_enu(part.latitude_deg, part.longitude_deg, place.frame.hae_m)
    west, south, east, north = place.terrain.extent_enu_m
    inside = (enu[:, 0] >= west) & (enu[:, 0] <= east) & (enu[:, 1] >= south) & (enu[:, 1] <= north)
    return bool(inside.any())


def plain(finding: Finding) -> dict[str, Any]:
    return {
        "log": finding.log,
        "flight": finding.number,
        "verdict": finding.verdict,
        "clock": finding.flight.clock.value,
        "duration_s": finding.flight.duration_s,
        "layout": finding.flight.layout,
        "matches": [
            {**m._asdict(), "likelihood_ratio_log10": float(m.log_ratio / np.log(10))} for m in finding.matches[:5]
        ],
    }


def sightings_of(
    findings: Sequence[Finding], place: Place, archive: Sequence[ArchivedTrack], span: tuple[int, int]
) -> tuple[Sightings, list[tuple[int, float, float, str]]]:
    """Crossings of matched and never-seen flights, seen where a matched track was on it; rows: time, place, log."""
    tracks = {track.track_id: track for track in archive}
    columns: list[tuple[float, float, float, bool]] = []
    rows: list[tuple[int, float, float, str]] = []
    for finding in findings:
        part = finding.flight
        if finding.verdict not in ("matched", "never seen") or (
            finding.verdict == "never seen" and part.clock != LogClock.UTC
        ):
            continue
        good = _good(finding.matches)
        error_us = round(good[0].clock_error_s * 1e6) if good else 0
        at_us = part.at_us + part.wall_offset_us - error_us
        seen_us = np.concatenate([tracks[m.track_id].at_us for m in good]) if good else np.zeros(0, np.int64)
        agl = _agl(part, place, good[0].altitude_error_m if good else 0.0)
        enu = place.frame.to_enu(part.latitude_deg, part.longitude_deg, place.frame.hae_m)
        for start in np.arange(at_us[0], at_us[-1], CROSSING_S * 1e6):
            end = start + CROSSING_S * 1e6
            here = np.flatnonzero((at_us >= start) & (at_us < end))
            if not len(here) or not span[0] <= start <= span[1] or not np.isfinite(agl[here]).any():
                continue
            middle = here[len(here) // 2]
            is_seen = bool(((seen_us >= start) & (seen_us < end)).any())
            columns.append((enu[middle, 0], enu[middle, 1], float(np.nanmedian(agl[here])), is_seen))
            rows.append((int(start), float(part.latitude_deg[middle]), float(part.longitude_deg[middle]), finding.log))
    table = np.asarray(columns, dtype=np.float64).reshape(-1, 4)
    return Sightings(table[:, 0], table[:, 1], table[:, 2], table[:, 3] > 0), rows


def _agl(part: Flight, place: Place, altitude_error_m: float) -> Any:
    """Height above the ground: from the altitude where there is one, corrected by what the track says of it."""
    hae = part.altitude_m + place.site.geoid_undulation_m - altitude_error_m
    enu = place.frame.to_enu(part.latitude_deg, part.longitude_deg, np.where(np.isfinite(hae), hae, place.frame.hae_m))
    return np.where(np.isfinite(hae), place.terrain.height_agl_m(enu), part.height_m)
