"""Numbers of the report are those of the rows it names."""

import datetime as dt
import re

import numpy as np
import polars as pl
import pytest

from araz.intelligence import in_words_of, month_rows, monthly_report, report_html, total_from_loads
from araz.intelligence._forecast import MEAN, MODELS
from araz.intelligence._words import (
    MODE_NAMES,
    SUBSTANCE_NAMES,
    UNITS,
    UNLISTED,
    measure_said,
    model_said,
    substance_said,
)
from araz.vocabulary import Phrase, phrase
from seizure_lab import imported, lines
from spoken import english_in


def test_each_amount_is_the_sum_of_the_rows_it_names(shelf):
    frame = imported((shelf / "data" / "drugs" / "unodc_ids_region_subset.csv").read_bytes()).lines.filter(
        pl.col("country") == "Azerbaijan"
    )
    report = monthly_report(frame, dt.date(2016, 5, 1))
    month = report.sections[0]
    assert len(month.rows) >= 2
    for row in month.rows:
        named = frame.filter(
            pl.col("seizure_id").is_in(row.seizure_ids)
            & (pl.col("substance") == row.cells[0])
            & (pl.col("base_unit") == row.cells[1])
        )
        assert float(row.cells[3].replace(",", "")) == pytest.approx(named["base_quantity"].sum(), rel=1e-5)
        assert {day.strftime("%Y-%m") for day in named["date"]} == {"2016-05"}
        assert int(row.cells[2]) == len(row.seizure_ids)
    assert any("not flows" in text for text in report.sections[-1].paragraphs)


def test_a_year_that_the_register_does_not_reach_is_not_a_year_of_nothing():
    day = dt.date(2024, 3, 5)
    young = monthly_report(lines([day] * 6, ["heroin"] * 6, [2.0] * 6), day.replace(day=1)).sections[0]
    assert "does not reach back a year" in young.paragraphs[0]
    assert young.rows[0].cells[5:] == ["not known", "–"]
    old = lines([dt.date(2022, 1, 9), *[day] * 6], ["opium", *["heroin"] * 6], [1.0, *[2.0] * 6])
    grown = monthly_report(old, day.replace(day=1)).sections[0]
    assert "6 seizures; 0 in the same month a year before" in grown.paragraphs[0]
    assert grown.rows[0].cells[5] == "0"
    assert grown.rows[0].cells[6].endswith(": more")


def test_figures_outside_the_tables_name_their_rows_too():
    days = [dt.date(2023, 3, 4), dt.date(2024, 2, 9), dt.date(2024, 3, 5), dt.date(2024, 3, 8)]
    frame = lines(days, ["heroin", "opium", "heroin", "heroin"], [1.0, 3.0, 2.0, 4.0])
    month = monthly_report(frame, dt.date(2024, 3, 1)).sections[0]
    assert month.paragraphs == ["2 seizures; 1 in the same month a year before."]
    assert {trace.cells[0]: trace.seizure_ids for trace in month.traces} == {
        "all seizures of the month": ["s2", "s3"], "all seizures of the month a year before": ["s0"],
        "heroin, kg, a year before": ["s0"],
    }  # fmt: skip
    drawn = {row.cells[0]: len(row.seizure_ids) for row in month_rows(frame, dt.date(2024, 3, 1))}
    assert drawn == {"2023-03": 1, "2024-02": 1, "2024-03": 2}


def test_the_page_escapes_what_sources_wrote_and_needs_nothing_from_outside():
    day = dt.date(2024, 3, 5)
    frame = lines([day] * 6, ["<script>x</script>"] * 6, [1.0] * 6)
    page = report_html(monthly_report(frame, dt.date(2024, 3, 1)))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page


def test_the_report_is_whole_in_azerbaijani_and_its_english_is_what_the_records_say():
    days = [dt.date(2021 + k % 3, 1 + k % 12, 1 + k % 28) for k in range(90)]
    frame = lines(days, [("heroin", "opium", "khat")[k % 7 % 3] for k in range(90)], [1.0 + k % 7 for k in range(90)])
    report = monthly_report(frame, dt.date(2023, 12, 1))
    english, spoken = in_words_of(report, "en"), in_words_of(report, "az")
    assert english == report
    assert (english.month, [len(part.rows) for part in english.sections]) == (
        spoken.month, [len(part.rows) for part in spoken.sections],
    )  # fmt: skip
    assert "Müsadirələr: dekabr 2023" in report_html(report, "az")
    assert '<html lang="az">' in report_html(report, "az")
    assert {"heroin", "tiryək", "kat"} == {row.cells[0] for row in spoken.sections[1].rows}
    assert english_in(re.sub(r"<[^>]*>", " ", report_html(report, "az"))) == set()


def test_each_word_of_the_register_and_each_model_has_both_languages():
    assert all(isinstance(substance_said(name), Phrase) for name in (*SUBSTANCE_NAMES, UNLISTED))
    assert all(isinstance(measure_said(unit.base), Phrase) for unit in UNITS.values())
    assert all(isinstance(phrase(f"mode.{name}"), Phrase) for name in MODE_NAMES)
    assert all(isinstance(model_said(name), Phrase) for name in (*MODELS, MEAN))
    assert substance_said("Zelyonka") == "Zelyonka"


def test_the_interval_of_a_month_covers_the_mean_of_many_months():
    rng = np.random.default_rng(4)
    hits, trials = 0, 800
    for _ in range(trials):
        loads = rng.gamma(2, 5, rng.poisson(40)).tolist()
        found = total_from_loads(loads, [1] * len(loads))
        hits += found.low <= 400 <= found.high
    assert 0.92 <= hits / trials <= 0.97


def test_an_empty_month_and_a_short_series_say_so():
    frame = lines([dt.date(2024, 1, 5)], ["heroin"], [1.0])
    report = monthly_report(frame, dt.date(2024, 6, 1))
    text = " ".join(p for section in report.sections for p in section.paragraphs)
    assert "No seizure with a known amount" in text
    assert "No forecast" in text
