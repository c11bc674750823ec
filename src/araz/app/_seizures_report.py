"""The monthly report on disk: HTML, PDF, and the table that leads each number back to its rows."""

from __future__ import annotations

import html
import math
import re
from pathlib import Path
from typing import Any, Final

from reportlab.graphics.shapes import Drawing, Polygon, PolyLine, String
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from araz.app._case_render import fonts
from araz.app._rim import say
from araz.app._seizures_keep import month_of, progress
from araz.app._seizures_say import lines_from, traced_report
from araz.intelligence import Chart, MonthlyReport, Section, in_words_of, report_html
from araz.vocabulary import LANGUAGES, in_language, phrase

_NUMBER: Final = re.compile(r"(<\s)?[-+–\d.,]+(\s?%)?|not\sknown|məlum\sdeyil")


def run_report(source: Path, month: str, country: str | None, out: Path, seed: int, language: str) -> int:
    """Write report-rows.csv, and report.html and report.pdf, which name its digest, in a language."""
    first = month_of(month)
    with progress().status("computing"):
        report, rows = traced_report(lines_from(source, country), first, seed, country, language=language)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report-rows.csv").write_bytes(rows)
    (out / "report.html").write_text(report_html(report, language), "utf-8")
    write_pdf(report, out / "report.pdf", language)
    say(
        f"{in_language(report.title, language)}: {out / 'report.html'}, report.pdf, and report-rows.csv, "
        "which leads each number to its seizures"
    )
    return 0


def write_pdf(report: MonthlyReport, path: Path, language: str = LANGUAGES[0]) -> None:
    """Write the report as PDF (A4) in a language; the same report gives the same bytes."""
    report = in_words_of(report, language)
    plain, bold = fonts()
    kinds = (("Title", bold, 16), ("Heading2", bold, 12), ("Normal", plain, 9), ("BodyText", plain, 7.5))
    styles = {n: ParagraphStyle(n, fontName=f, fontSize=pt, leading=1.35 * pt, spaceAfter=4) for n, f, pt in kinds}
    styles["number"] = ParagraphStyle("number", parent=styles["BodyText"], alignment=TA_RIGHT)
    story: list[Any] = [
        Paragraph(html.escape(report.title), styles["Title"]),
        Paragraph(html.escape(report.made_from), styles["Normal"]),
    ]
    for number, section in enumerate(report.sections):
        # A heading stays with what is said under it; only a table may break over pages.
        head: list[Any] = [Paragraph(html.escape(section.title), styles["Heading2"])]
        head += [Paragraph(html.escape(text), styles["Normal"]) for text in section.paragraphs]
        head += [_drawing(chart) for chart in section.charts]
        method = [Paragraph(f"<i>{html.escape(section.method)}</i>", styles["BodyText"])] if section.method else []
        table = [_grid(section, styles)] if section.rows else []
        story += [KeepTogether(head), *table, *method] if table else [KeepTogether([*head, *method])]
        story += [Spacer(1, 8)] if number + 1 < len(report.sections) else []

    def foot(canvas: Any, page: Any) -> None:
        canvas.setFont(plain, 7)
        canvas.drawString(72, 36, report.title)
        canvas.drawRightString(A4[0] - 72, 36, in_language(phrase("report.page", n=page.page), language))

    made = SimpleDocTemplate(str(path), pagesize=A4, title=report.title, author="Araz", invariant=1)
    made.build(story, onFirstPage=foot, onLaterPages=foot)


def _grid(section: Section, styles: dict[str, ParagraphStyle]) -> Table:
    """A table whose numbers stand to the right and whose columns hold their longest word."""
    rows = [section.header, *(row.cells for row in section.rows)]
    rows = [[cell.replace(" ", "\u00a0") if len(cell) <= 18 else cell for cell in row] for row in rows]
    number = [all(_NUMBER.fullmatch(row[k]) for row in rows[1:]) for k in range(len(rows[0]))]
    cells = [
        [Paragraph(html.escape(cell), styles["number" if right else "BodyText"])
         for cell, right in zip(row, number, strict=True)]
        for row in rows
    ]  # fmt: skip
    font, size = styles["BodyText"].fontName, styles["BodyText"].fontSize
    style = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return Table(cells, colWidths=_widths(rows, font, size), repeatRows=1, style=style, hAlign="LEFT")


def _widths(rows: list[list[str]], font: str, size: float, whole: float = 450.0) -> list[float]:
    """Columns that hold their longest word, and share what is left by how much longer their texts are."""
    widest = [max(stringWidth(row[k], font, size) for row in rows) + 13 for k in range(len(rows[0]))]
    words = [
        max(stringWidth(word, font, size) for row in rows for word in row[k].split(" ")) + 13
        for k in range(len(rows[0]))
    ]
    wish = [wide - least for wide, least in zip(widest, words, strict=True)]
    left = whole - sum(words)
    share = min(1.0, left / max(sum(wish), 1e-9)) if left > 0 else 0.0
    return [least + share * more for least, more in zip(words, wish, strict=True)]


def _drawing(chart: Chart) -> Drawing:
    width, height, n, top = 450, 130, len(chart.values), chart.top

    def at(index: int, value: float) -> list[float]:
        return [30 + (width - 40) * index / max(n - 1, 1), 18 + (height - 30) * value / top]

    drawing = Drawing(width, height)
    if chart.low:
        drawing.add(
            Polygon([c for corner in chart.band for c in at(*corner)], fillColor=colors.lightblue, strokeColor=None)
        )
    drawing.add(PolyLine([*at(0, 0), *at(n - 1, 0)], strokeColor=colors.grey, strokeWidth=0.5))
    for part, dashes in zip(chart.parts, (None, (3, 2)), strict=True):
        points = [c for i, v in part if math.isfinite(v) for c in at(i, v)]
        if len(points) > 2:
            drawing.add(PolyLine(points, strokeColor=colors.darkblue, strokeWidth=1.2, strokeDashArray=dashes))
    drawing.add(String(0, height - 10, chart.top_told, fontSize=7, fontName=fonts()[0]))
    drawing.add(String(0, 16, "0", fontSize=7, fontName=fonts()[0]))
    for i in range(0, n, max(1, n // 8)):
        if at(i, 0)[0] < width - 30:
            drawing.add(String(at(i, 0)[0], 4, chart.labels[i], fontSize=7, fontName=fonts()[0]))
    return drawing
