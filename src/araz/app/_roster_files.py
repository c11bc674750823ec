"""The roster for the posts: CSV, PDF, calendar and TAK, all from the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from icalendar import Calendar, Event

from araz.app._case_render import Block, pdf_pages
from araz.exchange import UNKNOWN_M

Row = dict[str, Any]
#: Longitude, latitude of a post by its name; None where the border has no map.
Places = dict[str, tuple[float, float]]


def _utc(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)


def as_csv(rows: Sequence[Row]) -> str:
    """One line a team and window; times in UTC."""
    out = io.StringIO()
    names = ["draw_id", "window", "from_utc", "to_utc", "team", "post", "post_km"]
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        times = {"from_utc": _utc(row["from_us"]).isoformat(), "to_utc": _utc(row["to_us"]).isoformat()}
        writer.writerow({name: {**row, **times}[name] for name in names})
    return out.getvalue()


def as_calendar(rows: Sequence[Row], sealed_hex: str) -> bytes:
    """An iCalendar (RFC 5545) with one event a team and window."""
    calendar = Calendar()
    calendar.add("prodid", "-//Araz//roster//EN")
    calendar.add("version", "2.0")
    for number, row in enumerate(rows):
        event = Event()
        event.add("uid", f"{row['draw_id']}-{number}@araz")
        event.add("dtstamp", _utc(row["from_us"]))
        event.add("dtstart", _utc(row["from_us"]))
        event.add("dtend", _utc(row["to_us"]))
        event.add("summary", f"{row['team']} at {row['post']}")
        event.add("location", f"{row['post']}, km {row['post_km']}")
        event.add("description", f"Draw {row['draw_id']}, seal {sealed_hex}. A recommendation; the commander decides.")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def as_cot(rows: Sequence[Row], places: Places) -> list[bytes]:
    """Cursor-on-Target point events (MIL-STD-6090 base schema), type b-m-p-w: a way-point for each manned post.

    Posts without a place are left out: TAK shows no point at 0, 0. Heights are unknown.
    """
    out, unknown = [], f"{UNKNOWN_M:.0f}"
    for row in rows:
        if row["post"] not in places:
            continue
        longitude, latitude = places[row["post"]]
        begin, end = (_utc(row[key]).strftime("%Y-%m-%dT%H:%M:%S.000Z") for key in ("from_us", "to_us"))
        uid = f"araz-{row['draw_id']}-{row['window']}-{row['team']}".replace(" ", "-")
        event = ElementTree.Element(
            "event", version="2.0", uid=uid, type="b-m-p-w", how="h-g-i-g-o", time=begin, start=begin, stale=end
        )
        point = {
            "lat": f"{latitude:.6f}",
            "lon": f"{longitude:.6f}",
            "hae": unknown,
            "ce": unknown,
            "le": unknown,
        }
        ElementTree.SubElement(event, "point", point)
        detail = ElementTree.SubElement(event, "detail")
        ElementTree.SubElement(detail, "contact", callsign=f"{row['team']} {row['post']}")
        ElementTree.SubElement(detail, "remarks").text = f"window {row['window']}, draw {row['draw_id']}"
        out.append(ElementTree.tostring(event))
    return out


def as_pdf(rows: Sequence[Row], sealed_hex: str, certificate: Sequence[str]) -> bytes:
    """A4 sheets: the certificate's sentences, then a table for every window."""
    title = f"Roster {rows[0]['draw_id'] if rows else '-'}"
    blocks = [Block("h1", title), Block("small", f"Seal {sealed_hex}"), *(Block("p", text) for text in certificate)]
    for window in sorted({row["window"] for row in rows}):
        mine = [row for row in rows if row["window"] == window]
        span = f"{_utc(mine[0]['from_us']):%Y-%m-%d %H:%M} to {_utc(mine[0]['to_us']):%H:%M} UTC"
        places = [[row["team"], row["post"], str(row["post_km"])] for row in mine]
        blocks += [Block("h3", f"Window {window}: {span}"), Block("table", "", ["team", "post", "km"], places)]
    return pdf_pages(title, "en", blocks)
