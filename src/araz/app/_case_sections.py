"""The sections of a case's report that say how the night was judged: then and now, against, sensors, custody."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from araz.app._case_render import Block
from araz.app._case_words import term, word
from araz.app._software import Programs, in_force
from araz.app._summary import clock_text, moment_text
from araz.evidence import Against, Belonging, CustodyRecord, Photograph, custody_of, distance_m
from araz.geography import Place
from araz.vocabulary import (
    Alarm,
    Incident,
    Picture,
    SensorHealth,
    SensorKind,
    Site,
    Software,
    Track,
    in_language,
    phrase_of,
)

Facts = dict[str, Any]


SOON: Final = 3
"""Pictures, one a second, in which a track must be for its place at a time to be told."""
NEAR_US: Final = 5_000_000


class Told(NamedTuple):
    """Everything the report is written from."""

    facts: Facts
    belongs: Belonging
    pictures: Sequence[Picture]
    against: Against
    site: Site
    place: Place
    now: Sequence[dict[str, Any]]
    custody: Sequence[CustodyRecord]
    objections: Sequence[str]
    """Which rules custody breaks."""
    programs: Programs
    health: Sequence[SensorHealth]
    """The last word on each sensor, at the end of the journal."""
    sources: Sequence[tuple[str, int, int, int]]
    """Feeds of the messages in the case: name, how many, first and last time of arrival (µs UTC)."""
    fingerprint: str
    """Of the key that seals."""


def then_and_now(told: Told, language: str) -> list[Block]:
    rows = [
        [
            item["track_id"],
            str(item["overlap_s"]),
            f"{item['median_difference_m']:.0f}",
            f"{item['largest_difference_m']:.0f}",
        ]
        for item in told.now
    ]
    header = [word(name, language) for name in ("objects", "overlap", "median", "largest")]
    body = Block("table", header=header, rows=rows) if rows else Block("p", word("none_now", language))
    out = [Block("h2", word("then_now", language)), Block("p", word("then_now_words", language)), body]
    rows = [_moment(told, one, track, language) for one, track in happened(told)]
    header = [word(n, language) for n in ("time", "event", "objects", "place_then", "place_now", "apart")]
    return [*out, Block("h3", word("moments", language)), table_or_none(header, rows, language)]


def happened(told: Told) -> list[tuple[Incident, Track]]:
    """What happened to tracks of the case, no forecasts, with the track as it was on the screen at that time."""
    found = []
    for one in told.belongs.told.incidents:
        track = None if one.at_us > one.known_at_us else _shown(told.pictures, one.track_id, one.at_us)
        if track is not None:
            found.append((one, track))
    return found


def _shown(pictures: Sequence[Picture], track_id: str | None, at_us: int) -> Track | None:
    """A track as the first picture at or after a time showed it; None where none did soon."""
    first = bisect_left(pictures, at_us, key=lambda picture: picture.at_us)
    for picture in pictures[first : first + SOON]:
        for track in picture.tracks:
            if track.track_id == track_id:
                return track
    return None


def _moment(told: Told, one: Incident, track: Track, language: str) -> list[str]:
    at_us = one.at_us
    points = [p for item in told.now if item["track_id"] == track.track_id for p in item["points"]]
    nearest = min(points, key=lambda p: abs(p["at_us"] - at_us), default=None)
    start = [clock_text(at_us, told.facts["time_zone"]), term("incident", one.kind.value, language), track.track_id,
             place_text(track.latitude_deg, track.longitude_deg)]  # fmt: skip
    if nearest is None or abs(nearest["at_us"] - at_us) > NEAR_US:
        return [*start, word("unknown", language), word("unknown", language)]
    here = nearest["latitude_deg"], nearest["longitude_deg"]
    apart_m = distance_m(track.latitude_deg, track.longitude_deg, *here)
    return [*start, place_text(*here), f"{apart_m:.0f}"]


def place_text(latitude_deg: float, longitude_deg: float) -> str:
    """Latitude and longitude to about a metre."""
    return f"{latitude_deg:.5f}, {longitude_deg:.5f}"


def sensors_blocks(told: Told, language: str) -> list[Block]:
    """Where each sensor stood, how well it measures as stated, and which constant errors others showed it to have."""
    latest = {one.sensor_id: one for one in told.health}
    rows = []
    for sensor in told.site.sensors:
        health = latest.get(sensor.id)
        errors = [] if health is None or health.registration is None else health.registration.biases
        clock = None if health is None else health.clock_error_s
        rows.append([
            sensor.id, term("sensor-kind", sensor.kind.value, language),
            place_text(sensor.latitude_deg, sensor.longitude_deg), f"{sensor.height_agl_m:.0f}",
            word("stated_errors", language, range_m=f"{sensor.range_sigma_m:g}",
                 azimuth_deg=f"{sensor.azimuth_sigma_deg:g}", reach_km=f"{sensor.max_range_m / 1000:g}"),
            "; ".join(
                f"{term('component', e.component, language)} {e.value:.3g} ± {e.sigma:.2g} {e.unit}" for e in errors
            )
            or word("none_compared", language),
            word("unknown", language) if clock is None else f"{clock:.2f}",
        ])  # fmt: skip
    header = ("sensor", "kind", "place", "height", "stated", "found_errors", "clock_error")
    return [Block("h2", word("calibration", language)), Block("p", word("calibration_words", language)),
            table_or_none([word(n, language) for n in header], rows, language)]  # fmt: skip


def messages_blocks(told: Told, language: str) -> list[Block]:
    """From whom the messages in the file came."""
    zone = told.facts["time_zone"]
    rows = [[name, str(count), moment_text(first, zone), moment_text(last, zone)]
            for name, count, first, last in told.sources]  # fmt: skip
    header = [word(n, language) for n in ("feed", "count", "first", "last")]
    return [Block("h2", word("messages", language)), Block("p", word("messages_words", language)),
            table_or_none(header, rows, language)]  # fmt: skip


def against_blocks(told: Told, language: str) -> list[Block]:
    def w(name: str, **values: object) -> str:
        return word(name, language, **values)

    item = told.against
    silent = [s for s in item.sensors if not s.updated and s.in_range_s > 0]
    rows = [
        [
            s.sensor_id,
            term("sensor-kind", s.kind, language),
            w("yes" if s.updated else "no"),
            f"{s.in_range_s:.0f}",
            w("unknown") if s.nearest_m is None else f"{s.nearest_m:.0f}",
            "; ".join(in_language(state, language) for state in s.states) or w("unknown"),
        ]
        for s in item.sensors
    ]
    classes = [
        [c.track_id, term("class", c.class_name, language), str(c.seconds), percent(c.highest_probability)]
        for c in item.classes
    ]
    out = [Block("h2", w("against")), Block("p", w("against_words"))]
    names = ", ".join(f"{s.sensor_id} ({s.in_range_s:.0f} s)" for s in silent)
    out += [Block("h3", w("sensors_silent")), Block("p", names or w("none"))]
    far = [f"{s.sensor_id} ({w('at_least', metres=f'{s.nearest_m:.0f}')})" for s in item.sensors
           if s.updated and s.in_range_s == 0 and s.nearest_m is not None and s.kind != SensorKind.PEOPLE]  # fmt: skip
    out += [Block("small", w("hears_only")), Block("h3", w("sensors_far")), Block("p", ", ".join(far) or w("none"))]
    header = [w(n) for n in ("sensor", "kind", "saw", "in_range", "nearest", "health")]
    out += [Block("h3", w("sensors_all")), table_or_none(header, rows, language)]
    header = [w(n) for n in ("objects", "class", "seconds", "highest")]
    out += [Block("h3", w("other")), table_or_none(header, classes, language)]
    for name, lines in (
        ("reasons_against", item.reasons),
        ("not_seen", item.not_seen),
        ("verdicts", item.verdicts),
        ("spoofs", item.spoofs),
        ("near", item.near),
    ):
        out += [
            Block("h3", w(name)),
            Block("list", rows=[[in_language(line, language)] for line in lines] or [[w("none")]]),
        ]
    return [*out, Block("p", w("lost", seconds=item.lost_s))]


def custody_blocks(told: Told, language: str) -> list[Block]:
    out = [Block("h2", word("custody", language))]
    if not told.custody:
        return [*out, Block("p", word("no_custody", language))]
    rows, photographs = [], []
    for record in told.custody:
        # With the day: an exhibit is handed on for months.
        what, when = msgspec.to_builtins(record.what), moment_text(record.at_us, told.facts["time_zone"])
        photographs += [[record.exhibit, one.name, exhibit_name(one), one.sha256]
                        for one in getattr(record.what, "photographs", ())]  # fmt: skip
        text = "; ".join(filter(None, (what.get("description"), what.get("to"), what.get("finding"))))
        rows.append([when, record.who, record.exhibit, term("custody", what["type"], language), text, record.why])
    header = [word(n, language) for n in ("time", "who", "exhibit", "action", "text", "why")]
    out += [Block("p", word("custody_wrong" if told.objections else "custody_words", language))]
    out += [Block("list", rows=[[line] for line in told.objections])] if told.objections else []
    out += [table_or_none(header, rows, language)]
    held = [[number, one.holder, one.seal or word("none", language), word("yes" if one.is_closed else "no", language)]
            for number, one in custody_of(told.custody)[0].exhibits.items()]  # fmt: skip
    header = [word(n, language) for n in ("exhibit", "holder", "seal", "closed")]
    out += [Block("h3", word("held", language)), table_or_none(header, held, language)]
    header = [word(n, language) for n in ("exhibit", "name", "file", "hash")]
    return [*out, Block("h3", word("photographs", language)), table_or_none(header, photographs, language)]


def exhibit_name(photograph: Photograph) -> str:
    """Under which name a photograph lies in a case: its hash's beginning, and the last part of its own name."""
    return f"exhibits/{photograph.sha256[:16]}-{photograph.name.rpartition('/')[2]}"


