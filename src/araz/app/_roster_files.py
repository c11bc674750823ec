"""The roster for the posts: CSV, PDF, calendar and TAK, all from the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from icalendar import Calendar, Event
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

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

    Posts without a place are left out: TAK shows no point at 0, 0. Heights are unknown (9999999 in CoT).
    """
    out = []
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
            "hae": "9999999",
            "ce": "9999999",
            "le": "9999999",
        }
        ElementTree.SubElement(event, "point", point)
        detail = ElementTree.SubElement(event, "detail")
        ElementTree.SubElement(detail, "contact", callsign=f"{row['team']} {row['post']}")
        ElementTree.SubElement(detail, "remarks").text = f"window {row['window']}, draw {row['draw_id']}"
        out.append(ElementTree.tostring(event))
    return out


def as_pdf(rows: Sequence[Row], sealed_hex: str, certificate: Sequence[str]) -> bytes:
    """A4 sheets: the certificate's sentences, then a table for every window."""
    out, style = io.BytesIO(), getSampleStyleSheet()
    page = SimpleDocTemplate(out, pagesize=A4, title="Roster", author="Araz", invariant=1, topMargin=15 * mm)
    draw_id = rows[0]["draw_id"] if rows else "-"
    parts: list[Any] = [Paragraph(f"Roster {draw_id}", style["Title"]), Paragraph(f"Seal {sealed_hex}", style["Code"])]
    parts += [Paragraph(sentence, style["BodyText"]) for sentence in certificate]
    for window in sorted({row["window"] for row in rows}):
        mine = [row for row in rows if row["window"] == window]
        span = f"{_utc(mine[0]['from_us']):%Y-%m-%d %H:%M} to {_utc(mine[0]['to_us']):%H:%M} UTC"
        parts += [Spacer(1, 5 * mm), Paragraph(f"Window {window}: {span}", style["Heading3"])]
        table = Table(
            [["team", "post", "km"], *([row["team"], row["post"], row["post_km"]] for row in mine)], repeatRows=1
        )
        table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.3, colors.grey), ("FONTSIZE", (0, 0), (-1, -1), 8)]))
        parts.append(table)
    page.build(parts)
    return out.getvalue()
