"""Seizure intelligence: import and query beside pandas, estimators against simulated truth, forecasts on a real series.

    python bench/seizures.py import [--rows 300000 1000000]
    python bench/seizures.py estimators [--trials 400] [--only places …]
    python bench/seizures.py crews [--trials 8]
    python bench/seizures.py forecasts
    (each with --json)

Imports are timed in processor seconds, both libraries on the same file in the same run. The simulations are those of
tests/intelligence, longer.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy import stats

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from araz.app._register import Book, load_lines
from araz.intelligence import (
    border_density,
    change_points,
    compare_shares,
    compose,
    counterfactual,
    difference_of_totals,
    displacement,
    estimate_flow,
    fit_dirichlet_multinomial,
    fit_self_exciting,
    fit_to_record,
    forecast,
    learn_crews,
    monthly_series,
    near_repeat,
    read_market,
    shift_of_mix,
    space_time_scan,
    supply_shock,
    to_xlsx,
    total_from_loads,
)
from araz.intelligence._conformal import interval_ends
from araz.intelligence._crews import _apart, _bins, _probabilities
from araz.intelligence._forecast import CALIBRATION, FIRST_ORIGIN, MODELS, _errors, _roll
from araz.intelligence._totals import binomial_interval
from seizure_lab import (
    CREW_WORLDS,
    FRESH_WORLDS,
    IDS_HEADER,
    NAMES,
    SERIES,
    areas,
    imported,
    loads,
    season,
    series_and_break,
    sorties,
)

ROOT = Path(__file__).resolve().parent.parent
INTERVALS = ("held", "width", "score", "split_held", "split_width", "split_score")


def timed(what: str, work: Callable[[], object]) -> dict[str, object]:
    begin, wall = time.process_time(), time.perf_counter()
    work()
    return {
        "what": what,
        "cpu_s": round(time.process_time() - begin, 2),
        "wall_s": round(time.perf_counter() - wall, 2),
    }


def measure_import(rows: int) -> list[dict[str, object]]:
    rng = np.random.default_rng(1)
    drugs, units = (
        rng.choice(["Heroin", "Opium", "Cannabis Herb", "Methamphetamine"], rows),
        rng.choice(["Kilogram", "Gram"], rows),
    )
    kilos, days = rng.gamma(0.5, 20, rows).round(3), rng.integers(0, 5000, rows)
    dates = (np.datetime64("2010-01-01") + days).astype(str)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ids.csv"
        body = "\n".join(
            f"Asia,,Azerbaijan,,Astara,{d},{s},{k},{u},,,Rail,,,,"
            for d, s, k, u in zip(dates, drugs, kilos, units, strict=True)
        )
        path.write_text(f"{IDS_HEADER}\n{body}\n", "utf-8")
        register = Path(folder) / "r.sqlite"
        kept: dict[str, Any] = {}

        def read() -> None:
            kept["lines"] = load_lines(path).lines

        def write() -> None:
            with Book(register) as book:
                book.take(kept["lines"], "bench", "bench", "b")

        def query() -> None:
            with Book(register) as book:
                frame = book.frame().filter(pl.col("substance") == "heroin")
                frame.group_by(pl.col("date").dt.truncate("1mo")).agg(pl.col("base_quantity").sum())

        def pandas_read() -> None:
            frame = pd.read_csv(path)
            frame["SEIZURE_DATE"] = pd.to_datetime(frame["SEIZURE_DATE"])
            factor = frame["DRUG_UNIT"].map({"Kilogram": 1.0, "Gram": 0.001})
            kept["pandas"] = frame.assign(kg=frame["AMOUNT"] * factor)

        def pandas_query() -> None:
            frame = kept["pandas"]
            part = frame[frame["DRUG_NAME"] == "Heroin"]
            part.groupby(part["SEIZURE_DATE"].dt.to_period("M"))["kg"].sum()

        found = [
            timed("CSV to checked lines", read),
            timed("lines to the register, with history", write),
            timed("open the register, heroin by month", query),
            timed("pandas: CSV to a frame, dates and kg, no checks", pandas_read),
            timed("pandas: heroin by month, frame in memory", pandas_query),
        ]
        sheet = Path(folder) / "own.xlsx"
        small = kept["lines"].head(min(rows, 20_000))
        found.append(timed(f"{small.height:,} lines to XLSX", lambda: sheet.write_bytes(to_xlsx(small))))
        found.append(timed(f"{small.height:,} lines from XLSX, checked", lambda: load_lines(sheet)))
        found.append(
            timed(
                f"pandas: {small.height:,} lines from XLSX (openpyxl)", lambda: pd.read_excel(sheet, engine="openpyxl")
            )
        )
    return [{"rows": rows, **row} for row in found]


def row(what: str, truth: str, measure: str, value: float, wanted: str, trials: int) -> dict[str, object]:
    return {
        "what": what,
        "truth": truth,
        "measure": measure,
        "value": round(value, 3),
        "wanted": wanted,
        "trials": trials,
    }


def measure_estimators(trials: int, only: list[str]) -> list[dict[str, object]]:
    """Every part draws from a seed of its own, so that one measured alone is the one measured with all."""
    found = []
    for number, (name, part, times) in enumerate(ESTIMATORS):
        if not only or name in only:
            found += part(np.random.default_rng([2026, number]), max(1, int(times * trials)))
    return found


def totals(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
    hits = month = 0
    for _ in range(5 * trials):
        a, b = (rng.gamma(1 / 2.25, 20 * 2.25, rng.poisson(150)) for _ in range(2))
        gap = difference_of_totals(a.sum(), b.sum(), 20.0)
        hits += gap.low <= 0 <= gap.high
        one = total_from_loads(a.tolist())
        month += one.low <= 3000 <= one.high
    n = 5 * trials
    return [
        row("difference of two totals", "150 loads of 20 kg, CV 1.5", "interval coverage", hits / n, "0.95", n),
        row("a month's total from its loads", "150 loads of 20 kg, CV 1.5", "interval coverage", month / n, "0.95", n),
    ]


def shares(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
    """Coverage by number of seizures, tail of the loads and size of the share; all substances have loads alike."""
    names, truth = ["half", "two fifths", "a twelfth"], (0.5, 0.42, 0.08)
    found = []
    for kind in ("gamma (CV 1.3)", "log-normal (CV 2.9)"):
        for n in (5, 10, 20, 30, 60, 120, 400):
            hits, wide = np.zeros(3), 0.0
            for _ in range(trials):
                which = rng.choice(3, n, p=truth)
                sizes = rng.gamma(0.6, 30, n) if kind.startswith("gamma") else rng.lognormal(2, 1.5, n)
                said = compose(np.eye(3)[which] * sizes[:, None], names, rng=rng, replicates=200).kg_shares
                hits += [said[name].low <= p <= said[name].high for name, p in zip(names, truth, strict=True)]
                wide += said["half"].high - said["half"].low
            what = f"{n} seizures of {kind} loads"
            found += [
                row(
                    "share of kilograms", f"{what}, truth {p}", "interval coverage", float(hit) / trials, "0.95", trials
                )
                for p, hit in zip(truth, hits, strict=True)
                if p != truth[1]
            ]
            found.append(row("share of kilograms", f"{what}, truth 0.5", "mean width", wide / trials, "", trials))
    alarms = power = 0
    for _ in range(trials):
        alarms += compare_shares(loads(rng, 40), loads(rng, 40), NAMES, rng=rng, replicates=99).p_value <= 0.05
        late = loads(rng, 40, (0.1, 0.7, 0.2))
        power += compare_shares(loads(rng, 40), late, NAMES, rng=rng, replicates=99).p_value <= 0.05
    found += [
        row("test of shares", "no change, 40 and 40 seizures", "false alarms", alarms / trials, "≤ 0.05", trials),
        row("test of shares", "heroin 50 % → 10 %", "found", power / trials, "", trials),
    ]
    for heavy, others in ((1.5, 1.5), (1.5, 0.0), (2.0, 2.0)):
        for n in (150, 400):
            found.append(small_share(rng, n, heavy, others, trials))
    return found


def small_share(rng: np.random.Generator, n: int, heavy: float, others: float, trials: int) -> dict[str, object]:
    """Coverage of a share of 8 % of the loads whose own sizes are log-normal; others' log-normal or, at 0, gamma."""
    means = [np.exp(others**2 / 2)] * 2 + [np.exp(heavy**2 / 2)]
    truth = np.array([0.5, 0.42, 0.08]) * means
    hits = 0
    for _ in range(trials):
        which = rng.choice(3, n, p=(0.5, 0.42, 0.08))
        sizes = rng.lognormal(0, others, n) if others else rng.gamma(0.6, 1 / 0.6, n)
        matrix = np.eye(3)[which] * np.where(which == 2, rng.lognormal(0, heavy, n), sizes)[:, None]
        said = compose(matrix, ["a", "b", "small"], rng=rng, replicates=200).kg_shares["small"]
        hits += said.low <= truth[2] / truth.sum() <= said.high
    kinds = "all alike" if others else "the others' gamma (CV 1.3)"
    what = f"{n} seizures, 8 % of the loads log-normal (CV {math.sqrt(math.expm1(heavy**2)):.1f}), {kinds}"
    return row("share of kilograms", what, "interval coverage", hits / trials, "0.95", trials)


