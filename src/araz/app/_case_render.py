"""Blocks of a report as one HTML page and as a PDF; both stand alone, neither loads anything."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

FONTS: Final = Path(__file__).resolve().parent / "fonts"
MAP_WIDTH: Final = 480.0
MAP_HEIGHT: Final = 340.0
Points = Sequence[Sequence[float]]
PAPER: Final = 495.0
"""Width of a table, points."""
SHORT: Final = 12
"""A column whose longest cell has no more letters is not broken: a time of day is read in one piece."""
LONGEST_WORD: Final = 20
"""A word of more letters is broken: a hash."""
LETTER: Final = 4.9
PADDING: Final = 13.0
"""Width of a letter of a cell, and what a cell needs beside them, points."""

_STYLE: Final = (
    "body{font:16px/1.5 'DejaVu Sans',Verdana,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#111}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{border:1px solid #999;padding:.3rem .5rem;"
    "text-align:left;vertical-align:top;font-size:.85rem;overflow-wrap:anywhere}th{background:#eee}small{color:#333}"
    "svg{width:100%;height:auto;border:1px solid #999}h2{border-bottom:2px solid #111;margin-top:2rem}"
    "@media print{h2,h3{break-after:avoid}tr{break-inside:avoid}}"
)


NORTH: Final = "N ↑"
#: Style of a block, size of its letters and the room before it, in points.
SIZES: Final = (("h1", 18, 0), ("h2", 13, 12), ("h3", 10, 8), ("p", 9, 0), ("small", 7.5, 0), ("cell", 7, 0))


class Drawn(NamedTuple):
    """What is on the map, in degrees (longitude, latitude); areas as closed rings."""

    border: Points
    then: Points
    now: Sequence[Points]
    sensors: Sequence[tuple[float, float, str]]
    areas: Sequence[Points]
    marks: Sequence[tuple[float, float, str]] = ()
    """What happened where, in a word and its time."""


class Block(NamedTuple):
    """One piece of a report."""

    kind: str
    text: str = ""
    header: list[str] | None = None
    rows: Sequence[Sequence[str]] = ()
    drawn: Drawn | None = None


class Scale(NamedTuple):
    """Degrees to points on paper: equirectangular, the same metre both ways, centred."""

    lon0: float
    lat0: float
    per_lon: float
    per_lat: float

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        """Place on paper, y upwards."""
        return MAP_WIDTH / 2 + (lon - self.lon0) * self.per_lon, MAP_HEIGHT / 2 + (lat - self.lat0) * self.per_lat


def scale_of(drawn: Drawn) -> Scale:
    """A scale in which the tracks, the areas and the nearest stretch of the border have room."""
    points = [*drawn.then, *(p for line in drawn.now for p in line), *(p for ring in drawn.areas for p in ring)]
    points = points or [(s[0], s[1]) for s in drawn.sensors] or list(drawn.border) or [(0.0, 0.0)]
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    lon0, lat0 = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
    narrow = math.cos(math.radians(lat0))
    wide, high = (max(lons) - min(lons)) * narrow + 0.02, max(lats) - min(lats) + 0.02
    per_lat = 0.9 * min(MAP_WIDTH / wide, MAP_HEIGHT / high)
    return Scale(lon0, lat0, per_lat * narrow, per_lat)


def html_page(title: str, language: str, blocks: Sequence[Block]) -> bytes:
    """One page without scripts, fonts or pictures from elsewhere."""
    body = "\n".join(_html(block) for block in blocks)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="content-security-policy" content="{policy}"><style>{_STYLE}</style></head>'
        f"<body>\n{body}\n</body></html>\n"
    ).encode()


def _html(block: Block) -> str:
    if block.kind in ("h1", "h2", "h3", "p"):
        return f"<{block.kind}>{escape(block.text)}</{block.kind}>"
    if block.kind == "small":
        return f"<p><small>{escape(block.text)}</small></p>"
    if block.kind == "list":
        return "<ul>" + "".join(f"<li>{escape(row[0])}</li>" for row in block.rows) + "</ul>"
    if block.kind == "table":
        head = "" if block.header is None else "<tr>" + "".join(f"<th>{escape(c)}</th>" for c in block.header) + "</tr>"
        rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in block.rows)
        return f"<table>{head}{rows}</table>"
    assert block.drawn is not None
    return _svg(block.drawn)


def _svg(drawn: Drawn) -> str:
    scale = scale_of(drawn)

    def path(points: Points) -> str:
        return " ".join(f"{x:.1f},{MAP_HEIGHT - y:.1f}" for x, y in (scale.at(*p) for p in points))

    parts = [f'<polyline points="{path(drawn.border)}" fill="none" stroke="#111" stroke-width="4"/>']
    parts += [f'<polyline points="{path(drawn.border)}" fill="none" stroke="#fff" stroke-width="1.5"/>']
    parts += [f'<polygon points="{path(ring)}" fill="#d95f0233" stroke="#d95f02"/>' for ring in drawn.areas]
    style = 'fill="none" stroke="#1b6ca8" stroke-width="2.5"'
    parts += [f'<polyline points="{path(line)}" {style}/>' for line in drawn.now]
    for lon, lat in drawn.then:
        x, y = scale.at(lon, lat)
        parts.append(f'<circle cx="{x:.1f}" cy="{MAP_HEIGHT - y:.1f}" r="1" fill="#b2182b"/>')
    for k, (lon, lat, text) in enumerate(drawn.marks):
        x, y = scale.at(lon, lat)
        parts.append(f'<circle cx="{x:.1f}" cy="{MAP_HEIGHT - y:.1f}" r="3" fill="none" stroke="#111"/>')
        place = f'x="{x + 7:.1f}" y="{MAP_HEIGHT - y - _lift(k):.1f}"'
        parts.append(f'<text {place} font-size="8">{escape(text)}</text>')
    for lon, lat, name in drawn.sensors:
        x, y = scale.at(lon, lat)
        if 0 <= x <= MAP_WIDTH and 0 <= y <= MAP_HEIGHT:
            y = MAP_HEIGHT - y
            corners = f"{x:.1f},{y - 5:.1f} {x - 4:.1f},{y + 3:.1f} {x + 4:.1f},{y + 3:.1f}"
            parts.append(f'<polygon points="{corners}" fill="#333"/>')
            parts.append(f'<text x="{x + 6:.1f}" y="{y + 3:.1f}" font-size="8">{escape(name)}</text>')
    km = scale.per_lat / 111.32
    parts.append(f'<path d="M12 {MAP_HEIGHT - 12} h{km:.1f}" stroke="#111" stroke-width="2"/>')
    parts.append(f'<text x="12" y="{MAP_HEIGHT - 16}" font-size="9">1 km</text>')
    parts.append(f'<text x="{MAP_WIDTH - 18}" y="14" font-size="9">{NORTH}</text>')
    return f'<svg viewBox="0 0 {MAP_WIDTH:.0f} {MAP_HEIGHT:.0f}" role="img">{"".join(parts)}</svg>'


@cache
def fonts() -> tuple[str, str]:
    """Register the shipped fonts: the standard ones of PDF have no ə, ğ, ş, ı."""
    from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
    from reportlab.pdfbase.ttfonts import TTFont

    registerFont(TTFont("Report", str(FONTS / "DejaVuSans.ttf")))
    registerFont(TTFont("ReportBold", str(FONTS / "DejaVuSans-Bold.ttf")))
    registerFontFamily("Report", normal="Report", bold="ReportBold", italic="Report", boldItalic="ReportBold")
    return "Report", "ReportBold"


def pdf_pages(title: str, language: str, blocks: Sequence[Block]) -> bytes:
    """A4, numbered pages, fonts inside; the same blocks give the same bytes (no date of making)."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import SimpleDocTemplate

    plain, bold = fonts()
    styles = {
        name: ParagraphStyle(name, fontName=bold if name.startswith("h") else plain, fontSize=size, leading=size * 1.35,
                             spaceBefore=before, spaceAfter=4, keepWithNext=name.startswith("h"))
        for name, size, before in SIZES
    }  # fmt: skip
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, title=title, author="Araz", lang=language, invariant=1,
        leftMargin=50, rightMargin=50, topMargin=50, bottomMargin=50,
    )  # fmt: skip

    def number(canvas: Any, _: Any) -> None:
        canvas.setFont(plain, 7)
        canvas.drawString(50, 30, title)
        canvas.drawRightString(A4[0] - 50, 30, str(canvas.getPageNumber()))

    flow = [piece for block in blocks for piece in _pdf(block, styles)]
    document.build(flow, onFirstPage=number, onLaterPages=number)
    return out.getvalue()


