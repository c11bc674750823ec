"""The monthly report as a value: what is said, in tables whose every number names the rows it is made of."""

from __future__ import annotations

import datetime as dt
import html
import math
from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from araz.intelligence._changes import change_points, serial_correlation
from araz.intelligence._clean import month_end
from araz.intelligence._composition import compose, seizure_matrix, singles
from araz.intelligence._forecast import forecast
from araz.intelligence._series import monthly_series
from araz.intelligence._totals import CONSIGNMENT_CV, Interval
from araz.intelligence._words import counted, measure_said, model_said, substance_said
from araz.vocabulary import LANGUAGES, FloatArray, in_language, phrase, said_anew

FAST_MODELS = ("seasonal naive", "ETS", "Croston", "TSB", "NB regression")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a table, and the seizures it is made of."""

    cells: list[str]
    seizure_ids: list[str] = []


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A series to draw; NaN leaves a gap."""

    title: str
    labels: list[str]
    values: list[float]
    low: list[float] = []
    high: list[float] = []
    """Band over the last ``len(low)`` points."""

    @property
    def top(self) -> float:
        """The largest value to draw, above zero."""
        return max([1e-9, *(v for v in [*self.values, *self.high] if math.isfinite(v))])

    @property
    def top_told(self) -> str:
        """The same as it is written beside the axis."""
        return _amount(self.top)

    @property
    def parts(self) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        """Index and value of what was seen, and of what is forecast, which begins at the last one seen."""
        points, first = list(enumerate(self.values)), len(self.values) - len(self.low)
        return points[:first], points[max(0, first - 1) :] if self.low else []

    @property
    def band(self) -> list[tuple[int, float]]:
        """Index and value of the band's corners: along its upper edge and back along the lower one."""
        first = len(self.values) - len(self.low)
        return [*enumerate(self.high, first), *reversed(list(enumerate(self.low, first)))]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A heading, what is said under it, and how it was computed in plain words."""

    title: str
    paragraphs: list[str] = []
    header: list[str] = []
    rows: list[Line] = []
    charts: list[Chart] = []
    method: str = ""
    traces: list[Line] = []
    """Figures of the text and of columns that are not a row's own: their name, and the seizures behind them."""


class MonthlyReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the report of one month says; HTML, PDF and the console show this same value."""

    title: str
    month: str
    made_from: str
    sections: list[Section]


def total_from_loads(loads: Sequence[float], events: Sequence[int] = (), level_z: float = 1.959964) -> Interval:
    """Return a total with its compound-Poisson interval from the loads themselves: T ± z √Σx²; wide for few loads.

    ``events`` says how many loads a row sums: k loads summing to x add x² (1 + c²)/k instead, c = 1.5, at most x².
    """
    counts = events or [1] * len(loads)
    squares = sum(x * x * min(1.0, (1 + CONSIGNMENT_CV**2) / max(k, 1)) for x, k in zip(loads, counts, strict=True))
    total, half = float(sum(loads)), level_z * math.sqrt(squares)
    return Interval(total, max(0.0, total - half), total + half)


def _total(part: pl.DataFrame) -> Interval:
    return total_from_loads(part["base_quantity"].to_list(), part["events"].fill_null(1).to_list())


def _seizures(part: pl.DataFrame) -> int:
    """How many seizures a part holds; a row that sums several counts them all."""
    return int(part.unique("seizure_id")["events"].fill_null(1).sum())


def _percent(share: float) -> str:
    """A share in per cent: whole above ten, two digits below, so that little is not shown as nothing."""
    if 0 < share < 5e-5:
        return "< 0.01"
    return f"{100 * share:.0f}" if share >= 0.0995 else f"{100 * share:.2g}"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def monthly_report(lines: pl.DataFrame, month: dt.date, *, seed: int = 1) -> MonthlyReport:
    """Build the report of a month from register lines; sections that cannot be said give the reason instead."""
    rng = np.random.default_rng(seed)
    upto = singles(lines, months=True).filter(pl.col("date") <= month_end(month))
    sections = [_month(upto, month), _mix(upto, month, rng), *_series(upto, rng), _not_said(lines)]
    first = upto["date"].min()
    numbers = {"used": f"{upto['seizure_id'].n_unique():,}", "all": f"{lines['seizure_id'].n_unique():,}"}
    made = phrase("report.made", **numbers)
    if isinstance(first, dt.date):
        made = phrase("report.made-from", **numbers, first=f"{first:%Y-%m}", last=f"{month:%Y-%m}")
    title = phrase("report.title", month=phrase(f"calendar.{month.month}"), year=month.year)
    return MonthlyReport(title=title, month=f"{month:%Y-%m}", made_from=made, sections=sections)


def month_rows(lines: pl.DataFrame, month: dt.date) -> list[Line]:
    """The records behind each month of the report's charts, earliest first."""
    upto = singles(lines, months=True).filter(pl.col("date") <= month_end(month))
    by_month = upto.group_by(pl.col("date").dt.strftime("%Y-%m").alias("month"), maintain_order=True).agg("seizure_id")
    return [
        Line(cells=[name], seizure_ids=list(dict.fromkeys(ids))) for name, ids in by_month.sort("month").iter_rows()
    ]