def flows(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
    found = []
    for nights in (30, 120):
        hits, ratios, raw = 0, [], []
        for _ in range(trials):
            log, draws, cells, kilos, truth = season(rng, nights)
            flow = estimate_flow(log, draws, cells, kilos, rng=rng, replicates=10)
            if flow.total is not None:
                ratios.append(flow.total.estimate / truth)
                raw.append(kilos.sum() / truth)
                hits += flow.total.low <= truth <= flow.total.high
        name = f"{nights} nights, one team, four cells"
        found += [
            row("Horvitz–Thompson flow", name, "mean of estimate ÷ truth", float(np.mean(ratios)), "1", len(ratios)),
            row("raw seizures", name, "mean of seized ÷ truth", float(np.mean(raw)), "", len(ratios)),
            row("Horvitz–Thompson flow", name, "interval coverage", hits / len(ratios), "0.95", len(ratios)),
        ]
    return found


def unchanged(phi: float) -> Callable[[np.random.Generator, int], list[dict[str, object]]]:
    """False alarms of change points in months that follow each other so closely."""

    def measured(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
        alarms = 0
        for _ in range(trials):
            level = np.zeros(48)
            for t in range(1, 48):
                level[t] = phi * level[t - 1] + rng.normal(0, 0.3)
            alarms += bool(change_points(rng.poisson(20 * np.exp(level)), rng=rng, replicates=199))
        what = f"48 months, no change, autocorrelation {phi:g}"
        return [row("change points", what, "false alarms", alarms / trials, "≤ 0.05", trials)]

    return measured


def changed(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
    hit = back = any_found = 0
    for _ in range(trials):
        parts = [rng.negative_binomial(5, p, 16) for p in (0.25, 0.1, 0.25)]
        said = change_points(np.concatenate(parts), rng=rng, replicates=199)
        back += all(any(c.low <= at <= c.high for c in said) for at in (16, 32))
        found = change_points(
            np.concatenate([rng.negative_binomial(5, 0.25, 30), rng.negative_binomial(5, 0.12, 18)]),
            rng=rng,
            replicates=199,
        )
        hit += any(c.low <= 30 <= c.high for c in found)
        any_found += bool(found)
    return [
        row("change points", "level × 2.4 at month 30", "found", any_found / trials, "", trials),
        row("change points", "level × 2.4 at month 30", "found, date inside its range", hit / trials, "", trials),
        row("change points", "level × 3 for 16 months", "both found, dates inside", back / trials, "", trials),
    ]


def moved(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
    found = []
    for name, direct, neighbours in (
        ("no displacement", 0.4, 1.0),
        ("neighbours × 1.4", 0.4, 1.4),
        ("neighbours × 1.8", 0.3, 1.8),
    ):
        said = [
            displacement(*areas(rng, direct=direct, neighbours=neighbours), 20, rng=rng, replicates=199)
            for _ in range(trials)
        ]
        judged = [d for d in said if d.neighbours is not None]
        called = sum(d.verdict in ({"displaced", "diffused"} if neighbours == 1 else {"displaced"}) for d in judged)
        inside = sum(d.neighbours.low <= neighbours <= d.neighbours.high for d in judged if d.neighbours)
        found += [
            row(
                "displacement",
                name,
                "false alarms" if neighbours == 1 else "found",
                called / len(judged),
                "≤ 0.05" if neighbours == 1 else "",
                len(judged),
            ),
            row("displacement", name, "interval coverage", inside / len(judged), "0.95", len(judged)),
        ]
    return found


def places(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
    knox = scan = 0
    for _ in range(trials):
        x, t = rng.uniform(0, 5000, 80), rng.uniform(0, 300, 80)
        knox += near_repeat(x, x * 0, t, np.array([0, 300.0]), np.array([0, 7.0]), rng=rng).p_value[0, 0] <= 0.05
        cell = rng.choice(12, 90, p=rng.dirichlet(np.ones(12)))
        scan += (
            space_time_scan(
                cell.astype(float), rng.integers(0, 20, 90).astype(float), 12, 20, rng=rng, permutations=39
            ).p_value
            <= 0.05
        )
    return [
        row("near repeats (Knox)", "places and times independent", "false alarms", knox / trials, "≤ 0.05", trials),
        row("space-time scan", "uneven places, no cluster", "false alarms", scan / trials, "≤ 0.05", trials),
    ]


def rate(hits: Any) -> float:
    return float(np.mean(hits))


def readings(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
    """Yearly series: price and seizures read together, production beside seizures, mixes that vary between periods."""
    years, slopes, calls, shocks, spread = range(2000, 2012), [], [], [], []
    for _ in range(trials):
        caught = {y: float(np.exp(0.1 * (y - 2000) + rng.normal(0, 0.2))) for y in years}
        still = {y: float(np.exp(rng.normal(0, 0.2))) for y in years}
        found = read_market(caught, still)
        slopes.append(found.seizures.low <= 100 * (np.exp(0.1) - 1) <= found.seizures.high)
        calls.append(read_market(still, caught).verdict != "no reading")
        made = dict(zip(range(1990, 2012), np.exp(np.cumsum(rng.normal(0, 0.4, 22))).tolist(), strict=True))
        other = dict(zip(made, np.exp(np.cumsum(rng.normal(0, 0.4, 22))).tolist(), strict=True))
        p = supply_shock(made, other, rng=rng, replicates=99).p_value
        shocks.append(p is not None and p <= 0.05)
        counts = rng.multinomial(60, [0.5, 0.3, 0.2], 20).astype(float)
        spread.append(fit_dirichlet_multinomial(counts).p_value <= 0.05)
    return [
        row("price and seizures", "seizures grow 10.5 % a year", "interval coverage", rate(slopes), "0.95", trials),
        row("price and seizures", "seizures without trend", "read as something", rate(calls), "≤ 0.05", trials),
        row(
            "production and seizures", "independent, best of four lags", "false alarms", rate(shocks), "≤ 0.05", trials
        ),
        row("mix between periods", "one multinomial", "false alarms", rate(spread), "≤ 0.05", trials),
    ]


def alongside(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
    """Along the border and around a date: density, self-excitation, counterfactual, shift of mode."""
    inside, nothing, excited, followers, shifts = [], [], [], [], []
    for _ in range(trials):
        places = rng.beta(2, 4, rng.poisson(120)) * 100
        found = border_density(places, 100.0)
        truth = 120 * stats.beta.pdf(found.at_km[20:180] / 100, 2, 4) / 100
        inside.append(float(np.mean((found.low[20:180] <= truth) & (truth <= found.high[20:180]))))
        gap = counterfactual(rng.poisson(60, 36).astype(float), 28, rng=rng).effect
        nothing.append(gap.low <= 0 <= gap.high)
        x, t = rng.uniform(0, 100, 80), rng.uniform(0, 365, 80)
        excited.append(fit_self_exciting(x, t, 100, 365, rng=rng, permutations=19).p_value <= 0.05)
        follows = rng.random(80) < 0.4
        later = t[follows] + rng.exponential(4, follows.sum())
        nearby = np.clip(x[follows] + rng.normal(0, 1, follows.sum()), 0, 100)
        both = np.concatenate([x, nearby]), np.concatenate([t, later])
        followers.append(fit_self_exciting(*both, 100, 380, rng=rng, permutations=1).branching)
        after = np.repeat([False, True], 40).tolist()
        mode = rng.choice(["foot", "drone", "boat"], 80).tolist()
        shift = shift_of_mix("mode", mode, after, rng=rng, replicates=99).p_value
        shifts.append(shift is not None and shift <= 0.05)
    # 0.4 of 80 first events are followed once: 32 followers among 112 events
    return [
        row(
            "density along the border",
            "beta(2, 4), about 120 events",
            "pointwise coverage",
            rate(inside),
            "0.95",
            trials,
        ),
        row("counterfactual", "nothing happened", "interval coverage", rate(nothing), "0.95", trials),
        row("self-exciting process", "Poisson", "false alarms", rate(excited), "≤ 0.05", trials),
        row("self-exciting process", "0.29 followers each", "mean estimate", rate(followers), "0.29", trials),
        row("shift of mode", "no shift", "false alarms", rate(shifts), "≤ 0.05", trials),
    ]


def measure_crews(trials: int, only: list[str]) -> list[dict[str, object]]:
    """Odds of pairs of sorties that were not learned from: how often they are one crew, by what was said.

    Every world is judged by what its own solved cases taught, and by what those of the worlds of the tests taught.
    """
    found = []
    for world, settings in (CREW_WORLDS | FRESH_WORLDS).items():
        if only and world not in only:
            continue
        others = [other for name, other in CREW_WORLDS.items() if name != world]
        for learned in ("its own kind", "other kinds"):
            if learned == "its own kind" and world == "five small crews":
                continue  # too few to learn from: refused
            rng, told, chance = np.random.default_rng(2026), [], []
            for trial in range(trials):
                taught = settings if learned == "its own kind" else others[trial % len(others)]
                model = learn_crews(solved_of(rng, taught), rng=rng, draws=10)
                record = sorties(rng, **settings)
                fitted = fit_to_record(model, [s for _, s in record])
                crew = np.array([name for name, _ in record])
                i, j = np.triu_indices(len(record), 1)
                same = crew[i] == crew[j]
                chances = _probabilities(fitted, _bins(_apart([s for _, s in record], i, j)))
                told.append((chances.mean(axis=0), same, *np.quantile(chances, [0.05, 0.95], axis=0)))
                low, high = np.quantile(fitted.prior, [0.05, 0.95])
                chance.append(low <= same.mean() <= high)
            name = world if world in CREW_WORLDS else f"fresh: {world}"
            found.append({"world": name, "solved cases of": learned, **calibration(rng, told), "pi_held": rate(chance)})
    return found


def solved_of(rng: np.random.Generator, settings: dict[str, Any]) -> list[Any]:
    """Solved cases of a world, of as many crews as are learned from."""
    return sorties(rng, **settings | {"crews": max(5, settings.get("crews", 25))})


def calibration(rng: np.random.Generator, told: list[tuple[Any, ...]]) -> dict[str, object]:
    """By what was said: mean said → share that were, its 95 % range over records drawn again; pairs; errors."""
    found: dict[str, object] = {}
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.01)):
        rows = np.array([[h.sum(), p[h].sum(), y[h].sum()] for p, y, *_ in told for h in [(p >= low) & (p < high)]])
        n, said, were = rows.sum(axis=0)
        again = rows[rng.integers(len(rows), size=(400, len(rows)))].sum(axis=1)
        a, b = np.quantile(again[:, 2] / np.maximum(again[:, 0], 1), [0.025, 0.975])
        name = f"said {100 * low:.0f} to {min(100 * high, 100):.0f} %"
        digits = 4 if high <= 0.1 else 2
        found[name] = (
            f"{said / n:.{digits}f} → {were / n:.{digits}f} ({a:.{digits}f}–{b:.{digits}f}) of {n:,.0f}"
            if n
            else "none"
        )
    p, y, low, high = (np.concatenate([pair[k] for pair in told]) for k in range(4))
    tenth = np.minimum((10 * p).astype(int), 9)
    sums = [np.bincount(tenth, values, 10)[1:] for values in (p, y, low, high)]
    found["ece"] = round(float(np.abs(sums[0] - sums[1]).sum() / max((tenth > 0).sum(), 1)), 3)
    found["range_held"] = (
        f"{int(((sums[2] <= sums[1]) & (sums[1] <= sums[3]) & (sums[0] > 0)).sum())} of {int((sums[0] > 0).sum())}"
    )
    found["nats"] = f"{-np.log(np.where(y, p, 1 - p)).mean():.3f} of {stats.entropy([y.mean(), 1 - y.mean()]):.3f}"
    return found


def ahead(rng: np.random.Generator, trials: int) -> list[dict[str, object]]:
    """Forecast intervals on simulated series, with and without a break, against split conformal on the same errors."""
    found = []
    for name in SERIES:
        held: dict[str, list[float]] = {"adaptive": [], "split": []}
        told: list[float] = []
        for _ in range(trials):
            values, month = series_and_break(rng, name)
            found_of = judged_intervals(values, ["seasonal naive", "TSB", "NB regression"], month)
            for kind in held:
                held[kind].append(found_of[kind][0])
            told.append(found_of["adaptive"][3])
        if month is not None:
            what = "interval coverage, without outcomes forecast before the break was known"
            found.append(row("forecast interval", name, what, float(np.mean(told)), "0.9", trials))
        found += [
            row("forecast interval", name, f"interval coverage, {kind} conformal", float(np.mean(seen)), "0.9", trials)
            for kind, seen in held.items()
        ]
        found.append(
            row(
                "forecast interval",
                name,
                "series with 85 to 95 % held",
                float(np.mean([0.85 <= one <= 0.95 for one in held["adaptive"]])),
                "",
                trials,
            )
        )
    return found


#: Name, part, and how many times the trials it is worth by what a trial costs.
ESTIMATORS: list[tuple[str, Callable[[np.random.Generator, int], list[dict[str, object]]], float]] = [
    ("totals", totals, 1), ("shares", shares, 1), ("flows", flows, 1),
    *((f"unchanged {phi:g}", unchanged(phi), 2) for phi in (0.0, 0.5, 0.7, 0.85)), ("changed", changed, 1),
    ("moved", moved, 1), ("places", places, 5), ("readings", readings, 1), ("alongside", alongside, 1),
    ("ahead", ahead, 1 / 8),
]  # fmt: skip


def judged_intervals(values: Any, models: list[str] | None = None,
                     month: int | None = None) -> dict[str, tuple[float, float, float, float]]:  # fmt: skip
    """Coverage, mean width and interval score over all models: the product's intervals, and split conformal's.

    Last, the coverage without the outcomes from ``month`` on that were forecast before that month was known.
    """
    data = np.asarray(values, float)
    predictions, _ = _roll(data, 3, 12, models or list(MODELS))
    found = {}
    for kind, settings in (("adaptive", {}), ("split", {"gamma": 0.0, "decay": 1.0})):
        inside, width, score, told = [], [], [], []
        for rows in predictions.values():
            errors = _errors(data, rows)
            low, high = interval_ends(errors, 0.9, CALIBRATION, **settings)
            known = np.isfinite(errors) & (np.arange(len(rows)) >= CALIBRATION + 3)[:, None]
            wide, out = (high - low)[known], np.maximum(low - errors, errors - high)[known]
            origin = np.broadcast_to(FIRST_ORIGIN + np.arange(len(rows))[:, None], errors.shape)
            unseen = (origin <= month) & (origin + np.arange(3) >= month) if month is not None else ~known
            told += (out <= 0)[~unseen[known]].tolist()
            inside += (out <= 0).tolist()
            width += wide.tolist()
            score += (wide + 20 * np.maximum(out, 0)).tolist()
        found[kind] = (float(np.mean(inside)), float(np.mean(width)), float(np.mean(score)), float(np.mean(told)))
    return found


def measure_forecasts() -> list[dict[str, object]]:
    path = ROOT.parent / "shared/data/drugs/cbp_nationwide_drugs_fy19_fy22.csv"
    if not path.exists():
        return []
    lines = imported(path.read_bytes()).lines
    found: list[dict[str, object]] = []
    held: dict[str, list[tuple[float, ...]]] = {"kg": [], "loads": []}
    for substance in sorted(set(lines["substance"]) - {"other", "total", ""}):
        for what in ("loads", "kg"):
            values = monthly_series(lines, substance, what)[1]
            said, judged = forecast(values), judged_intervals(values)
            naive = next(s for s in said.scores if s.model == "seasonal naive")
            best = said.scores[0]
            held[what].append((*judged["adaptive"][:3], *judged["split"][:3]))
            found.append(
                {
                    "series": f"{substance}, {what}",
                    "naive_mase": round(naive.mase, 2),
                    "best": best.model,
                    "best_mase": round(best.mase, 2),
                    "best_crps": float(f"{best.crps:.3g}"),
                    "naive_crps": float(f"{naive.crps:.3g}"),
                    "p": round(best.p_versus_naive, 3),
                    "beats_naive": "yes" if said.beats_naive else "no",
                    **told_by(judged["adaptive"][0], said.scores[0].judged),
                    **dict(zip(INTERVALS, (round(v, 3) for v in held[what][-1]), strict=True)),
                }
            )
    held_95 = [row["held"] for row in found]
    inside = sum(0.85 <= float(str(one)) <= 0.95 for one in held_95)
    expected = len(held_95) * within_by_chance(int(said.scores[0].judged))
    for what, rows in held.items():
        means = (round(v, 3) for v in np.mean(rows, axis=0).tolist())
        found.append({"series": f"all, {what}", **dict(zip(INTERVALS, means, strict=True))})
    words = f"{inside} of {len(held_95)} series; {expected:.1f} expected at exactly 0.9"
    return [*found, {"series": "85 to 95 % held", "may_be": words}]


def told_by(share: float, outcomes: int) -> dict[str, str]:
    """What a coverage of so many outcomes may be (exact, 95 %), and whether that agrees with 90 %."""
    low, high = binomial_interval(round(share * outcomes), outcomes)
    return {"may_be": f"{low:.2f}–{high:.2f}", "as_stated": "yes" if low <= 0.9 <= high else "no"}


def within_by_chance(outcomes: int) -> float:
    """Chance that 85 to 95 % of so many outcomes are held when each is held with 0.9."""
    hits = np.arange(outcomes + 1)
    share = hits / outcomes
    return float(stats.binom.pmf(hits[(share >= 0.85) & (share <= 0.95)], outcomes, 0.9).sum())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["import", "estimators", "crews", "forecasts"])
    parser.add_argument("--rows", type=int, nargs="+", default=[300_000, 1_000_000])
    parser.add_argument("--trials", type=int)
    parser.add_argument("--only", nargs="+", default=[], help="parts of estimators, worlds of crews")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = (
        [row for rows in args.rows for row in measure_import(rows)]
        if args.part == "import"
        else measure_estimators(args.trials or 400, args.only)
        if args.part == "estimators"
        else measure_crews(args.trials or 8, args.only)
        if args.part == "crews"
        else measure_forecasts()
    )
    for item in rows:
        print(json.dumps(item, ensure_ascii=False) if args.json else "  ".join(f"{k}={v}" for k, v in item.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
