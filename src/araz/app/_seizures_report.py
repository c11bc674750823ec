"""The monthly report on disk: HTML, PDF, and the table that leads each number back to its rows."""

from __future__ import annotations

import csv
import html
import math
from pathlib import Path
from typing import Any

from reportlab.graphics.shapes import Drawing, Polygon, PolyLine, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from araz.app._case_render import fonts
from araz.app._rim import say
from araz.app._seizures_keep import month_of, progress
from araz.app._seizures_say import lines_from
from araz.intelligence import Chart, MonthlyReport, monthly_report, report_html


def run_report(source: Path, month: str, country: str | None, out: Path, seed: int) -> int:
    """Write report.html, report.pdf and report-rows.csv."""
    first = month_of(month)
    with progress().status("computing"):
        report = monthly_report(lines_from(source, country), first, seed=seed)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.html").write_text(report_html(report), "utf-8")
    write_pdf(report, out / "report.pdf")
    write_rows(report, out / "report-rows.csv")
    say(
        f"{report.title}: {out / 'report.html'}, report.pdf, and report-rows.csv, "
        "which leads each number to its seizures"
    )
    return 0


def write_rows(report: MonthlyReport, path: Path) -> None:
    """Write one line per number's row and seizure: section, row, seizure_id."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["section", "row", "seizure_id"])
        for section in report.sections:
            for row in section.rows:
                writer.writerows([section.title, row.cells[0], seizure] for seizure in row.seizure_ids)


def write_pdf(report: MonthlyReport, path: Path) -> None:
    """Write the report as PDF (A4); the same report gives the same bytes."""
    plain, bold = fonts()
    kinds = (("Title", bold, 16), ("Heading2", bold, 12), ("Normal", plain, 9), ("BodyText", plain, 7.5))
    styles = {n: ParagraphStyle(n, fontName=f, fontSize=pt, leading=1.35 * pt, spaceAfter=4) for n, f, pt in kinds}
    story: list[Any] = [
        Paragraph(html.escape(report.title), styles["Title"]),
        Paragraph(html.escape(report.made_from), styles["Normal"]),
    ]
    for section in report.sections:
        story.append(Paragraph(html.escape(section.title), styles["Heading2"]))
        story += [Paragraph(html.escape(text), styles["Normal"]) for text in section.paragraphs]
        story += [_drawing(chart) for chart in section.charts]
        if section.rows:
            cells = [
                [Paragraph(html.escape(cell), styles["BodyText"]) for cell in row]
                for row in [section.header, *(r.cells for r in section.rows)]
            ]
            grid = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
            widths = _widths([section.header, *(r.cells for r in section.rows)])
            story.append(Table(cells, colWidths=widths, repeatRows=1, style=grid, hAlign="LEFT"))
        if section.method:
            story.append(Paragraph(f"<i>{html.escape(section.method)}</i>", styles["BodyText"]))
        story.append(Spacer(1, 8))
    story.append(
        Paragraph(
            "report-rows.csv beside this file names the seizures behind each row of each table.", styles["Normal"]
        )
    )
    SimpleDocTemplate(str(path), pagesize=A4, title=report.title, author="Araz", invariant=1).build(story)


def _widths(rows: list[list[str]], whole: float = 450.0) -> list[float]:
    """Columns as wide as their longest text asks for, between a twelfth and a third of the page."""
    asked = [min(32, 2 + max(6, *(len(row[k]) for row in rows))) for k in range(len(rows[0]))]
    return [whole * one / sum(asked) for one in asked]


def _drawing(chart: Chart) -> Drawing:
    width, height, n, top = 450, 130, len(chart.values), chart.top

    def at(index: int, value: float) -> list[float]:
        return [30 + (width - 40) * index / max(n - 1, 1), 18 + (height - 30) * value / top]

    drawing = Drawing(width, height)
    if chart.low:
        drawing.add(
            Polygon([c for corner in chart.band for c in at(*corner)], fillColor=colors.lightblue, strokeColor=None)
        )
    drawing.add(
        PolyLine(
            [c for i, v in enumerate(chart.values) if math.isfinite(v) for c in at(i, v)],
            strokeColor=colors.darkblue,
            strokeWidth=1.2,
        )
    )
    drawing.add(String(0, height - 10, chart.top_told, fontSize=7, fontName=fonts()[0]))
    for i in range(0, n, max(1, n // 8)):
        if at(i, 0)[0] < width - 30:
            drawing.add(String(at(i, 0)[0], 4, chart.labels[i], fontSize=7, fontName=fonts()[0]))
    return drawing
