"""Small tables and simulated registers for the tests of the intelligence room."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from araz.intelligence import LINE_SCHEMA, import_table, mapping_from_toml, read_table, recognise

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
