"""``araz seizures …``, second half: the questions that are put to the register."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from araz.app._seizures import DEFAULT, JsonOption, seizures

__all__ = ["seizures"]

SeedOption = Annotated[int, Parameter(help="Of the random draws; the same seed gives the same answer.")]
WhatOption = Annotated[Literal["kg", "loads"], Parameter(name="--what", help="Kilograms, or the number of seizures.")]
SubstanceOption = Annotated[str | None, Parameter(help="One substance; else all drugs together.")]


@seizures.command
def changes(
    source: Path = DEFAULT,
    *,
    substance: SubstanceOption = None,
    country: str | None = None,
    what: WhatOption = "loads",
    every: Literal["month", "quarter", "year"] = "month",
    alpha: Annotated[float, Parameter(help="Chance of any alarm in a series without change.")] = 0.05,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> int:
    """Find when the level of a series changed, at a stated rate of false alarms.

    Example: araz seizures changes cbp.csv --substance heroin --what kg
    """
    from araz.app._seizures_ask import run_changes

    return run_changes(source, substance, country, what, every, alpha, seed, as_json=json)


@seizures.command
def forecast(
    source: Path = DEFAULT,
    *,
    substance: SubstanceOption = None,
    country: str | None = None,
    what: WhatOption = "loads",
    horizon: Annotated[int, Parameter(help="Months ahead.")] = 3,
    table: Annotated[bool, Parameter(help="Every substance with enough months, one line each.")] = False,
    json: JsonOption = False,
) -> int:
    """Forecast a monthly series and say how well such forecasts have held; says when naive is not beaten.

    Example: araz seizures forecast cbp.csv --substance cocaine
             araz seizures forecast cbp.csv --table
    """
    from araz.app._seizures_ask import run_forecast

    return run_forecast(source, substance, country, what, horizon, table=table, as_json=json)


@seizures.command
def shocks(
    source: Path = DEFAULT,
    *,
    production: Annotated[Path, Parameter(help="CSV with year and …_tonnes.")],
    substance: str = "heroin",
    country: str | None = None,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> int:
    """Lay production beside seizures, with lags; refuses to test where the years are too few.

    Example: araz seizures shocks unodc.csv --production afghan_opium_production.csv --country Azerbaijan
    """
    from araz.app._seizures_ask import run_shocks

    return run_shocks(source, production, substance, country, seed, as_json=json)


@seizures.command
def market(
    source: Path = DEFAULT,
    *,
    price: Annotated[Path, Parameter(help="Table with a Country column and a column for each year.")],
    purity: Annotated[Path | None, Parameter(help="The same, purity in per cent.")] = None,
    country: Annotated[str, Parameter(help="Row of the price table.")],
    seized_in: Annotated[str | None, Parameter(help="Country of the seizures; else all of the source.")] = None,
    substance: str = "heroin",
    json: JsonOption = False,
) -> int:
    """Read seizures, price and purity together: more traffic, or better enforcement.

    Example: araz seizures market unodc.csv --price price.xlsx --purity purity.xlsx --country Bulgaria
    """
    from araz.app._seizures_ask import run_market

    return run_market(source, price, purity, country, seized_in, substance, as_json=json)


@seizures.command
def displacement(
    source: Path = DEFAULT,
    *,
    treated: Annotated[str, Parameter(help="Place or region that was closed or reinforced.")],
    buffer: Annotated[list[str] | None, Parameter(help="Neighbours that you name; repeat the option.")] = None,
    control: Annotated[list[str], Parameter(help="Areas nothing should have moved to; repeat the option.")],
    since: Annotated[str, Parameter(name="--from", help="First day of the change, YYYY-MM-DD.")],
    network: Annotated[str, Parameter(help="Network (.toml) that tells neighbours by distance and by cost.")] = "",
    neighbours: Annotated[int, Parameter(help="How many neighbours of each kind the network gives.")] = 1,
    every: Literal["month", "quarter"] = "month",
    country: str | None = None,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> int:
    """Ask whether a closure or a deployment moved seizures to other places, modes, hours or substances.

    With --network each question is put twice: to the nearest places, and to those where a smuggler's cost would send
    what the closure stops. It can answer "no evidence", and refuses where the method does not hold.

    Example: araz seizures displacement --treated Horadiz --buffer Goytapa --control Lankaran --from 2025-03-01
             araz seizures displacement --treated Horadiz --network sectors.toml --control Lankaran --from 2025-03-01
    """
    from araz.app._seizures_moved import run_displacement

    return run_displacement(source, treated, buffer or (), control, since, every, country, seed, network=network,
                            neighbours=neighbours, as_json=json)  # fmt: skip


@seizures.command
def flows(
    seized: Annotated[Path, Parameter(help="CSV: draw_id, cell_id, quantity; mode if the log tells aircraft apart.")],
    *,
    roster: Annotated[Path, Parameter(help="The log of sealed rosters (JSON, or JSON lines of LoggedInclusion).")],
    floor: Annotated[float, Parameter(help="Chance of seizure below which a cell is unobservable.")] = 0.02,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> int:
    """Turn seizures made under logged rosters into an estimate of what crossed; refuses without known probabilities.

    Example: araz seizures flows seized.csv --roster out/plan/rosters/inclusions.jsonl
    """
    from araz.app._seizures_ask import run_flows

    return run_flows(seized, roster, floor, seed, as_json=json)


@seizures.command(name="near-repeat")
def near_repeat(
    file: Path,
    *,
    x: Annotated[str, Parameter(help="Column of east, metres.")] = "x",
    y: Annotated[str, Parameter(help="Column of north, metres.")] = "y",
    date: Annotated[str, Parameter(help="Column of the day.")] = "date",
    distances: Annotated[tuple[float, ...], Parameter(help="Edges of the distance bands, m, rising.")] = (
        0,
        0.1,
        200,
        400,
        600,
    ),
    days: Annotated[tuple[float, ...], Parameter(help="Edges of the time bands, days, rising.")] = (0, 7, 14, 21),
    open_above: Annotated[bool, Parameter(help="Time bands [a, b) instead of (a, b].")] = False,
    permutations: int = 99,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> int:
    """Count pairs of events close in space and time (Knox), and how far they exceed shuffled times.

    Example: araz seizures near-repeat events.csv --x east_m --y north_m
    """
    from araz.app._seizures_place import run_near_repeat

    return run_near_repeat(file, x, y, date, distances, days, permutations, seed, open_above=open_above, as_json=json)


@seizures.command
def where(
    file: Annotated[Path, Parameter(help="CSV: position_km along the border, date.")],
    *,
    length_km: Annotated[float, Parameter(help="Length of the border.")],
    effort: Annotated[Path | None, Parameter(help="CSV: position_km, hours of patrol.")] = None,
    cells: int = 20,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> int:
    """Say where and when along the border, beside the effort: where we caught is not where they cross.

    Example: araz seizures where crossings.csv --length-km 132 --effort patrol-hours.csv
    """
    from araz.app._seizures_place import run_where

    return run_where(file, length_km, effort, cells, seed, as_json=json)


@seizures.command
def routes(
    source: Annotated[
        Path | None, Parameter(help="Register or file of seizures; without it only the total binds.")
    ] = None,
    *,
    network: Annotated[str, Parameter(help="A shipped network (opiates) or a .toml file.")] = "opiates",
    substance: Annotated[tuple[str, ...], Parameter(help="Repeat for several.")] = ("heroin", "morphine"),
    total: Annotated[tuple[float, float], Parameter(help="All flow, t a year, least and most.")] = (200.0, 500.0),
    chance: Annotated[tuple[float, float], Parameter(help="Chance that a load is seized, least and most.")] = (
        0.02,
        0.3,
    ),
    close: Annotated[str, Parameter(help="Node or leg A>B to close.")] = "",
    seizure_at: Annotated[str, Parameter(help="Node of one seizure: whence and whither?")] = "",
    departure: str = "",
    destination: str = "",
    json: JsonOption = False,
) -> int:
    """Give flows from production to market as ranges that satisfy the seizures; say where flow goes when a leg closes.

    Example: araz seizures routes unodc.csv --close "IRN>AZE"
             araz seizures routes --seizure-at AZE --destination RUS
    """
    from araz.app._seizures_place import run_routes

    return run_routes(
        source, network, substance, total, chance, close, seizure_at, departure, destination, as_json=json
    )


@seizures.command
def crews(
    file: Annotated[
        Path,
        Parameter(
            help="CSV: sortie_id, date, and of serial, radio, corridor_km, hour, load_kg, drop_style what is known."
        ),
    ],
    *,
    solved: Annotated[Path, Parameter(help="The same with a column crew: sorties whose crew is known.")],
    least: Annotated[float, Parameter(help="Show pairs at or above this probability.")] = 0.5,
    seed: SeedOption = 1,
    json: JsonOption = False,
) -> int:
    """Say how likely two sorties are one crew's, why, and what would refute it. Sorties are compared, never persons.

    How common such pairs are is read from FILE itself: give a season's sorties rather than one night's.

    Example: araz seizures crews tonight.csv --solved solved-cases.csv
    """
    from araz.app._seizures_crews import run_crews

    return run_crews(file, solved, least, seed, as_json=json)


@seizures.command
def report(
    month: Annotated[str, Parameter(help="YYYY-MM.")],
    *,
    source: Annotated[Path, Parameter(name="--register", help="Register, or a file in a known layout.")] = DEFAULT,
    country: str | None = None,
    out: Annotated[Path, Parameter(help="Folder for report.html, report.pdf and report-rows.csv.")] = Path(
        "out/report"
    ),
    seed: SeedOption = 1,
    lang: Annotated[Literal["en", "az"], Parameter(help="English or Azerbaijani.")] = "en",
) -> int:
    """Write the monthly report as HTML and PDF, with a table that leads each number back to its seizures.

    Example: araz seizures report 2025-11 --country Azerbaijan --out out/november
             araz seizures report 2025-11 --lang az
    """
    from araz.app._seizures_report import run_report

    return run_report(source, month, country, out, seed, lang)
