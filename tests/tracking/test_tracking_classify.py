"""The class posterior: against a slow oracle, its laws, its reasons, and devices it never saw."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracking_lab import scan, table

from araz.tracking import class_log_odds, explain_class, init, step
from araz.tracking._classify import (
    CLASS_TABLE,
    ECHO,
    FEATURE_COUNT,
    FEATURE_NAMES,
    HABIT_COUNT,
    classify,
    features_of,
    log_ratios,
)
from araz.tracking._gauss import packed
from araz.tracking._rows import LANES
from araz.tracking._scratch import scratch_of
from araz.vocabulary import CLASS_NAMES, TrackClass, TrackingSettings

CLASSES = len(CLASS_NAMES)
SCRATCH = scratch_of(len(FEATURE_NAMES), 0, 0)


def _tracks(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    mean = rng.normal(0.0, [2000, 2000, 300, 20, 20, 3], (count, 6))
    cov = np.zeros((count, 6, 6))
    cov[:, range(6), range(6)] = rng.uniform(0.2, 70.0, (count, 6))
    return mean, cov


def _after(looks: list[tuple[np.ndarray, np.ndarray, float]], rcs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posterior and habits after looks (mean, cov, seconds) at every track."""
    count = len(rcs)
    lived = np.tile(np.append(CLASS_TABLE.prior, np.zeros(HABIT_COUNT)), (count, 1))
    for mean, cov, at_s in looks:
        classify(
            CLASS_TABLE,
            lived,
            np.arange(count),
            np.arange(count),
            packed(mean, cov),
            rcs,
            10.0,
            1_000_000_000 + round(at_s * 1e6),
            SCRATCH,
        )
    return lived[:, :CLASSES].copy(), lived[:, CLASSES:].copy()


def _oracle(looks: list[tuple[np.ndarray, np.ndarray, float]], rcs: float) -> np.ndarray:
    """The posterior of one track written from the definitions, with no memory but lists."""
    rows = [(m, 0.5 * (c[3, 3] + c[4, 4]), t) for m, c, t in looks if 0.5 * (c[3, 3] + c[4, 4]) < 64.0]
    if not rows:
        return CLASS_TABLE.prior
    steps = [1.0] + [min(b[2] - a[2], 5.0) for a, b in itertools.pairwise(rows)]
    age = np.cumsum(steps)

    def average(values: list[float], memory_s: float) -> list[float]:
        out, x = [], 0.0
        for value, dt, old in zip(values, steps, age, strict=True):
            gain = max(1 - math.exp(-dt / memory_s), dt / old)
            x = (1 - gain) * x + gain * value
            out.append(x)
        return out

    v = [[float(m[3 + axis]) for m, _, _ in rows] for axis in range(3)]
    short = np.array([average(v[axis], 5.0) for axis in range(2)])
    east, north, climb = (average(v[axis], 60.0)[-1] for axis in range(3))
    speed = average([math.hypot(a, b) for a, b in zip(v[0], v[1], strict=True)], 60.0)[-1]
    squared = average([a * a + b * b for a, b in zip(v[0], v[1], strict=True)], 60.0)[-1]
    up_squared = average([a * a for a in v[2]], 60.0)[-1]
    noise = average([n for _, n, _ in rows], 60.0)[-1]
    now = np.hypot(*short)
    slow = fast = now[0]
    along, across = 0.0, 0.0
    for k, (dt, old) in enumerate(zip(steps, age, strict=True)):
        if old <= 8.0:
            slow = fast = now[k]
        fade = 1 - math.exp(-dt / 600.0)
        slow, fast = min(slow + fade * (now[k] - slow), now[k]), max(fast + fade * (now[k] - fast), now[k])
        if k:
            gain = max(1 - math.exp(-dt / 60.0), dt / old)
            cross = abs(short[0, k - 1] * short[1, k] - short[1, k - 1] * short[0, k]) / max(now[k], 1.0) / dt
            along += gain * (abs(now[k] - now[k - 1]) / dt - along)
            across += gain * (cross - across)
    usual = math.hypot(east, north)
    x = [speed, fast, slow, math.sqrt(max(squared - usual**2, 0)), math.degrees(across / max(speed, 2.0)),
         along / max(across, 0.05), along, climb, math.sqrt(max(up_squared - climb**2, 0)), usual / max(speed, 2.0),
         rows[-1][0][2] - 10.0, rcs]  # fmt: skip
    score = np.log(CLASS_TABLE.prior)
    for f, value in enumerate(x):
        if math.isnan(value):
            continue
        for c in range(1, CLASSES):
            by_noise = [np.interp(value, CLASS_TABLE.knots[f], curve) for curve in CLASS_TABLE.log_ratio[f, c - 1]]
            ratio = np.interp(math.sqrt(noise), CLASS_TABLE.noise_knots_mps, by_noise)
            score[c] += CLASS_TABLE.weight[f] * age[-1] / (age[-1] + 6.0) * ratio
    p = np.exp(score - score.max())
    return np.asarray(p / p.sum())