def _in_month(lines: pl.DataFrame, month: dt.date) -> pl.DataFrame:
    return lines.filter((pl.col("date") >= month) & (pl.col("date") <= month_end(month)))


def _ids(part: pl.DataFrame) -> list[str]:
    return part["seizure_id"].unique(maintain_order=True).to_list()


def _month(lines: pl.DataFrame, month: dt.date) -> Section:
    ago = month.replace(year=month.year - 1)
    now, then = _in_month(lines, month), _in_month(lines, ago)
    # Before its first record the register knows nothing: that is not a month without seizures.
    begun = not lines.filter(pl.col("date") <= month_end(ago)).is_empty()
    rows, traces = [], [Line(cells=[phrase("report.month-all")], seizure_ids=_ids(now))]
    if begun:
        traces.append(Line(cells=[phrase("report.month-all-before")], seizure_ids=_ids(then)))
    known = now.filter((pl.col("base_unit") != "") & pl.col("base_quantity").is_not_null())
    order = known.with_columns(pl.col("base_quantity").sum().over("base_unit", "substance").alias("sum")).sort(
        "base_unit", "sum", descending=[False, True], maintain_order=True
    )
    for keys, part in order.group_by(["base_unit", "substance"], maintain_order=True):
        unit, substance = str(keys[0]), str(keys[1])
        old = then.filter((pl.col("base_unit") == unit) & (pl.col("substance") == substance))
        old = old.filter(pl.col("base_quantity").is_not_null())
        total = _total(part)
        by_chance = phrase("count.range", low=_amount(total.low), high=_amount(total.high))
        names = [substance_said(substance), measure_said(unit)]
        cells = [*names, f"{_seizures(part):,}", f"{total.estimate:,.6g}", by_chance]
        cells += _against(total, _total(old)) if begun else [phrase("count.none"), "–"]
        rows.append(Line(cells=cells, seizure_ids=_ids(part)))
        if begun and not old.is_empty():
            name = phrase("report.before-of", substance=names[0], unit=names[1])
            traces.append(Line(cells=[name], seizure_ids=_ids(old)))
    said = phrase("report.month-said", now=counted(_seizures(now)), then=f"{_seizures(then):,}")
    if not begun:
        said = phrase("report.month-alone", now=counted(_seizures(now)))
    if not rows:
        said = phrase("report.month-none")
    columns = ("substance", "unit", "seizures", "amount", "interval", "before", "difference")
    return Section(
        title=phrase("report.month"),
        paragraphs=[said],
        header=[phrase(f"report.{name}") for name in columns],
        rows=rows,
        method=phrase("report.month-method"),
        traces=traces,
    )


def _against(total: Interval, before: Interval) -> list[str]:
    """The amount a year before, and the difference with what chance alone would do."""
    half = math.hypot(total.high - total.estimate, before.high - before.estimate)
    gap = total.estimate - before.estimate
    verdict = "none" if abs(gap) <= half else "more" if gap > 0 else "less"
    told = f"{'+' if gap > 0 else ''}{_amount(gap)}"
    said = phrase("report.gap", gap=told, half=_amount(half), verdict=phrase(f"report.gap-{verdict}"))
    return [f"{before.estimate:,.6g}", said]


