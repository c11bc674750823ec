"""The readable report of a case: one text in two languages, then as a page (HTML) and on paper (PDF)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from araz.app._case_render import Block, Drawn, html_page, pdf_pages
from araz.app._case_words import term, word
from araz.app._software import Programs, in_force
from araz.app._summary import clock_text
from araz.evidence import Against, Belonging, CustodyRecord
from araz.exchange import ellipse_ring
from araz.geography import Place
from araz.vocabulary import (
    LANGUAGES,
    Alarm,
    Decision,
    Incident,
    Picture,
    Site,
    Software,
    in_language,
    phrase_of,
)

Facts = dict[str, Any]
MOST_DOTS = 800
"""Places on the map of where the tracks were shown, at most, spread evenly: more lie on each other on paper."""


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


def render_reports(told: Told) -> dict[str, bytes]:
    """Return report.en.html, report.en.pdf, report.az.html, report.az.pdf; the same case gives the same bytes."""
    files = {}
    for language in LANGUAGES:
        blocks = report_blocks(told, language)
        title = word("title", language, case=told.facts["case"])
        files[f"report.{language}.html"] = html_page(title, language, blocks)
        files[f"report.{language}.pdf"] = pdf_pages(title, language, blocks)
    return files


def report_blocks(told: Told, language: str) -> list[Block]:
    """Return the report as headings, paragraphs, tables and one map."""

    def w(name: str, **values: object) -> str:
        return word(name, language, **values)

    facts, belongs = told.facts, told.belongs
    zone = facts["time_zone"]
    out = [Block("h1", w("title", case=facts["case"])), Block("p", w("what_is_this", site=facts["site"]))]
    out += [Block("h2", w("summary")), _summary(told, language)]
    out += [Block("h2", w("map")), Block("map", drawn=_map(told)), Block("small", w("map_words"))]
    rows = [[clock_text(i.at_us, zone), clock_text(i.known_at_us, zone), term("incident", i.kind.value, language),
             _percent(i.confidence), _told(i, language)] for i in belongs.told.incidents]  # fmt: skip
    out += [Block("h2", w("events")), _table([w("time"), w("known"), w("event"), w("sure"), w("said")], rows, language)]
    rows = [[a.alarm_id, clock_text(a.changed_at_us, zone), str(a.priority), term("alarm", a.state.value, language),
             _told(a, language)] for a in belongs.told.alarms]  # fmt: skip
    header = ["", w("changed"), w("priority"), w("state"), w("said")]
    out += [Block("h2", w("alarms")), _table(header, rows, language)]
    rows = [[clock_text(d.at_us, zone), d.officer, term("outcome", d.action.value, language), _ordered(d, language),
             d.reason or ""] for d in belongs.told.decisions]  # fmt: skip
    out += [Block("h2", w("decisions")), _table([w("time"), w("who"), w("action"), "", w("reason")], rows, language)]
    rows = [[clock_text(r.observed_at_us, zone), r.report.reporter, term("incident", r.report.kind.value, language),
             r.report.text or ""] for r in belongs.told.reports]  # fmt: skip
    out += [Block("h2", w("reports")), _table([w("time"), w("who"), w("kind"), w("text")], rows, language)]
    out += _then_and_now(told, language)
    out += _against(told, language)
    out += _custody(told, language)
    out += _programs(told, language)
    out += [Block("h2", w("check")), Block("p", w("check_words", version=facts["araz"]))]
    out += [Block("p", w("whole" if facts["whole_night"] else "not_whole"))]
    out += [Block("p", f"{w('journal')}: {facts['root_hash']}")]
    return out


def _summary(told: Told, language: str) -> Block:
    facts, zone = told.facts, told.facts["time_zone"]
    first, last = facts["from_us"], facts["to_us"]
    day = datetime.fromtimestamp(first / 1e6, ZoneInfo(zone)).strftime("%Y-%m-%d")
    span = word("span_text", language, day=day, first=clock_text(first, zone), last=clock_text(last, zone), zone=zone)
    rows = [
        [word("span", language), span],
        [word("objects", language), ", ".join(facts["tracks"]) or word("unknown", language)],
        [word("messages", language), str(facts["messages"])],
        [word("sealed_by", language), facts["sealed_by"]],
    ]
    if told.belongs.told.alarms:
        alarm = told.belongs.told.alarms[-1]
        rows.append([word("conclusion", language), _told(alarm, language)])
        rows.append([word("confidence", language), _percent(alarm.confidence)])
    return Block("table", header=None, rows=rows)


def _then_and_now(told: Told, language: str) -> list[Block]:
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
    return [Block("h2", word("then_now", language)), Block("p", word("then_now_words", language)), body]


def _against(told: Told, language: str) -> list[Block]:
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
        [c.track_id, term("class", c.class_name, language), str(c.seconds), _percent(c.highest_probability)]
        for c in item.classes
    ]
    out = [Block("h2", w("against")), Block("p", w("against_words"))]
    names = ", ".join(f"{s.sensor_id} ({s.in_range_s:.0f} s)" for s in silent)
    out += [Block("h3", w("sensors_silent")), Block("p", names or w("none"))]
    header = [w(n) for n in ("sensor", "kind", "saw", "in_range", "nearest", "health")]
    out += [Block("h3", w("sensors_all")), _table(header, rows, language)]
    header = [w(n) for n in ("objects", "class", "seconds", "highest")]
    out += [Block("h3", w("other")), _table(header, classes, language)]
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


def _custody(told: Told, language: str) -> list[Block]:
    out = [Block("h2", word("custody", language))]
    if not told.custody:
        return [*out, Block("p", word("no_custody", language))]
    rows = []
    for record in told.custody:
        what, when = msgspec.to_builtins(record.what), clock_text(record.at_us, told.facts["time_zone"])
        text = "; ".join(filter(None, (what.get("description"), what.get("to"), what.get("finding"))))
        rows.append([when, record.who, record.exhibit, term("custody", what["type"], language), text, record.why])
    header = [word(n, language) for n in ("time", "who", "exhibit", "action", "text", "why")]
    out += [Block("p", word("custody_wrong" if told.objections else "custody_words", language))]
    out += [Block("list", rows=[[line] for line in told.objections])] if told.objections else []
    return [*out, _table(header, rows, language)]


def _programs(told: Told, language: str) -> list[Block]:
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
            _table(header, rows, language)]  # fmt: skip


def _told(record: Incident | Alarm, language: str) -> str:
    """What was said then, in the reader's language; a record of before has its English only."""
    return in_language(phrase_of(record.sentence, record.said), language)


