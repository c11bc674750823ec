"""Displacement against simulated truth: its level, its power, its refusals."""

import numpy as np
import pytest

from araz.intelligence import counterfactual, displacement, shift_of_mix, weighted_displacement_quotient
from seizure_lab import areas


def test_without_displacement_it_says_so_at_its_level():
    rng = np.random.default_rng(10)
    trials, alarms, covered, judged = 60, 0, 0, 0
    for _ in range(trials):
        found = displacement(*areas(rng, direct=0.4), 20, rng=rng, replicates=199)
        if found.verdict == "refused":
            continue
        judged += 1
        alarms += found.verdict in {"displaced", "diffused"}
        covered += found.neighbours.low <= 1 <= found.neighbours.high
    assert judged >= 50
    assert alarms / judged <= 0.12
    assert covered / judged >= 0.87


def test_displacement_that_is_there_is_found():
    rng = np.random.default_rng(12)
    found = [displacement(*areas(rng, direct=0.3, neighbours=1.8), 20, rng=rng) for _ in range(12)]
    assert sum(item.verdict == "displaced" for item in found) >= 9
    assert all(item.quotient.value < 0 for item in found)
    assert all(item.direct.estimate < 0.6 for item in found if item.direct)


def test_it_refuses_where_the_method_does_not_hold():
    rng = np.random.default_rng(1)
    counts = areas(rng)
    assert "at least 6" in displacement(*counts, 3, rng=rng).sentence
    few = counts.copy()
    few[0, :20] = 0
    assert "treated area" in displacement(*few, 20, rng=rng).sentence
    apart = counts.copy()
    apart[0] = rng.poisson(np.linspace(5, 60, 40))
    assert "did not move together" in displacement(*apart, 20, rng=rng).sentence
    holed = counts.copy()
    holed[1, 3] = np.nan
    assert "unknown" in displacement(*holed, 20, rng=rng).sentence


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [((100, 100, 100), (50, 125, 100), -0.5), ((100, 100, 100), (50, 175, 100), -1.5),
     ((100, 100, 100), (50, 75, 100), 0.5),
     ((100, 100, 100), (120, 100, 100), None), ((10, 10, 0), (5, 5, 10), None)],
)  # fmt: skip
def test_the_quotient_by_hand(before, after, value):
    found = weighted_displacement_quotient(before, after)
    assert found.value is None if value is None else found.value == pytest.approx(value)
    assert value is not None or "undefined" in found.meaning


def test_the_counterfactual_covers_when_nothing_happened_and_sees_a_halving():
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(12):
        series = rng.poisson(60, 36).astype(float)
        found = counterfactual(series, 28, rng=rng)
        hits += found.effect.low <= 0 <= found.effect.high
    assert hits >= 10
    series[28:] = rng.poisson(25, 8)
    assert counterfactual(series, 28, rng=rng).effect.high < 0
    with pytest.raises(ValueError, match="12"):
        counterfactual(series, 5, rng=rng)


def test_a_shift_of_mode_from_foot_to_drone():
    rng = np.random.default_rng(3)
    alarms = 0
    after = np.repeat([False, True], 40)
    for _ in range(60):
        alarms += (
            shift_of_mix(
                "mode", rng.choice(["foot", "drone", "boat"], 80).tolist(), after, rng=rng, replicates=99
            ).p_value
            <= 0.05
        )
    assert alarms <= 9
    moved = ["foot"] * 30 + ["drone"] * 10 + ["foot"] * 8 + ["drone"] * 32
    found = shift_of_mix("mode", moved, after, rng=rng)
    assert found.largest == "foot → drone"
    assert found.p_value < 0.01
    assert "refused" in shift_of_mix("hour", moved[:12], after[:12], rng=rng).verdict
