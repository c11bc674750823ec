"""What an article's figures say is computed from them, whoever's figures they are."""

import datetime as dt
import math

import numpy as np
import pytest
from scipy import stats

from araz.intelligence import (
    CONSIGNMENTS_KG,
    claim_of,
    consignment_that_would_tell,
    difference_cumulative,
    difference_of_totals,
    judge_claims,
    period_of,
    ratio_of_counts,
    read_table,
    total_half_width,
    turn_in_totals,
)
from seizure_lab import imported


def judged(*rows, production=()):
    text = "quantity,period,value,unit,claim_in_text\n" + "\n".join(rows)
    findings, problems = judge_claims(read_table(text.encode(), "x"), production)
    return findings, problems


def test_the_source_article(shelf):
    table = read_table((shelf / "data" / "drugs" / "article_figures.csv").read_bytes(), "article")
    findings, problems = judge_claims(table, [(2022, 6200.0)])
    assert problems == []
    by_kind = {finding.kind: finding for finding in findings}
    crimes = by_kind["change-of-count"]
    assert crimes.numbers["ratio"] == pytest.approx(10057 / 2709)
    assert crimes.numbers["per_year_percent"] == pytest.approx(14.0, abs=0.05)
    assert crimes.verdict == "not supported"
    assert "3.7-fold in ten years, 14 % a year (the text says fivefold)" in crimes.statement
    assert "policing" in crimes.statement
    seized = by_kind["change-of-seizures"]
    assert seized.numbers["change_percent"] == pytest.approx(-2.636, abs=1e-3)
    assert seized.verdict == "no change"
    assert "no change at any plausible consignment size" in seized.statement
    opium = by_kind["claimed-change"]
    assert opium.numbers["implied_base"] == pytest.approx(6600)
    assert "a fall of 95 % from 2021" in opium.statement
    share = by_kind["share-claim"]
    assert share.verdict == "claim, not an estimate"
    assert len(share.needed) >= 4
    assert sorted(row for finding in findings for row in finding.rows) == list(range(2, 9))


def test_another_articles_figures_give_another_answer():
    findings, _ = judged(
        "drug arrests in Ruritania,2015,1000,arrests,",
        "drug arrests in Ruritania,2020,5000,arrests,a fivefold rise",
        "heroin confiscated,Q1 2021,100,kg,",
        "heroin confiscated,Q1 2022,9000,kg,",
        "coca production,2020,500,t,rose 25 % since 2018",
    )
    arrests, heroin, coca = findings
    assert arrests.verdict == "supported"
    assert arrests.numbers["per_year_percent"] == pytest.approx(100 * (5 ** (1 / 5) - 1), rel=1e-3)
    assert heroin.verdict == "change"
    assert coca.numbers["implied_base"] == pytest.approx(400)


def test_a_claim_the_figures_contradict_in_direction():
    (finding,), _ = judged("offences,2019,200,offences,", "offences,2020,150,offences,doubled in a year")
    assert finding.verdict == "not supported"
    (finding,), _ = judged("offences,2019,200,offences,", "offences,2020,120,offences,fell by 40 %")
    assert finding.verdict == "supported"


def test_bad_figures_are_refused_by_row():
    findings, problems = judged("x,2019,abc,kg,", "x,soon,3,kg,", "x,2019,0,kg seized,", "x,2020,5,kg seized,")
    assert [problem.row for problem in problems] == [2, 3]
    assert findings[0].verdict == "nothing to compare"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2013", "2013-01-01", "2013-12-31"),
        ("H1 2023", "2023-01-01", "2023-06-30"),
        ("2023 H2", "2023-07-01", "2023-12-31"),
        ("first half of 2024", "2024-01-01", "2024-06-30"),
        ("Q3 2024", "2024-07-01", "2024-09-30"),
        ("Jan-Jun 2024", "2024-01-01", "2024-06-30"),
        ("first nine months of 2022", "2022-01-01", "2022-09-30"),
        ("February 2024", "2024-02-01", "2024-02-29"),
        ("2023-01..2023-07", "2023-01-01", "2023-07-31"),
    ],
)
def test_periods_as_people_write_them(text, first, last):
    period = period_of(text)
    assert period is not None
    assert (period.first, period.last) == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))


@pytest.mark.parametrize(
    "text", ["", "soon", "2019 or 2020", "H3 2020", "13 months of 2020", "2020-13", "Marching 2020x"]
)
def test_what_is_no_period_is_none(text):
    assert period_of(text) is None