def _ordered(decision: Decision, language: str) -> str:
    """Who was sent and what the order said; of a decision of before, who."""
    order = decision.order
    return decision.patrol_id or "" if order is None else in_language(phrase_of(order.sentence, order.said), language)


def _table(header: list[str], rows: list[list[str]], language: str) -> Block:
    return Block("table", header=header, rows=rows) if rows else Block("p", word("none", language))


def _map(told: Told) -> Drawn:
    """Everything in degrees; the renderers scale it."""
    tracks = set(told.facts["tracks"])
    then = [(t.longitude_deg, t.latitude_deg) for p in told.pictures for t in p.tracks if t.track_id in tracks]
    then = then[:: -(-len(then) // MOST_DOTS) or 1]
    now = [[(p["longitude_deg"], p["latitude_deg"]) for p in item["points"]] for item in told.now]
    sensors = [(s.longitude_deg, s.latitude_deg, s.id) for s in told.site.sensors]
    alarms = told.belongs.told.alarms
    areas = [ellipse_ring(area) for area in (alarms[-1].areas if alarms else [])]
    return Drawn(_border(told.place), then, now, sensors, areas)


def _border(place: Place) -> list[tuple[float, float]]:
    """The line's longitudes and latitudes."""
    latitude, longitude, _ = place.frame.to_geodetic(np.pad(place.border.points_enu_m, ((0, 0), (0, 1))))
    return list(zip(longitude.tolist(), latitude.tolist(), strict=True))


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