def programs_blocks(told: Told, language: str) -> list[Block]:
    def row(what: str, since: str, one: Software | None) -> list[str]:
        if one is None:
            return [word(what, language), since, *4 * [word("not_recorded", language)]]
        return [word(what, language), since, one.araz, one.source_sha256[:16], one.lock_sha256[:16],
                f"Python {one.python}, {one.processor}"]  # fmt: skip

    facts, programs, zone = told.facts, told.programs, told.facts["time_zone"]
    ran = in_force(programs.ran, facts["from_us"], facts["to_us"])
    rows = [row("ran", clock_text(one.from_us, zone), one.software) for one in ran] or [row("ran", "", None)]
    rows += [row("judged", "", programs.judged), row("sealed_with", "", programs.sealed)]
    header = [word(n, language) for n in ("what", "since", "version", "source_hash", "lock_hash", "machine")]
    return [Block("h2", word("programs", language)), Block("p", word("programs_words", language)),
            table_or_none(header, rows, language)]  # fmt: skip


def said_then(record: Incident | Alarm, language: str) -> str:
    """What was said then, in the reader's language; a record of before has its English only."""
    return in_language(phrase_of(record.sentence, record.said), language)


def table_or_none(header: list[str], rows: list[list[str]], language: str) -> Block:
    """A table, or the word that there is nothing."""
    return Block("table", header=header, rows=rows) if rows else Block("p", word("none", language))


def percent(value: float) -> str:
    """Whole per cents."""
    return f"{100 * value:.0f} %"