@pytest.mark.parametrize(
    ("text", "factor"),
    [("'fivefold'", 5), ("doubled", 2), ("3.5-fold", 3.5), ("four times", 4), ("fell by 40 %", 0.6),
     ("95 % below 2021", 0.05),
     ("up 1,234.5 %", 13.345), ("rose by 1,200 %", 13), ("fell by 12,5 %", 0.875), ("1.234,5 % higher", 13.345),
     ("up 1.2.3 %", None), ("a 1,250-fold rise", 1250), ("1,000 times", 1000), (".5 % lower", 0.995),
     ("up 12 percent", 1.12), ("an increase of 30%", 1.3), ("steady", None)],
)  # fmt: skip
def test_claims_as_the_press_writes_them(text, factor):
    found = claim_of(text).factor
    assert found is None if factor is None else found == pytest.approx(factor)


def test_the_half_widths_of_the_planning_page():
    assert [round(total_half_width(2921, mean)) for mean in CONSIGNMENTS_KG] == [427, 1046, 1910]


def test_the_interval_of_totals_covers_simulated_truth():
    rng = np.random.default_rng(3)
    hits, trials, mean, cv = 0, 1500, 20.0, 1.5
    shape = 1 / cv**2
    for _ in range(trials):
        old, new = (rng.gamma(shape, mean / shape, rng.poisson(rate)).sum() for rate in (150, 150))
        gap = difference_of_totals(old, new, mean)
        hits += gap.low <= 0 <= gap.high
    assert 0.93 <= hits / trials <= 0.97
    edge = consignment_that_would_tell(1000, 1500)
    assert difference_of_totals(1000, 1500, edge).low == pytest.approx(0, abs=1e-6)


def test_the_ratio_of_counts_is_the_exact_conditional_interval():
    found = ratio_of_counts(20, 35)
    for bound, tail in ((found.low, 0.025), (found.high, 0.975)):
        share = bound / (1 + bound)
        seen = stats.binom.cdf(34, 55, share) if tail == 0.025 else stats.binom.cdf(35, 55, share)
        assert (1 - seen if tail == 0.025 else seen) == pytest.approx(0.025, abs=1e-9)
    assert math.isnan(ratio_of_counts(0, 3).estimate)


def test_the_turn_from_heroin_to_marijuana(shelf):
    lines = imported((shelf / "data" / "drugs" / "az_state_commission_seizures_cumulative.csv").read_bytes()).lines
    turn = turn_in_totals(lines, dt.date(2022, 4, 3), dt.date(2023, 1, 1))
    assert (turn.falling, turn.rising) == ("heroin", "marijuana")
    assert turn.holds
    heroin, marijuana = 2297.2936, 848.9978
    assert turn.shares[0][0].estimate == pytest.approx(heroin / (heroin + marijuana))
    assert all(ratio.high < 1 for ratio in turn.odds_ratios)
    with pytest.raises(ValueError, match="nothing to compare"):
        turn_in_totals(lines, dt.date(2010, 1, 1))


def test_cumulative_totals_come_apart_with_their_error(shelf):
    lines = imported((shelf / "data" / "drugs" / "az_state_commission_seizures_cumulative.csv").read_bytes()).lines
    found = difference_cumulative(lines)
    august = next(i for i in found if (i.substance, i.first) == ("heroin", dt.date(2023, 8, 1)))
    assert august.last == dt.date(2023, 8, 31)
    assert august.amount == pytest.approx(1722.686454 - 1598.616379)
    parts = [1598.616379, 2874.140356, 221.863961, 50.986102, 274.649411, 121.66249]
    later = [1722.686454, 3349.422948, 236.905361, 50.988844, 0.750831, 318.741409, 125.042665]
    mismatch = abs(5141.918699 - sum(parts)) + abs(5804.558512 - sum(later))
    assert august.error == pytest.approx(mismatch + 1e-6, abs=1e-9)
    tablets = next(i for i in found if (i.substance, i.first) == ("methadone", dt.date(2023, 9, 1)))
    assert (tablets.amount, tablets.base_unit, tablets.chance_half_width) == (50901 - 47726, "tablet", None)
    year = [i for i in found if i.substance == "heroin" and i.first.year == 2023]
    assert sum(i.amount for i in year) == pytest.approx(1886.649814)
