"""The commands that put questions to the register: changes, forecasts, shocks, market, flows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from rich.progress import track

from araz.app._register import load_table, load_whole, numbers
from araz.app._rim import say
from araz.app._seizures_keep import print_json, progress
from araz.app._seizures_say import EVERY, lines_from, read_production
from araz.intelligence import (
    ChangePoint,
    Forecast,
    change_points,
    estimate_flow,
    forecast,
    monthly_series,
    read_market,
    serial_correlation,
    supply_shock,
)
from araz.vocabulary import FloatArray, LoggedInclusion, RosterLog


def _series(
    source: Path, substance: str | None, country: str | None, what: str, every: str
) -> tuple[list[dt.date], FloatArray]:
    return monthly_series(lines_from(source, country), substance, what, EVERY[every])


def run_changes(
    source: Path,
    substance: str | None,
    country: str | None,
    what: str,
    every: str,
    alpha: float,
    seed: int,
    *,
    as_json: bool,
) -> int:
    """Print the change points of a series."""
    days, values = _series(source, substance, country, what, every)
    season = 12 if every == "month" else 4 if every == "quarter" else None
    found = change_points(values, alpha=alpha, rng=np.random.default_rng(seed), season=season)
    persistence = serial_correlation(values)
    if as_json:
        print_json(changes_json(days, found, alpha, persistence))
        return 0
    say(f"{len(days)} {every}s from {days[0]} to {days[-1]}, false-alarm rate {alpha:g}")
    for c in found:
        say(
            f"  changed at {days[c.at]} (between {days[c.low]} and "
            f"{days[min(c.high, len(days) - 1)]}): {c.before:,.1f} → {c.after:,.1f} "
            f"{what} a {every}, p = {c.p_value:.3f}"
        )
    if not found:
        say("  no change of level beyond chance")
    if persistence > 0.3:
        say(
            f"  neighbouring {every}s are alike (correlation {persistence:.2f}): a series that wanders so hides "
            "changes; what is reported is beyond such wandering"
        )
    return 0


def changes_json(
    days: Sequence[dt.date], found: Sequence[ChangePoint], alpha: float, persistence: float
) -> dict[str, Any]:
    """Change points for machines."""
    rows = [{**c._asdict(), "date": days[c.at].isoformat()} for c in found]
    return {"periods": len(days), "alpha": alpha, "serial_correlation": persistence, "changes": rows}


def run_forecast(
    source: Path, substance: str | None, country: str | None, what: str, horizon: int, *, table: bool, as_json: bool
) -> int:
    """Print a forecast, or the table of all substances."""
    lines = lines_from(source, country)
    names: list[str | None] = [substance]
    if table:
        names = list(
            lines.filter(~pl.col("substance").is_in(["", "total", "alcohol", "precursor", "other"]))["substance"]
            .unique()
            .sort()
        )
    found: dict[str, Forecast] = {}
    for name in track(names, "fitting", console=progress(), transient=True, disable=not table):
        try:
            _, values = monthly_series(lines, name, what, "1mo")
            found[name or "all drugs"] = forecast(values, horizon=horizon)
        except ValueError as error:
            if not table:
                raise
            say(f"{name}: {error}")
    if as_json:
        print_json({name: forecast_json(item) for name, item in found.items()})
        return 0
    for name, item in found.items():
        ahead = "; ".join(
            f"{m:,.0f} ({a:,.0f} to {b:,.0f})" for m, a, b in zip(item.mean, item.low, item.high, strict=True)
        )
        say(f"{name}, {what}: next months {ahead}, {100 * item.level:.0f} % intervals, {item.model}")
        say(f"  {item.sentence}")
        for score in item.scores:
            say(
                f"    {score.model:>15}: MASE {score.mase:.2f}, CRPS {score.crps:,.3g}, intervals "
                f"held {100 * score.coverage:.0f} % of {score.judged} "
                f"({100 * score.coverage_low:.0f} to {100 * score.coverage_high:.0f} %"
                f"{'' if score.as_stated else f': not the {100 * score.level:.0f} % stated'})"
                f"{f', {score.failures} fits failed' if score.failures else ''}"
            )
    if table and found:
        held = [(s.coverage, s.judged) for item in found.values() for s in item.scores]
        say(
            "all models and substances: "
            f"{100 * sum(c * n for c, n in held) / sum(n for _, n in held):.1f} % of outcomes inside "
            f"their 90 % intervals; {sum(i.beats_naive for i in found.values())} of "
            f"{len(found)} series have a model that beats naive"
        )
    return 0


def forecast_json(item: Forecast) -> dict[str, Any]:
    """A forecast for machines."""
    return {
        **item._asdict(),
        "mean": item.mean.tolist(),
        "low": item.low.tolist(),
        "high": item.high.tolist(),
        "scores": [s._asdict() for s in item.scores],
    }


def _yearly(lines: pl.DataFrame, substance: str) -> dict[int, float]:
    days, values = monthly_series(lines, substance, "kg", "1y")
    return {day.year: float(value) for day, value in zip(days, values, strict=True) if value > 0}


def run_shocks(source: Path, production: Path, substance: str, country: str | None, seed: int, *, as_json: bool) -> int:
    """Print production beside seizures."""
    made = read_production(load_table(production), production.name)
    caught = _yearly(lines_from(source, country), substance)
    reading = supply_shock(made, caught, rng=np.random.default_rng(seed))
    if as_json:
        print_json({"production_tonnes": made, "seized_kg": caught, "lags": [lag._asdict() for lag in reading.lags],
                    "best": reading.best and reading.best._asdict(), "p_value": reading.p_value,
                    "refused": reading.refused})  # fmt: skip
        return 0
    for year in sorted({*made, *caught}):
        say(
            f"  {year}: "
            f"{f'{made[year]:,.0f} t made' if year in made else 'production not given':>22}, "
            f"{f'{caught[year]:,.1f} kg seized' if year in caught else 'no seizures in the register'}"
        )
    if reading.refused or reading.best is None:
        say(f"not tested: {reading.refused}")
    else:
        say(
            f"changes agree best {reading.best.years} years later (correlation "
            f"{reading.best.correlation:.2f} of {reading.best.pairs} pairs, p = "
            f"{reading.p_value:.3f} with the choice of lag paid for)"
        )
    return 0


def _country_row(path: Path, country: str) -> dict[int, float]:
    """Mean over the country's rows of a wide table: studies of one country are averaged per year."""
    table = load_table(path)
    if "Country" not in table.header:
        raise ValueError(f"{path.name} has no column Country; it has {', '.join(table.header[:6])}")
    rows = table.rows.filter(pl.col("Country").str.to_lowercase().str.starts_with(country.lower()))
    if rows.is_empty():
        raise ValueError(
            f"{path.name} has no row for {country!r}; it has "
            f"{', '.join(table.rows['Country'].unique().sort().to_list()[:40])}"
        )
    years = [name for name in table.header if name.isdigit()]
    means = rows.select(pl.col(year).cast(pl.Float64, strict=False).mean() for year in years).row(0)
    return {int(year): float(value) for year, value in zip(years, means, strict=True) if value is not None}


