"""Smugglers who learn: each is a rule from what he has seen to the odds of his next attack."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from araz.deployment._instance import Instance
from araz.vocabulary import FloatArray, IntArray


class Smuggler(StrEnum):
    """How a smuggler chooses; all are ours to invent, and others may be picked."""

    BEST_RESPONSE = "best-response"
    """Answers the last 30 nights' frequency of patrols as if it were tonight's (fictitious play)."""
    HEDGE = "hedge"
    """Multiplicative weights over all attacks, told every night what each would have brought (leaked information)."""
    BANDIT = "bandit"
    """Sees only his own sorties, tries every stretch once with an optimism that decays."""
    SUQR = "suqr"
    """Subjective utility quantal response: P(a) ∝ exp(w1 P̂_a + w2 V_a + w3 c_a), perception from 30 nights."""
    MEMORY = "memory"
    """Repeats what succeeded nearby and leaves where he failed (success and failure memory)."""


#: SUQR weights per unit of interception, scaled value and scaled cost (planning.md 3.5: from memory, not confirmed).
SUQR_WEIGHTS: tuple[float, float, float] = (-9.85, 3.7, -1.5)


@dataclass(frozen=True, slots=True, eq=False)
class Mind:
    """What one smuggler knows: ``score`` [A or cells], ``seen`` interception frequency [A], nights learned."""

    kind: Smuggler
    score: FloatArray
    seen: FloatArray
    nights: int = 0
    weights: tuple[float, float, float] = SUQR_WEIGHTS
    history: tuple[FloatArray, ...] = field(default=(), repr=False)


def new_mind(kind: Smuggler, instance: Instance) -> Mind:
    """A smuggler on his first night: knows values and costs, expects nobody."""
    size = len(instance.cell_m) if kind in (Smuggler.BANDIT, Smuggler.MEMORY) else instance.attacks
    start = float(instance.net_kg.max()) if kind is Smuggler.BANDIT else 0.0
    return Mind(kind, np.full(size, start), np.zeros(instance.attacks))


def choices(mind: Mind, instance: Instance, open_attacks: FloatArray | None = None) -> FloatArray:
    """Odds [A] of his next attack (sum 1; all zero when nothing pays and he stays at home).

    ``open_attacks`` [A] of 0 and 1 masks attacks that are closed to him (a closed border, a lost supplier).
    """
    open_now = np.ones(instance.attacks) if open_attacks is None else np.asarray(open_attacks, dtype=np.float64)
    if not np.any(open_now > 0):
        return np.zeros(instance.attacks)
    expected = instance.net_kg - instance.at_stake_kg * mind.seen
    if mind.kind is Smuggler.BEST_RESPONSE:
        value = np.where(open_now > 0, expected, -np.inf)
        top = value >= value.max() - 0.02 * abs(float(value.max()))
        return top / top.sum() if value.max() > 0 else np.zeros(instance.attacks)
    if mind.kind is Smuggler.HEDGE:
        return _softmax(mind.score, open_now)
    if mind.kind is Smuggler.SUQR:
        w1, w2, w3 = mind.weights
        scale = max(float(instance.value_kg.max()), 1e-9)
        return _softmax(w1 * mind.seen + w2 * instance.value_kg / scale + w3 * instance.cost_kg / scale, open_now)
    near = mind.score[instance.crossing]
    if mind.kind is Smuggler.BANDIT:
        return _softmax(1.2 * near + 0.05 * instance.net_kg, open_now)
    return _softmax(0.6 * near + 0.15 * instance.net_kg, open_now)


def learn(
    mind: Mind, instance: Instance, caught_odds: FloatArray, flown: IntArray, seized: IntArray, memory: int = 30
) -> Mind:
    """One night later. ``caught_odds`` [A]: last night's interception D·max q under the roster that stood (what leaks).

    ``flown`` and ``seized`` [N]: his own attacks and whether each was caught; a bandit and a memory see no more.
    """
    history = (*mind.history, caught_odds)[-memory:]
    score = mind.score
    if mind.kind is Smuggler.HEDGE:
        gain = instance.net_kg - instance.at_stake_kg * caught_odds
        rate = np.sqrt(8.0 * np.log(instance.attacks) / (mind.nights + 1.0)) / max(float(instance.value_kg.max()), 1e-9)
        score = rate * (np.asarray(mind.score) / max(_rate(mind, instance), 1e-12) + gain)
    elif mind.kind is Smuggler.BANDIT:
        brought = instance.net_kg[flown] - instance.at_stake_kg[flown] * seized
        score = 0.98 * mind.score
        np.add.at(score, instance.crossing[flown], 0.3 * (brought - score[instance.crossing[flown]]))
    elif mind.kind is Smuggler.MEMORY:
        score = 0.97 * mind.score
        for shift in (-2, -1, 0, 1, 2):
            at = np.clip(instance.crossing[flown] + shift, 0, len(score) - 1)
            np.add.at(score, at, np.where(seized > 0, -4.0, 1.5) / (1 + abs(shift)))
    seen = np.mean(history, axis=0)
    return Mind(mind.kind, score, seen, mind.nights + 1, mind.weights, history)


def refit_suqr(
    instance: Instance, seen: FloatArray, attack: IntArray, inclusion: FloatArray
) -> tuple[float, float, float]:
    """SUQR weights from seizures, each weighted by 1/π: maximum weighted likelihood by Newton steps with a ridge.

    max Σ_i (1/π_i) ln P(a_i) over w, P(a) ∝ exp(w · (P̂_a, V_a, c_a)). Seizures are a biased sample of flights, by
    exactly π; the weights undo that. Fails with ValueError on a π outside (0, 1].
    """
    if len(attack) == 0:
        return SUQR_WEIGHTS
    if not np.all((inclusion > 0) & (inclusion <= 1)):
        raise ValueError("inclusion holds the probability that each seizure was made: above 0, at most 1.")
    scale = max(float(instance.value_kg.max()), 1e-9)
    feature = np.stack([seen, instance.value_kg / scale, instance.cost_kg / scale], axis=1)
    weight = 1.0 / inclusion
    weight = weight / weight.sum() * len(attack)
    w, prior = np.array(SUQR_WEIGHTS), np.array(SUQR_WEIGHTS)
    for _ in range(30):
        odds = _softmax(feature @ w, np.ones(instance.attacks))
        mean = odds @ feature
        spread = (feature * odds[:, None]).T @ feature - np.outer(mean, mean)
        slope = weight @ (feature[attack] - mean) - 0.05 * (w - prior)
        step = np.linalg.solve(len(attack) * spread + 0.05 * np.eye(3), slope)
        w = w + np.clip(step, -5.0, 5.0)
        if np.abs(step).max() < 1e-8:
            break
    return float(w[0]), float(w[1]), float(w[2])


def _rate(mind: Mind, instance: Instance) -> float:
    """The Hedge rate the score was last multiplied with (1 on the first night)."""
    if mind.nights == 0:
        return 1.0
    return float(np.sqrt(8.0 * np.log(instance.attacks) / mind.nights) / max(float(instance.value_kg.max()), 1e-9))


def _softmax(score: FloatArray, mask: FloatArray) -> FloatArray:
    value = np.where(mask > 0, score, -np.inf)
    out = np.exp(value - value.max())
    return np.asarray(out / out.sum(), dtype=np.float64)
