"""Small tables and simulated registers for the tests of the intelligence room."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from araz.intelligence import LINE_SCHEMA, Sortie, import_table, mapping_from_toml, read_table, recognise
from araz.vocabulary import LoggedInclusion, RosterLog

MAPPINGS = Path(__file__).resolve().parents[2] / "src" / "araz" / "intelligence" / "mappings"
IDS_HEADER = (
    "REGION,SUBREGION,COUNTRY,ADMINISTRATIVE_DIVISION,PLACE,SEIZURE_DATE,DRUG_NAME,AMOUNT,DRUG_UNIT,HIDING_PLACE,"
    "INSTALLATION,TRANSPORT,PRODUCING_COUNTRY,DEPARTURE_COUNTRY,DESTINATION_COUNTRY,ROUTING"
)


def mappings():
    return [mapping_from_toml(path.read_text(), path.name) for path in sorted(MAPPINGS.glob("*.toml"))]


def mapping(name):
    return next(item for item in mappings() if item.id == name)


def imported(data, name="file.csv", **kinds):
    table = read_table(data, name, **kinds)
    return import_table(table, recognise(table.header, mappings()))


def ids_row(date="2016-05-01", drug="Heroin", amount="1.5", unit="Kilogram", place="Astara", country="Azerbaijan"):
    return f'Asia,,{country},,"{place}",{date},{drug},"{amount}",{unit},,,,,,,'


def ids_file(*rows):
    return "\n".join([IDS_HEADER, *rows]).encode()


def lines(dates, substances, kilograms, ids=None):
    """Register lines of single seizures of one substance each."""
    n = len(dates)
    base = {name: pl.Series(name, [None] * n, dtype=kind) for name, kind in LINE_SCHEMA.items()}
    texts = {name: pl.Series(name, [""] * n) for name, kind in LINE_SCHEMA.items() if kind == pl.String}
    frame = pl.DataFrame({**base, **texts})
    names = ids if ids is not None else [f"s{i}" for i in range(n)]
    return frame.with_columns(
        pl.Series("seizure_id", names), pl.Series("date", dates, dtype=pl.Date), pl.lit("day").alias("date_precision"),
        pl.lit(1, dtype=pl.Int64).alias("events"), pl.Series("substance", list(substances)),
        pl.Series("quantity", np.asarray(kilograms, float)), pl.lit("kg").alias("unit"),
        pl.lit("kg").alias("base_unit"),
        pl.Series("base_quantity", np.asarray(kilograms, float)),
    )  # fmt: skip


def day(number):
    return dt.date(2015, 1, 1) + dt.timedelta(days=int(number))


NAMES = ["heroin", "marijuana", "opium"]


def loads(rng, n, shares=(0.5, 0.3, 0.2)):
    which = rng.choice(3, n, p=shares)
    matrix = np.zeros((n, 3))
    matrix[np.arange(n), which] = rng.gamma(0.6, 30, n)
    return matrix


CELLS = ["a", "b", "c", "d"]


def season(rng, nights=120, chances=(0.5, 0.25, 0.4, 0.15), flow=(0.8, 1.2, 0.5, 0.7)):
    """One patrol team a night guards one cell, drawn with known chances; sorties cross in all."""
    log, draws, cells, kilos, truth = [], [], [], [], 0.0
    guard = np.array(chances) / sum(chances)
    for night in range(nights):
        guarded = rng.choice(4, p=guard)
        for cell in range(4):
            chance = guard[cell] * 0.7  # a sortie in the guarded cell is caught with 0.7
            log.append(
                LoggedInclusion(draw_id=f"n{night}", cell_id=CELLS[cell], from_us=0, to_us=1, probability=chance)
            )
            for load in rng.gamma(2, 5, rng.poisson(flow[cell])):
                truth += load
                if cell == guarded and rng.random() < 0.7:
                    draws.append(f"n{night}")
                    cells.append(CELLS[cell])
                    kilos.append(load)
    return RosterLog(site_id="s", from_us=0, to_us=1, inclusions=log), draws, cells, np.array(kilos), truth


def areas(rng, periods=40, change=20, direct=1.0, neighbours=1.0, rate=(12, 15, 20)):
    common = rng.gamma(20, 1 / 20, periods)
    counts = np.array([rng.poisson(r * common * rng.gamma(15, 1 / 15, periods)) for r in rate], float)
    counts[0, change:] = rng.binomial(counts[0, change:].astype(int), min(direct, 1))
    if neighbours > 1:
        counts[1, change:] += rng.poisson(rate[1] * (neighbours - 1), periods - change)
    return counts


#: Worlds of crews: each departs in one way from ``plain``, where habits are independent and half of them well logged.
CREW_WORLDS = {
    "plain": {},
    "few crews": {"crews": 8, "each": (8, 16)},
    "many small crews": {"crews": 60, "each": (2, 4)},
    "one stretch": {"stretch_km": 30.0},
    "habits drift": {"drift_km": 4.0},
    "one school": {"schools": 4},
    "aircraft sold": {"sold": 0.5, "read": 0.4},
    "poorly logged": {"read": 0.05, "known": 0.4},
}

#: Worlds by other generators, on which nothing was chosen.
FRESH_WORLDS = {
    "three large crews": {"crews": 3, "each": (20, 40)},
    "100 crews of one to three": {"crews": 100, "each": (1, 3)},
    "all of one school": {"schools": 1, "stretch_km": 60.0},
    "three schools of radio and drop": {"schools": 3, "taught": (2, 3)},
    "habits change half way": {"changes": 0.5},
    "most cells empty": {"read": 0.1, "known": 0.25},
    "wild crossings": {"tail": 2.0},
    "five small crews": {"crews": 5, "each": (2, 3)},
}


def habits_of(rng):
    """Hour, load, radio and way of dropping."""
    return (
        rng.uniform(20, 28) % 24,
        rng.choice([6, 13]),
        str(rng.integers(6)),
        str(rng.choice(["lowered", "thrown", "landed"])),
    )


def sorties(rng, crews=25, each=(6, 6), stretch_km=130.0, drift_km=0.0, schools=0, sold=0.0, read=0.2, known=None,
            taught=(0, 1, 2, 3), changes=0.0, tail=0.0):  # fmt: skip
    """Crews with habits of their own or of a school; a few fly the same aircraft, most are not read.

    ``taught``: which of hour, load, radio and way of dropping the school teaches; ``changes``: chance that a crew takes
    up new habits half way; ``tail``: degrees of freedom of where it crosses.
    """
    found, lessons = [], [habits_of(rng) for _ in range(schools)]
    for crew in range(crews):
        corridor, own = rng.uniform(0, stretch_km), habits_of(rng)
        if schools:
            lesson = lessons[rng.integers(schools)]
            own = tuple(lesson[k] if k in taught else habit for k, habit in enumerate(own))
        hour, load, radio, style = own
        serial = f"sn{rng.integers(crews)}" if rng.random() < sold else f"sn{crew}"
        start = rng.uniform(0, 300)
        count = int(rng.integers(each[0], each[1] + 1))
        turn = count // 2 if changes and rng.random() < changes else count
        for k in range(count):
            if k == turn:
                hour, load, radio, style = habits_of(rng)
            corridor, hour = corridor + rng.normal(0, 1) * drift_km, (hour + rng.normal(0, 1) * drift_km / 5) % 24
            drop = style if rng.random() < 0.85 else str(rng.choice(["lowered", "thrown"]))
            told = rng.random(5) < [read, known or 0.7, known or 1, known or 1, known or 1]
            s = Sortie(
                f"{crew}-{k}", start + rng.exponential(25) * k, serial if told[0] else None,
                radio if told[1] else None, float(corridor + 3 * (rng.standard_t(tail) if tail else rng.normal())),
                float((hour + rng.normal(0, 0.7)) % 24) if told[2] else None,
                float(load * rng.lognormal(0, 0.2)) if told[3] else None, drop if told[4] else None,
            )  # fmt: skip
            found.append((str(crew), s))
    return found


def crew_files():
    """A season of five crews of habits wide apart, and solved cases of twelve more."""
    head = "sortie_id,date,serial,radio,corridor_km,hour,load_kg,drop_style"
    solved, season = [head + ",crew"], [head]
    for crew in range(17):
        for k in range(4):
            day = dt.date(2025, 1, 1) + dt.timedelta(days=7 * k + crew % 5)
            radio, drop = crew % 4, ("lowered", "thrown", "landed")[crew % 3]
            serial = f"sn{crew}" if k < 2 else ""
            row = (
                f"s{crew}-{k},{day},{serial},{radio},{8 * crew + k % 2},{(20 + crew / 4 + k % 2 / 3) % 24:.2f},6,{drop}"
            )
            (solved if crew < 12 else season).append(f"{row},c{crew}" if crew < 12 else row)
    return "\n".join(season) + "\n", "\n".join(solved) + "\n"


def moved_rows():
    """Loads of three places: from September 2013 fewer at Horadiz, more at Goytapa, at Lankaran neither."""
    counts = zip(
        ("Horadiz", "Goytapa", "Lankaran"), areas(np.random.default_rng(3), direct=0.3, neighbours=1.8), strict=True
    )
    return [
        ids_row(f"{2012 + m // 12}-{m % 12 + 1:02d}-{1 + k % 28:02d}", place=place)
        for place, row in counts for m, n in enumerate(row) for k in range(int(n))
    ]  # fmt: skip


SERIES = ("steady", "seasonal", "falls to a quarter", "rises fourfold", "wanders")


def series_of(rng, kind, n=48):
    """Monthly negative-binomial counts; a break comes where the intervals are judged."""
    return series_and_break(rng, kind, n)[0]


def series_and_break(rng, kind, n=48):
    """The series, and the first month after its break (None: there is none)."""
    t, level = np.arange(n), rng.uniform(50, 300)
    waves = np.exp(0.5 * np.sin(2 * np.pi * t / 12 + rng.uniform(0, 6)))
    falls, rises = rng.integers(20, 46), rng.integers(20, 46)
    shape, month = {
        "steady": (np.ones(n), None),
        "seasonal": (waves, None),
        "falls to a quarter": (np.where(t < falls, 1.0, 0.25), falls),
        "rises fourfold": (np.where(t < rises, 0.3, 1.2), rises),
        "wanders": (np.exp(np.cumsum(rng.normal(0, 0.2, n))), None),
    }[kind]
    return rng.negative_binomial(10, 10 / (10 + level * shape)).astype(float), month