def run_market(
    source: Path,
    price: Path,
    purity: Path | None,
    country: str,
    seized_in: str | None,
    substance: str,
    *,
    as_json: bool,
) -> int:
    """Print the joint reading of seizures, price and purity."""
    caught = _yearly(lines_from(source, seized_in), substance)
    found = read_market(caught, _country_row(price, country), None if purity is None else _country_row(purity, country))
    if as_json:
        print_json({**dict(found._asdict()), "seizures": found.seizures._asdict(), "price": found.price._asdict()})
        return 0
    for name, slope in (
        ("seizures", found.seizures),
        ("price of a pure gram" if found.purity_adjusted else "price", found.price),
    ):
        say(
            f"{name}: {slope.percent_per_year:+.1f} % a year ({slope.low:+.1f} to "
            f"{slope.high:+.1f}), {slope.years} years"
        )
    say(f"{found.verdict}: {found.reading}")
    return 0


def read_roster(path: Path) -> RosterLog:
    """Read a RosterLog (JSON) or lines of LoggedInclusion; raises ValueError with the place of a mistake."""
    data = path.read_bytes()
    try:
        if data.lstrip()[:1] == b"{" and b'"inclusions"' in data[:100_000]:
            return msgspec.json.decode(data, type=RosterLog)
        entries = msgspec.json.Decoder(LoggedInclusion).decode_lines(data)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ValueError(
            f"{path.name}: {error}; it must be a RosterLog or lines of LoggedInclusion (docs/glossary.md)"
        ) from error
    first, last = (min(e.from_us for e in entries), max(e.to_us for e in entries)) if entries else (0, 0)
    return RosterLog(site_id="", from_us=first, to_us=last, inclusions=entries)


def run_flows(seized: Path, roster: Path, floor: float, seed: int, *, as_json: bool) -> int:
    """Print the flow estimate, or the refusal (exit 1)."""
    log = read_roster(roster)
    table = load_whole(seized, ("draw_id", "cell_id", "quantity"))
    found = estimate_flow(
        log,
        table.rows["draw_id"].to_list(),
        table.rows["cell_id"].to_list(),
        numbers(table, "quantity", seized.name),
        table.rows["mode"].to_list() if "mode" in table.header else None,
        floor=floor,
        rng=np.random.default_rng(seed),
    )
    if as_json:
        print_json(
            {
                **found._asdict(),
                "total": found.total and found.total._asdict(),
                "long_run": found.long_run and found.long_run._asdict(),
                "by_cell": {k: v._asdict() for k, v in found.by_cell.items()},
            }
        )
        return 0 if found.refused is None else 1
    if found.total is None or found.long_run is None:
        say(f"refused: {found.refused}")
        return 1
    total = found.total
    say(
        f"crossed: {total.estimate:,.1f} ({total.low:,.1f} to {total.high:,.1f}, 95 %); seized: "
        f"{found.seized:,.1f} in {found.seizures} seizures, worth {found.effective:.1f} equal ones"
    )
    say(f"a season like this one: {found.long_run.low:,.1f} to {found.long_run.high:,.1f}")
    for cell, share in sorted(found.by_cell.items(), key=lambda item: -item[1].estimate):
        say(f"  {cell}: {share.estimate:,.1f} ({share.low:,.1f} to {share.high:,.1f})")
    for note in found.notes:
        say(f"  {note}")
    return 0
