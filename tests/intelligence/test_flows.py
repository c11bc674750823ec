"""Horvitz–Thompson against simulated smuggling whose true flow is known."""

import numpy as np
import pytest

from araz.intelligence import estimate_flow
from araz.vocabulary import LoggedInclusion, RosterLog
from seizure_lab import season


def test_the_estimate_is_unbiased_and_its_interval_covers():
    rng = np.random.default_rng(7)
    trials, hits, ratios = 120, 0, []
    for _ in range(trials):
        log, draws, cells, kilos, truth = season(rng)
        found = estimate_flow(log, draws, cells, kilos, rng=rng, replicates=50)
        ratios.append(found.total.estimate / truth)
        hits += found.total.low <= truth <= found.total.high
    error = np.std(ratios) / np.sqrt(trials)
    assert abs(np.mean(ratios) - 1) < 3 * error
    assert 0.90 <= hits / trials <= 1.0
    assert kilos.sum() < 0.5 * truth  # what was seized is not what crossed
    assert found.effective <= found.seizures


def test_the_sum_is_the_formula():
    rng = np.random.default_rng(1)
    chances = {"a": 0.5, "b": 0.2}
    log = RosterLog(site_id="s", from_us=0, to_us=1, inclusions=[
        LoggedInclusion(draw_id=str(n), cell_id=cell, from_us=0, to_us=1, probability=p,
                        probability_low=p / 2, probability_high=min(1, 2 * p))
        for n in range(6) for cell, p in chances.items()
    ])  # fmt: skip
    kilos = np.array([1.0, 2, 3, 4, 5, 6])
    cells = ["a", "a", "b", "b", "a", "b"]
    found = estimate_flow(log, [str(n) for n in range(6)], cells, kilos, rng=rng)
    weighted = [k / chances[c] for k, c in zip(kilos, cells, strict=True)]
    assert found.total.estimate == pytest.approx(sum(weighted))
    assert found.by_cell["a"].estimate == pytest.approx(2 * (1 + 2 + 5))
    variance = sum((1 - chances[c]) / chances[c] ** 2 * k**2 for k, c in zip(kilos, cells, strict=True))
    sigma = np.sqrt(np.log1p(variance / sum(weighted) ** 2))
    assert found.total.high == pytest.approx(sum(weighted) * np.exp(1.959964 * sigma), rel=1e-6)
    assert found.model_range == pytest.approx((8 / 1.0 + 13 / 0.4, 8 / 0.25 + 13 / 0.1))


@pytest.mark.parametrize(
    ("chance", "cell", "log_size", "reason"),
    [(0.5, "a", 0, "no roster"), (0.5, "z", 9, "no logged probability"), (0.0, "a", 9, "chance 0"),
     (0.5, "a", 3, "at least 5"),
     (0.01, "a", 9, "at least 5")],
)  # fmt: skip
def test_it_refuses_and_says_why(chance, cell, log_size, reason):
    log = RosterLog(site_id="s", from_us=0, to_us=1, inclusions=[
        LoggedInclusion(draw_id=str(n), cell_id="a", from_us=0, to_us=1, probability=chance) for n in range(log_size)
    ])  # fmt: skip
    draws = [str(n) for n in range(max(log_size, 1))]
    found = estimate_flow(log, draws, [cell] * len(draws), np.ones(len(draws)), rng=np.random.default_rng(0))
    assert found.total is None
    assert reason in found.refused
    assert found.seized == len(draws)


def test_a_log_that_tells_aircraft_apart_wants_the_mode_only_where_there_are_several():
    entries = [LoggedInclusion(draw_id=str(n), cell_id="a", from_us=0, to_us=1, mode=mode, probability=p)
               for n in range(8) for mode, p in (("quad", 0.5), ("vtol", 0.25))[: 1 + (n == 7)]]  # fmt: skip
    log, rng = RosterLog(site_id="s", from_us=0, to_us=1, inclusions=entries), np.random.default_rng(0)
    known = estimate_flow(log, [str(n) for n in range(7)], ["a"] * 7, np.ones(7), rng=rng)
    assert known.total.estimate == pytest.approx(14)
    unknown = estimate_flow(log, [str(n) for n in range(8)], ["a"] * 8, np.ones(8), rng=rng)
    assert "quad, vtol; name the mode" in unknown.refused
    named = estimate_flow(log, [str(n) for n in range(8)], ["a"] * 8, np.ones(8), ["quad"] * 7 + ["vtol"], rng=rng)
    assert named.total.estimate == pytest.approx(18)


def test_what_cannot_be_seen_is_stated_and_left_out():
    chances = (("a", 0.5), ("b", 0.001))
    entries = [
        LoggedInclusion(draw_id=str(n), cell_id=c, from_us=0, to_us=1, probability=p)
        for n in range(10)
        for c, p in chances
    ]
    log = RosterLog(site_id="s", from_us=0, to_us=1, inclusions=entries)
    found = estimate_flow(
        log, [str(n) for n in range(10)], ["a"] * 9 + ["b"], np.ones(10), rng=np.random.default_rng(0)
    )
    assert found.unobservable_share == 0.5
    assert found.total.estimate == pytest.approx(18)
    assert any("left out" in note for note in found.notes)
