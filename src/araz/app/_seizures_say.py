"""The commands that say what figures and totals mean: difference, claims, composition."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from araz.app._register import Book, load_lines, load_table
from araz.app._rim import say
from araz.app._seizures_keep import day_of, print_json, progress, select_lines, sentence_of
from araz.intelligence import (
    CONSIGNMENTS_KG,
    Composition,
    DirichletMultinomial,
    Finding,
    MonthlyReport,
    ShareTest,
    Table,
    Turn,
    compare_shares,
    composition_by_period,
    difference_cumulative,
    fit_dirichlet_multinomial,
    in_words_of,
    judge_claims,
    month_rows,
    monthly_report,
    seizure_matrix,
    singles,
    turn_in_totals,
)
from araz.vocabulary import LANGUAGES, in_language, phrase

EVERY = {"month": "1mo", "quarter": "1q", "year": "1y"}


def lines_from(source: Path, country: str | None = None) -> pl.DataFrame:
    """Return register lines, of one country if wanted, from a register or from a file in a known layout."""
    if source.suffix not in {".sqlite", ".db"}:
        return select_lines(load_lines(source).lines, country=country)
    if not source.exists():
        raise ValueError(phrase("refusal.no-register", path=str(source)))
    with Book(source) as book:
        return select_lines(book.frame(), country=country)


def read_production(table: Table, name: str) -> dict[int, float]:
    """Return year → tonnes of a production table; a later row of a year stands (the survey after the estimate)."""
    columns = [column for column in table.header if column.endswith("_tonnes")]
    if "year" not in table.header or not columns:
        raise ValueError(f"{name} needs a column year and one that ends in _tonnes; it has {', '.join(table.header)}")
    rows = table.rows.select(
        pl.col("year").cast(pl.Int64, strict=False), pl.col(columns[0]).cast(pl.Float64, strict=False)
    )
    return dict(rows.drop_nulls().iter_rows())


def run_difference(file: Path, mapping: str, *, as_json: bool) -> int:
    """Print the increments of cumulative totals."""
    found = difference_cumulative(load_lines(file, mapping).lines)
    if not found:
        raise ValueError(f"{file.name} holds no totals of periods; a column such as 2023-01..2023-07 is needed")
    if as_json:
        print_json(
            [{**item._asdict(), "first": item.first.isoformat(), "last": item.last.isoformat()} for item in found]
        )
        return 0
    for item in found:
        chance = (
            "" if item.chance_half_width is None else f", by chance ± {item.chance_half_width:,.0f} kg at 30 kg a load"
        )
        span = f"{item.first:%Y-%m} to {item.last:%Y-%m}"
        say(
            f"{span}  {item.substance:>13} {item.amount:>12,.3f} {item.base_unit} ± "
            f"{item.error:.2g}{chance}{'; ' + item.remark if item.remark else ''}"
        )
    return 0


def _is_figures(table: Table) -> bool:
    return "quantity" in table.header and "period" in table.header


def _is_series(table: Table) -> bool:
    return "year" in table.header and any(name.endswith("_tonnes") for name in table.header)


def claims_of(tables: Sequence[tuple[str, Table]]) -> tuple[list[Finding], list[str]]:
    """What the tables of figures among some named tables say, held against the production series among them."""
    production = [row for name, t in tables if _is_series(t) for row in read_production(t, name).items()]
    findings: list[Finding] = []
    problems: list[str] = []
    for name, table in tables:
        if _is_figures(table):
            more, bad = judge_claims(table, production)
            findings += more
            problems += [phrase("refusal.of-file", name=name, why=sentence_of(problem)) for problem in bad]
    return findings, problems


def run_claims(files: Sequence[Path], event: str, effect_from: str, *, as_json: bool) -> int:
    """Judge an article's figures, with whatever else was given beside them."""
    if not files:
        raise ValueError("give the article's figures: a CSV with quantity, period, value, unit, claim_in_text")
    tables = [(path, load_table(path)) for path in files]
    findings, problems = claims_of([(path.name, table) for path, table in tables])
    turns = []
    for path, table in tables:
        if "period" in table.header and not _is_figures(table):
            turns.append(turn_in_totals(load_lines(path).lines, day_of(event), day_of(effect_from)))
        elif not (_is_figures(table) or _is_series(table)):
            raise ValueError(
                f"{path.name} holds neither figures (quantity, period, value, unit), totals "
                "(period, …_kg) nor a series (year, …_tonnes)"
            )
    if as_json:
        print_json({"findings": findings, "turns": [_turn_json(turn) for turn in turns], "refused": problems})
        return 0
    for finding in findings:
        say(f"{finding.verdict.upper()}: {finding.statement}")
        for line in [*finding.caveats, *(f"needed: {text}" for text in finding.needed)]:
            say(f"    {line}")
    for turn in turns:
        say(f"{'CHANGE' if turn.holds else 'NOT SHOWN'}: {turn.sentence}")
    for problem in problems:
        say(f"REFUSED: {problem}")
    return 0


