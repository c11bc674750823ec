"""The readable report of a case: one text in two languages, then as a page (HTML) and on paper (PDF)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from araz.app._case_render import Block, Drawn, html_page, pdf_pages
from araz.app._case_sections import (
    Told,
    against_blocks,
    custody_blocks,
    happened,
    messages_blocks,
    percent,
    place_text,
    programs_blocks,
    said_then,
    sensors_blocks,
    table_or_none,
    then_and_now,
)
from araz.app._case_words import term, word
from araz.app._summary import clock_text
from araz.exchange import ellipse_ring
from araz.geography import Place
from araz.vocabulary import LANGUAGES, Decision, PeopleReport, in_language, phrase_of

MOST_DOTS: Final = 800
"""Places on the map of where the tracks were shown, at most, spread evenly: more lie on each other on paper."""


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
    out += [Block("p", w("times", zone=zone))]
    out += [Block("h2", w("summary")), _summary(told, language)]
    out += [Block("h2", w("map")), Block("map", drawn=_map(told, language)), Block("small", w("map_words"))]
    rows = [[clock_text(i.at_us, zone), clock_text(i.known_at_us, zone), term("incident", i.kind.value, language),
             percent(i.confidence), said_then(i, language)] for i in belongs.told.incidents]  # fmt: skip
    out += [
        Block("h2", w("events")),
        table_or_none([w("time"), w("known"), w("event"), w("sure"), w("said")], rows, language),
    ]
    rows = [[a.alarm_id, clock_text(a.changed_at_us, zone), str(a.priority), term("alarm", a.state.value, language),
             said_then(a, language)] for a in belongs.told.alarms]  # fmt: skip
    header = [w("alarm"), w("changed"), w("priority"), w("state"), w("said")]
    out += [Block("h2", w("alarms")), Block("p", w("priority_words")), table_or_none(header, rows, language)]
    rows = [[clock_text(d.at_us, zone), d.officer, term("outcome", d.action.value, language), _ordered(d, language),
             d.reason or ""] for d in belongs.told.decisions]  # fmt: skip
    out += [
        Block("h2", w("decisions")),
        table_or_none([w("time"), w("who"), w("action"), w("order"), w("reason")], rows, language),
    ]
    rows = [[clock_text(r.observed_at_us, zone), r.report.reporter, term("incident", r.report.kind.value, language),
             _where(r.report), r.report.text or ""] for r in belongs.told.reports]  # fmt: skip
    out += [
        Block("h2", w("reports")),
        table_or_none([w("time"), w("who"), w("kind"), w("place"), w("text")], rows, language),
    ]
    out += then_and_now(told, language)
    out += against_blocks(told, language)
    out += sensors_blocks(told, language)
    out += messages_blocks(told, language)
    out += custody_blocks(told, language)
    out += programs_blocks(told, language)
    out += [Block("h2", w("check")), Block("p", w("check_words", version=facts["araz"]))]
    out += [Block("p", w("whole" if facts["whole_night"] else "not_whole"))]
    out += [Block("p", f"{w('journal')}: {facts['root_hash']}"), Block("p", f"{w('key')}: {told.fingerprint}")]
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
        rows.append([word("conclusion", language), said_then(alarm, language)])
        rows.append([word("confidence", language), percent(alarm.confidence)])
    return Block("table", header=None, rows=rows)


def _ordered(decision: Decision, language: str) -> str:
    """Who was sent and what the order said; of a decision of before, who."""
    order = decision.order
    return decision.patrol_id or "" if order is None else in_language(phrase_of(order.sentence, order.said), language)


def _where(report: PeopleReport) -> str:
    """Where the person stood or what he found lay; empty where he did not say."""
    if report.latitude_deg is None or report.longitude_deg is None:
        return ""
    return place_text(report.latitude_deg, report.longitude_deg)


def _map(told: Told, language: str) -> Drawn:
    """Everything in degrees; the renderers scale it."""
    tracks = set(told.facts["tracks"])
    then = [(t.longitude_deg, t.latitude_deg) for p in told.pictures for t in p.tracks if t.track_id in tracks]
    then = then[:: -(-len(then) // MOST_DOTS) or 1]
    now = [[(p["longitude_deg"], p["latitude_deg"]) for p in item["points"]] for item in told.now]
    sensors = [(s.longitude_deg, s.latitude_deg, s.id) for s in told.site.sensors]
    # The last areas that were told: a card that is cleared has none any more.
    told_areas = [alarm.areas for alarm in told.belongs.told.alarms if alarm.areas]
    areas = [ellipse_ring(area) for area in (told_areas[-1] if told_areas else [])]
    marks = [
        (track.longitude_deg, track.latitude_deg,
         f"{term('incident', one.kind.value, language)} {clock_text(one.at_us, told.facts['time_zone'])}")
        for one, track in happened(told)
    ]  # fmt: skip
    return Drawn(_border(told.place), then, now, sensors, areas, marks)


def _border(place: Place) -> list[tuple[float, float]]:
    """The line's longitudes and latitudes."""
    latitude, longitude, _ = place.frame.to_geodetic(np.pad(place.border.points_enu_m, ((0, 0), (0, 1))))
    return list(zip(longitude.tolist(), latitude.tolist(), strict=True))