def _pdf(block: Block, styles: dict[str, Any]) -> list[Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Paragraph, Spacer, Table

    if block.kind in styles:
        return [Paragraph(escape(block.text), styles[block.kind])]
    if block.kind == "list":
        return [Paragraph(f"• {escape(row[0])}", styles["p"]) for row in block.rows]
    if block.kind == "map":
        assert block.drawn is not None
        return [_drawing(block.drawn), Spacer(1, 4)]
    rows = [[Paragraph(escape(c), styles["cell"]) for c in row] for row in block.rows]
    head = [] if block.header is None else [[Paragraph(f"<b>{escape(c)}</b>", styles["cell"]) for c in block.header]]
    table = Table([*head, *rows], colWidths=_widths(block), repeatRows=len(head), splitInRow=1)
    style = [("GRID", (0, 0), (-1, -1), 0.4, HexColor("#999999")), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    if head:
        style.append(("BACKGROUND", (0, 0), (-1, 0), HexColor("#eeeeee")))
    table.setStyle(style)
    return [table]


def _widths(block: Block) -> list[float]:
    """Widths by what stands in the columns: short ones as wide as their longest cell, the others share what is left.

    No column is narrower than its longest word, where the paper has room for that.
    """
    lines = [*block.rows, *([block.header] if block.header else [])]
    longest = [max(1, *(len(row[k]) for row in lines)) for k in range(len(lines[0]))]
    words = [max(1, *(len(one) for row in lines for one in row[k].split() or [""])) for k in range(len(lines[0]))]
    least = [PADDING + LETTER * min(value, LONGEST_WORD) for value in words]
    short = [PADDING + LETTER * value if value <= SHORT else 0.0 for value in longest]
    if all(short) or sum(short) > 0.6 * PAPER:
        widths = [PAPER * min(60, max(9, value)) / sum(min(60, max(9, one)) for one in longest) for value in longest]
    else:
        free = PAPER - sum(short)
        long = sum(min(60, value) for value in longest if value > SHORT)
        widths = [width or free * min(60, value) / long for width, value in zip(short, longest, strict=True)]
    room = [max(0.0, width - need) for width, need in zip(widths, least, strict=True)]
    lack = sum(max(0.0, need - width) for width, need in zip(widths, least, strict=True))
    if lack > sum(room):
        return widths
    share = lack / sum(room) if lack else 0.0
    return [max(width, need) - share * more for width, need, more in zip(widths, least, room, strict=True)]


def _drawing(drawn: Drawn) -> Any:
    from reportlab.graphics.shapes import Circle, Drawing, Polygon, PolyLine, Rect, String
    from reportlab.lib.colors import HexColor

    scale, plain = scale_of(drawn), fonts()[0]

    def path(points: Points) -> list[float]:
        return [v for p in points for v in scale.at(*p)]

    out = Drawing(MAP_WIDTH, MAP_HEIGHT)
    for piece in on_paper([scale.at(*point) for point in drawn.border]):
        both = [v for point in piece for v in point]
        out.add(PolyLine(both, strokeWidth=4, strokeColor=HexColor("#111111")))
        out.add(PolyLine(both, strokeWidth=1.5, strokeColor=HexColor("#ffffff")))
    for ring in drawn.areas:
        out.add(Polygon(path(ring), strokeColor=HexColor("#d95f02"), fillColor=None))
    for line in drawn.now:
        out.add(PolyLine(path(line), strokeWidth=1.6, strokeColor=HexColor("#1b6ca8")))
    for lon, lat in drawn.then:
        x, y = scale.at(lon, lat)
        out.add(Circle(x, y, 0.8, fillColor=HexColor("#b2182b"), strokeColor=None))
    for k, (lon, lat, text) in enumerate(drawn.marks):
        x, y = scale.at(lon, lat)
        out.add(Circle(x, y, 3, fillColor=None, strokeColor=HexColor("#111111")))
        out.add(String(x + 7, y + _lift(k), text, fontName=plain, fontSize=6.5))
    for lon, lat, name in drawn.sensors:
        x, y = scale.at(lon, lat)
        if 0 <= x <= MAP_WIDTH and 0 <= y <= MAP_HEIGHT:
            out.add(Polygon([x, y + 5, x - 4, y - 3, x + 4, y - 3], fillColor=HexColor("#333333")))
            out.add(String(x + 6, y - 3, name, fontName=plain, fontSize=6))
    out.add(PolyLine([12, 12, 12 + scale.per_lat / 111.32, 12], strokeWidth=2))
    out.add(String(12, 16, "1 km", fontName=plain, fontSize=7))
    out.add(String(MAP_WIDTH - 18, MAP_HEIGHT - 14, NORTH, fontName=plain, fontSize=9))
    out.add(Rect(0, 0, MAP_WIDTH, MAP_HEIGHT, fillColor=None, strokeColor=HexColor("#999999")))
    return out


def _lift(number: int) -> float:
    """Words of marks that follow each other on one line stand apart."""
    return (-2.0, 7.0, -11.0)[number % 3]


def on_paper(line: Points) -> list[list[tuple[float, float]]]:
    """The pieces of a line that lie on the map's paper: what goes beyond would be drawn over the words below."""
    from shapely import LineString, box

    inside = LineString(line).intersection(box(0, 0, MAP_WIDTH, MAP_HEIGHT)) if len(line) > 1 else LineString()
    pieces = getattr(inside, "geoms", [inside])
    return [
        [(at[0], at[1]) for at in piece.coords]
        for piece in pieces
        if isinstance(piece, LineString) and not piece.is_empty
    ]