def _turn_json(turn: Turn) -> dict[str, object]:
    spans = [
        {"from": a.isoformat(), "to": b.isoformat(), "share": [i._asdict() for i in s]}
        for (a, b), s in zip(turn.periods, turn.shares, strict=True)
    ]
    return {"falling": turn.falling, "rising": turn.rising, "holds": turn.holds,
            "odds_ratios": [i._asdict() for i in turn.odds_ratios], "periods": spans,
            "mean_consignments_kg": CONSIGNMENTS_KG, "statement": turn.sentence, "rows": turn.rows}  # fmt: skip


def shares_over_time(
    lines: pl.DataFrame, every: str, split: str | None, seed: int
) -> tuple[list[Composition], DirichletMultinomial | None, ShareTest | None]:
    """Shares a period, how far they vary beyond one multinomial, and the test of a split; ValueError when none."""
    rng = np.random.default_rng(seed)
    periods = composition_by_period(lines, EVERY[every], rng=rng)
    matrix, names, heads = seizure_matrix(singles(lines, months=False))
    starts, test = heads["date"].dt.truncate(EVERY[every]), None
    counts = np.array([(matrix[(starts == start).to_numpy()] > 0).sum(axis=0) for start in starts.unique()], float)
    many = counts.size and min((counts.sum(axis=axis) > 0).sum() for axis in (0, 1)) > 1
    spread = fit_dirichlet_multinomial(counts) if many else None
    if split is not None:
        late = (heads["date"] >= day_of(split)).to_numpy()
        test = compare_shares(matrix[~late], matrix[late], names, rng=rng)
    if not periods:
        raise ValueError(phrase("refusal.no-kilograms"))
    return periods, spread, test


def shares_json(
    periods: Sequence[Composition], spread: DirichletMultinomial | None, test: ShareTest | None
) -> dict[str, object]:
    """The same for machines."""
    shown = [_composition_json(item) for item in periods]
    return {"periods": shown, "spread": spread and spread._asdict(), "test": test and test._asdict()}


def run_composition(
    source: Path, every: str, split: str | None, country: str | None, seed: int, *, as_json: bool
) -> int:
    """Print shares over time and, with ``split``, the test of their change."""
    with progress().status("drawing seizures again"):
        periods, spread, test = shares_over_time(lines_from(source, country), every, split, seed)
    if as_json:
        print_json(shares_json(periods, spread, test))
        return 0
    for item in periods:
        say(
            f"{item.first} to {item.last}: {item.seizures:,} seizures, {item.kilograms:,.1f} kg, the "
            f"largest {100 * item.largest_share:.0f} % of it"
        )
        for name, share in sorted(item.kg_shares.items(), key=lambda pair: -pair[1].estimate)[:6]:
            if share.estimate > 0:
                loads = item.count_shares[name]
                say(
                    f"    {name:>16} {100 * share.estimate:5.1f} % of kg ({100 * share.low:.0f} to "
                    f"{100 * share.high:.0f}), {100 * loads.estimate:.0f} % of loads "
                    f"({100 * loads.low:.0f} to {100 * loads.high:.0f})"
                )
    if spread is not None:
        verdict = "more than" if spread.p_value < 0.05 else "no more than"
        say(
            f"between {every}s the mix of loads varies {verdict} one multinomial allows "
            f"(correlation within a {every} {spread.correlation:.3f}, p = {spread.p_value:.3f})"
        )
    if test is not None:
        verdict = "the shares differ" if test.p_value < 0.05 else "no evidence that the shares differ"
        say(
            f"before and after {split}: {verdict} (distance {test.distance:.2f}, p = "
            f"{test.p_value:.3f}, {test.seizures[0]:,} and {test.seizures[1]:,} seizures)"
        )
    return 0


def _composition_json(item: Composition) -> dict[str, object]:
    return {
        **item._asdict(),
        "first": item.first.isoformat(),
        "last": item.last.isoformat(),
        "kg_shares": {name: share._asdict() for name, share in item.kg_shares.items()},
        "count_shares": {name: share._asdict() for name, share in item.count_shares.items()},
    }


def traced_report(
    lines: pl.DataFrame, month: dt.date, seed: int, country: str | None = None, *, language: str = LANGUAGES[0]
) -> tuple[MonthlyReport, bytes]:
    """Return the monthly report and report-rows.csv (section, row, seizure_id), whose digest the report names.

    A line for each figure and record: of the tables, of the figures in the text, of each month of the charts. The table
    names them in the language; the report's phrases can be said in any.
    """
    report = monthly_report(lines, month, seed=seed)
    spoken = in_words_of(report, language)
    figures = [(part.title, row) for part in spoken.sections for row in [*part.traces, *part.rows]]
    figures += [(in_language(phrase("report.months"), language), row) for row in month_rows(lines, month)]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["section", "row", "seizure_id"])
    for title, row in figures:
        writer.writerows([title, row.cells[0], seizure] for seizure in row.seizure_ids)
    rows = text.getvalue().encode()
    said = phrase("report.traced", made=report.made_from, digest=hashlib.sha256(rows).hexdigest())
    title = phrase("report.title-country", title=report.title, country=country) if country else report.title
    return msgspec.structs.replace(report, title=title, made_from=said), rows