def _mix(lines: pl.DataFrame, month: dt.date, rng: np.random.Generator) -> Section:
    start = month.replace(year=month.year - 1) + dt.timedelta(days=31)
    year = lines.filter((pl.col("date") >= start.replace(day=1)) & (pl.col("date") <= month_end(month)))
    matrix, names, heads = seizure_matrix(year)
    if len(matrix) < 5:
        return Section(
            title=phrase("report.mix"),
            paragraphs=[phrase("report.mix-few", seizures=counted(len(matrix)))],
        )
    found = compose(matrix, names, rng=rng)
    ids = np.array(heads["seizure_id"].to_list())
    rows = [
        Line(
            cells=[
                substance_said(name),
                *(text for one in (share, found.count_shares[name]) for text in _share(one)),
            ],
            seizure_ids=ids[matrix[:, k] > 0].tolist(),
        )
        for k, (name, share) in sorted(enumerate(found.kg_shares.items()), key=lambda item: -item[1][1].estimate)
    ]  # fmt: skip
    said = phrase(
        "report.mix-said",
        records=f"{found.seizures:,}",
        kg=f"{found.kilograms:,.1f}",
        largest=f"{100 * found.largest_share:.0f}",
    )
    return Section(
        title=phrase("report.mix"),
        paragraphs=[said],
        header=[phrase(f"report.{name}") for name in ("substance", "of-kg", "95", "of-loads", "95")],
        rows=rows,
        method=phrase("report.mix-method"),
    )


def _share(one: Interval) -> list[str]:
    """A share and its interval, as two cells."""
    return [
        f"{_percent(one.estimate)} %",
        phrase("report.percent-range", low=_percent(one.low), high=_percent(one.high)),
    ]


def _series(lines: pl.DataFrame, rng: np.random.Generator) -> list[Section]:
    if lines.is_empty():
        return []
    days, values = monthly_series(lines, None, "loads")
    labels = [f"{day:%Y-%m}" for day in days]
    found = change_points(values, rng=rng, season=12) if len(values) >= 12 else []
    said: list[str] = [
        phrase("report.changed", when=labels[c.at], before=f"{c.before:.1f}", after=f"{c.after:.1f}",
               p=f"{c.p_value:.3f}")
        for c in found
    ]  # fmt: skip
    said = said or [phrase("report.unchanged" if len(values) >= 12 else "report.short", n=len(values))]
    if serial_correlation(values) > 0.3:
        said.append(phrase("report.alike"))
    change = Section(
        title=phrase("report.months"),
        paragraphs=said,
        charts=[Chart(title=phrase("report.months-chart"), labels=labels, values=values.tolist())],
        method=phrase("report.months-method"),
    )
    return [change, _coming(days, labels, values)]


def _coming(days: Sequence[dt.date], labels: list[str], values: FloatArray) -> Section:
    """What is expected of the months after the last, or why that cannot be said."""
    try:
        ahead = forecast(values, models=FAST_MODELS)
    except ValueError as error:
        why = phrase("report.no-forecast", why=error.args[0])
        return Section(title=phrase("report.coming"), paragraphs=[why])
    rows = [
        Line(
            cells=[
                model_said(s.model),
                f"{s.mase:.2f}",
                _amount(s.crps),
                phrase("report.held-of", share=f"{100 * s.coverage:.0f}", n=s.judged),
                phrase("report.percent-range", low=f"{100 * s.coverage_low:.0f}", high=f"{100 * s.coverage_high:.0f}"),
            ]
        )
        for s in ahead.scores
    ]
    future = [f"{days[-1].replace(day=28) + dt.timedelta(days=4 + 31 * k):%Y-%m}" for k in range(len(ahead.mean))]
    told = [
        phrase(
            "report.ahead", when=when, mean=f"{m:,.0f}", range=phrase("count.range", low=f"{a:,.0f}", high=f"{b:,.0f}")
        )
        for when, m, a, b in zip(future, ahead.mean, ahead.low, ahead.high, strict=True)
    ]
    chart = Chart(
        title=phrase("report.coming-chart"),
        labels=[*labels, *future],
        values=[*values.tolist(), *ahead.mean.tolist()],
        low=ahead.low.tolist(),
        high=ahead.high.tolist(),
    )
    return Section(
        title=phrase("report.coming"),
        paragraphs=[phrase("report.coming-said", months=told, what=ahead.sentence)],
        header=[phrase(f"report.{name}") for name in ("model", "mase", "crps", "held", "may-be")],
        rows=rows,
        charts=[chart],
        method=phrase("report.coming-method"),
    )