@pytest.mark.parametrize("seed", range(6))
def test_kernel_is_the_slow_oracle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    looks, at_s = [], 0.0
    mean, cov = _tracks(rng, 3)
    for _ in range(40):
        at_s += rng.choice([0.5, 1.0, 4.0, 30.0])
        mean = mean + rng.normal(0.0, [5, 5, 1, 1, 1, 0.3], (3, 6))
        cov = cov * rng.uniform(0.9, 1.1)
        looks.append((mean, cov, at_s))
    rcs = np.array([-12.0, np.nan, -27.0])
    got, _ = _after(looks, rcs)
    for i in range(3):
        want = _oracle([(m[i], c[i], t) for m, c, t in looks], float(rcs[i]))
        assert got[i] == pytest.approx(want, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(-80, 40) | st.just(math.nan), st.floats(0.01, 1e3))
def test_always_a_distribution(seed: int, rcs: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    mean, cov = _tracks(rng, 4)
    got, _ = _after([(mean * scale, cov, 1.0), (mean, cov * scale, 3.0), (mean, cov, 9.0)], np.full(4, rcs))
    assert got.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    assert (got > 0.0).all()


def test_tracks_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(3)
    looks = [(*_tracks(rng, 5), float(k)) for k in range(1, 12)]
    rcs, order = rng.normal(-15, 8, 5), np.array([3, 0, 4, 1, 2])
    got, habit = _after(looks, rcs)
    turned, turned_habit = _after([(m[order], c[order], t) for m, c, t in looks], rcs[order])
    assert np.array_equal(turned, got[order])
    assert np.array_equal(turned_habit, habit[order])
    lived = np.tile(np.append(CLASS_TABLE.prior, np.zeros(HABIT_COUNT)), (5, 1))
    first = lived[0].copy()
    classify(CLASS_TABLE, lived, np.array([2]), np.array([4]), packed(*looks[0][:2]), rcs, 10.0, 1_000_000_000, SCRATCH)
    assert np.array_equal(lived[[0, 1, 3, 4]], np.tile(first, (4, 1)))
    assert not np.array_equal(lived[2], first)


def test_an_unknown_feature_is_silent() -> None:
    looks = [(*_tracks(np.random.default_rng(5), 1), float(k)) for k in range(1, 30)]
    _, habit = _after(looks, np.array([np.nan]))
    feature, with_echo, without = np.zeros(FEATURE_COUNT), *np.zeros((2, FEATURE_COUNT, 1, LANES))
    features_of(habit[0], -14.0, feature)
    log_ratios(CLASS_TABLE, feature, 2.0, 30.0, with_echo)
    features_of(habit[0], math.nan, feature)
    log_ratios(CLASS_TABLE, feature, 2.0, 30.0, without)
    with_echo, without = with_echo[:, 0, :CLASSES], without[:, 0, :CLASSES]
    assert not without[ECHO].any()
    assert np.array_equal(np.delete(with_echo, ECHO, 0), np.delete(without, ECHO, 0))
    assert with_echo[ECHO, TrackClass.MULTIROTOR] > with_echo[ECHO, TrackClass.BIRD]
    assert not with_echo[:, TrackClass.UNKNOWN].any()


def test_a_rough_velocity_and_a_new_track_say_nothing() -> None:
    mean, cov = _tracks(np.random.default_rng(1), 1)
    cov[0, 3, 3] = cov[0, 4, 4] = 100.0
    got, habit = _after([(mean, cov, float(k)) for k in range(1, 20)], np.array([np.nan]))
    assert got[0] == pytest.approx(CLASS_TABLE.prior)
    assert not habit.any()


def test_the_table_is_well_formed() -> None:
    assert CLASS_TABLE.prior.sum() == pytest.approx(1.0)
    assert CLASS_TABLE.prior.argmax() == TrackClass.UNKNOWN
    assert (np.diff(CLASS_TABLE.knots, axis=1) > 0).all()
    assert CLASS_TABLE.log_ratio.shape == (FEATURE_COUNT, CLASSES - 1, 3, CLASS_TABLE.knots.shape[1])
    assert ((CLASS_TABLE.weight >= 0) & (CLASS_TABLE.weight <= 1)).all()
    # No feature alone makes a class certain: the flat part bounds what one can say.
    assert (CLASS_TABLE.weight[:, None, None, None] * np.abs(CLASS_TABLE.log_ratio)).max() < 5.0
    assert len(FEATURE_NAMES) == FEATURE_COUNT


def test_reasons_add_up_to_the_posterior() -> None:
    sensors = table({"sigma": (10.0, 10.0, 10.0, np.nan)})
    state, rng = init(sensors, TrackingSettings()), np.random.default_rng(2)
    for k in range(60):
        place = np.array([14.0 * k, 300.0, 90.0]) + rng.normal(0.0, 10.0, 3)
        state, events = step(state, scan(sensors, 0, float(k + 1), [place], rcs=-9.0))
    picture = events.picture
    row = int(np.argmax(picture.update_count))
    reasons = explain_class(picture, row)
    score = np.log(CLASS_TABLE.prior) + sum(reason.log_ratio for reason in reasons)
    assert picture.class_probability[row] == pytest.approx(np.exp(score) / np.exp(score).sum(), abs=1e-9)
    odds = class_log_odds(picture, row, TrackClass.MANNED_AIRCRAFT)
    assert [reason.feature for _, reason in odds if reason.feature == "mean speed"]
    assert {reason.feature: nats for nats, reason in odds}["echo"] < 0.0
    assert [abs(nats) for nats, _ in odds] == sorted((abs(nats) for nats, _ in odds), reverse=True)
    assert any("echo of -9 dBsm" in reason.words for _, reason in odds)
    assert explain_class(_without_habit(picture), row) == ()


def _without_habit(picture: object) -> object:
    from dataclasses import replace

    return replace(picture, habit=None)  # type: ignore[type-var]


def test_a_fitted_table_is_one_the_kernels_take(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fitted to made looks, it speaks as the fit's own plain arrays say; fitting once made a table of other columns."""
    monkeypatch.syspath_prepend(str(root / "bench"))
    from class_model import Samples, evidence, fit, table_of

    rng, count = np.random.default_rng(5), 60
    truth = np.arange(count) % CLASSES
    s = Samples(
        np.arange(count), truth, np.arange(count) % 12, truth != 0, rng.uniform(0.1, 20.0, (count, FEATURE_COUNT)),
        rng.uniform(0.5, 8.0, count), rng.uniform(3.0, 90.0, count), tuple(f"device {d}" for d in range(12)),
    )  # fmt: skip
    table, out = fit(s), np.zeros((FEATURE_COUNT, 1, LANES))
    said = evidence(s, table_of(s, np.ones(count, np.bool_)), np.arange(count)) * table.weight[:, None]
    for k in range(count):
        log_ratios(table, s.feature[k], s.noise_mps[k], s.age_s[k], out)
        assert out[:, 0, :CLASSES] == pytest.approx(said[k], abs=1e-9)


@pytest.mark.bench
def test_devices_never_seen(shelf: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two radars of five; docs/classes.md holds the full figures. The prior alone loses 1.57 nats."""
    monkeypatch.syspath_prepend(str(root / "bench"))
    from class_looks import RADARS, watch
    from class_flights import pieces  # isort: skip
    from class_model import folds, held_out_evidence, evidence, fit_weights, posterior, samples, table_of  # isort: skip
    from classify import log_loss, reliability  # isort: skip
    from class_model import population  # isort: skip

    found = pieces(shelf)
    s = samples(found, watch(found, RADARS[1:3]))
    ratio, p = held_out_evidence(s), np.zeros((len(s.truth), CLASSES))
    for fold in folds(s):
        mine = np.isin(s.device, fold)
        rows = np.flatnonzero(mine)
        p[rows] = posterior(evidence(s, table_of(s, ~mine), rows), fit_weights(s, ratio, ~mine))
    weight = population(s, np.ones(len(s.truth), np.bool_))
    assert log_loss(p, s.truth, weight) < 1.15
    assert reliability(p, s.truth, weight)[1] < 0.06
    recorded = s.is_recorded & (s.truth > 0)
    assert log_loss(p[recorded], s.truth[recorded], weight[recorded]) < 1.05
    drone = recorded & (s.truth == TrackClass.MULTIROTOR)
    assert weight[drone] @ (p[drone].argmax(1) == TrackClass.BIRD) < 0.35 * weight[drone].sum()
    manned = recorded & (s.truth == TrackClass.MANNED_AIRCRAFT)
    assert weight[manned] @ (p[manned].argmax(1) == TrackClass.MANNED_AIRCRAFT) > 0.65 * weight[manned].sum()