def _not_said(lines: pl.DataFrame) -> Section:
    spans = lines.filter(pl.col("date_precision").is_in(["period", "year"]))["seizure_id"].n_unique()
    said: list[str] = [phrase("report.not-flows"), phrase("report.not-crossings")]
    if spans:
        said.append(phrase("report.left-out", n=f"{spans:,}"))
    return Section(title=phrase("report.not-said"), paragraphs=said)


def in_words_of(report: MonthlyReport, language: str) -> MonthlyReport:
    """The report as a reader of that language needs it; what sources wrote stays as they wrote it."""
    return msgspec.convert(said_anew(report, language), MonthlyReport)


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}"
    "th,td{padding:.3rem .6rem;border-bottom:1px solid #ccc;text-align:left}"
    "td:nth-child(n+3){font-variant-numeric:tabular-nums}.method{color:#555;font-size:.9rem}details{font-size:.8rem;word-break:break-all}"
    "svg{width:100%;height:auto}"
)


def report_html(report: MonthlyReport, language: str = LANGUAGES[0]) -> str:
    """Return the report as one page without scripts or outside resources; every text in it is escaped."""
    report = in_words_of(report, language)
    parts = [f"<h1>{html.escape(report.title)}</h1><p>{html.escape(report.made_from)}</p>"]
    for section in report.sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f"<p>{html.escape(text)}</p>" for text in section.paragraphs]
        parts += [chart_svg(chart) for chart in section.charts]
        if section.rows:
            parts.append(_table_html(section, language))
        for trace in section.traces:
            ids = html.escape(", ".join(trace.seizure_ids))
            name = phrase("report.records", name=trace.cells[0], n=f"{len(trace.seizure_ids):,}")
            parts.append(f"<details><summary>{html.escape(in_language(name, language))}</summary>{ids}</details>")
        if section.method:
            parts.append(f'<p class="method">{html.escape(section.method)}</p>')
    head = f'<meta charset="utf-8"><title>{html.escape(report.title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="{language}">{head}{"".join(parts)}</html>'


def _table_html(section: Section, language: str) -> str:
    traced = any(row.seizure_ids for row in section.rows)
    names = [*section.header, *([in_language(phrase("report.rows"), language)] if traced else [])]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = []
    for row in section.rows:
        ids = html.escape(", ".join(row.seizure_ids))
        trace = f"<td><details><summary>{len(row.seizure_ids):,}</summary>{ids}</details></td>" if traced else ""
        body.append(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row.cells)}{trace}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def chart_svg(chart: Chart, width: int = 800, height: int = 220) -> str:
    """Return a line chart as SVG with its title read aloud; the band is drawn over the last points."""
    n, top = len(chart.values), chart.top

    def at(index: int, value: float) -> str:
        return f"{40 + (width - 60) * index / max(n - 1, 1):.1f},{height - 30 - (height - 50) * value / top:.1f}"

    seen, said = ([at(i, v) for i, v in part if math.isfinite(v)] for part in chart.parts)
    band = ""
    if chart.low:
        band = f'<polygon points="{" ".join(at(*corner) for corner in chart.band)}" fill="#9ecae1" fill-opacity="0.6"/>'
    marks = ""
    for i in range(0, n, max(1, n // 8)):
        left = 40 + (width - 60) * i / max(n - 1, 1)
        if left < width - 60:
            marks += f'<text x="{left:.0f}" y="{height - 8}" font-size="11">{html.escape(chart.labels[i])}</text>'
    name = html.escape(chart.title)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{name}"><title>{name}</title>{band}'
        f'<path d="M40,{height - 30} H{width - 20}" stroke="#999"/>'
        f'<polyline points="{" ".join(seen)}" fill="none" stroke="#08519c" stroke-width="2"/>'
        f'<polyline points="{" ".join(said)}" fill="none" stroke="#08519c" stroke-width="2" stroke-dasharray="4 3"/>'
        f'<text x="2" y="20" font-size="11">{chart.top_told}</text>'
        f'<text x="2" y="{height - 30}" font-size="11">0</text>{marks}</svg>'
    )
