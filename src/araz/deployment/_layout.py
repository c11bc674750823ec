"""Whole sensors: the fewest for a promised level, the best layout of a budget, and the commander's cost curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from araz.deployment._instance import Instance, detection
from araz.deployment._joint import Cuts, Layout, WholeCover, layout_value, one_of_each_window, relaxed_cover
from araz.deployment._marginals import GoOn, Marginals, always, solve_marginals
from araz.vocabulary import FloatArray

#: Rounds of branch and bound at one level before another is tried.
_ROUNDS: Final = 8
#: Levels in a row without progress after which a search gives up: the rest is HiGHS' tolerance.
_IDLE: Final = 4
#: Exchanges of a standing sensor for a free one that are tried, best first, before a layout counts as settled.
_SWAPS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """A layout for a promised level: its cost, the proved least cost of any, and what it truly holds."""

    sensors_on: FloatArray
    cost: float
    least_cost: float
    value_kg: float
    level_kg: float

    @property
    def kept(self) -> bool:
        """Whether the layout holds the promised level, to one part in a thousand."""
        return self.value_kg <= self.level_kg * 1.001 + 1e-6


def fewest_sensors(instance: Instance, level_kg: float, *, go_on: GoOn = always) -> Cover | None:
    """The cheapest sensors with which patrols hold every attack to ``level_kg``; None when not even all sites do.

    min cost·x over the cuts of ``Cuts`` at this level: relaxed first, then whole by branch and bound, cutting again
    where the whole layout leaks; a layout that leaks is bought full. The least cost is the largest that was proved.
    """
    it = one_of_each_window(instance)
    return _fewest(Cuts(it), it, level_kg, layout_value(it, np.ones(it.sensors)), go_on)


def _fewest(cuts: Cuts, instance: Instance, level_kg: float, least_kg: float, go_on: GoOn) -> Cover | None:
    """``fewest_sensors``, when it is known that all sites together hold the attacks to ``least_kg``."""
    all_cost = float(instance.sensor_cost.sum())
    best = Cover(np.ones(instance.sensors), all_cost, 0.0, least_kg, level_kg)
    if not best.kept:
        return None
    x, y, least = relaxed_cover(cuts, level_kg, go_on)
    model = WholeCover(cuts, level_kg, (x, y), all_cost)
    for _ in range(_ROUNDS):
        told = model.solve() if go_on() else None
        if told is None:
            break
        x, y, bound = told
        least = max(least, bound)
        proof = _proof(instance, x)
        bought, held = _spend(instance, x, proof, best.cost - 1e-9, go_on, level_kg)
        found = Cover(bought, float(instance.sensor_cost @ bought), 0.0, held.bound_kg, level_kg)
        best = min(best, found, key=lambda cover: cover.cost if cover.kept and go_on() else np.inf)
        if best.cost <= least + 1e-6 or not model.cut(x, y, proof):
            break
    return replace(best, least_cost=min(least, best.cost))


def plan_layout(instance: Instance, budget: float, *, go_on: GoOn = always, target: float = 0.01) -> Layout:
    """Sensors within a budget, and the bound over all layouts of that budget.

    Levels between what all sites together reach and the best layout so far: at each the cheapest whole sensors are
    looked for (``WholeCover``). Where none within the budget are proved to do, the bound rises to the level; those that
    are found are filled up to the budget where the patrols' own proof is weakest, exchanged one by one, and kept
    when their own marginal bound is the best. Ends within ``target`` of the bound or when ``go_on()`` says stop.
    Raises ValueError on a negative budget.
    """
    if not budget >= 0:
        raise ValueError(f"budget is {budget}; give a cost of 0 or more.")
    search = _Search(one_of_each_window(instance), budget, go_on, target)
    while not search.done() and search.idle < _IDLE:
        search.at_level()
    return search.layout()


class _Search:
    """The level that is asked next, the bound and the best layout so far."""

    def __init__(self, instance: Instance, budget: float, go_on: GoOn, target: float) -> None:
        self._instance, self._budget, self._go_on, self._target = instance, budget, go_on, target
        self._low = layout_value(instance, np.ones(instance.sensors))
        free = np.asarray(instance.sensor_cost <= 0, dtype=np.float64)
        self._best, self._proof = _spend(instance, free, _proof(instance, free), budget, go_on)
        if not np.any((free < 0.5) & (instance.sensor_cost <= budget)):
            self._low = self._value  # the money buys nothing: there is one layout
        self._level = 0.5 * (self._low + self._value)
        self._cuts: Cuts | None = None
        #: Levels in a row that moved neither the bound nor the layout by a part in ten thousand.
        self.idle = 0
        self._near = (self._best, self._proof.coverage.ravel())

    @property
    def _value(self) -> float:
        return self._proof.bound_kg

    def done(self) -> bool:
        """Whether bound and layout are close enough, or time is up."""
        return self._value <= self._low * (1.0 + self._target) + 1e-6 or not self._go_on()

    def layout(self) -> Layout:
        """The best layout and the bound; its value is solved once more and to the end."""
        cost = float(self._instance.sensor_cost @ self._best)
        value = solve_marginals(self._instance, detection(self._instance, self._best)).bound_kg
        return Layout(self._best, value, min(self._low, value), cost)

    def at_level(self) -> None:
        """Look for whole sensors at the level, mend the best layout, and leave the next level to ask behind."""
        gap, best = self._value - self._low, self._value
        above, below = self._look()
        if self._value < best or above >= self._level > self._low:
            self._mend()
        self.idle = 0 if gap - (self._value - self._low) > 1e-4 * self._value else self.idle + 1
        enough = self._value / (1.0 + self._target) * (1.0 + 1e-5)
        self._level = 0.5 * (max(above, self._low) + min(below, self._value))
        if self._low < enough < self._level and self.idle % 2 == 0:
            # A bound here is all that is asked for, and easier to prove than one nearer to the layout.
            self._level = enough

    def _look(self) -> tuple[float, float]:
        """Raise the bound to the level, or find layouts, or neither; between which levels to ask next."""
        if self._cuts is None:
            self._cuts = Cuts(self._instance)
        x, y, least = relaxed_cover(self._cuts, self._level, self._go_on, self._budget + 1e-6)
        if least > self._budget + 1e-6:
            self._low = max(self._low, self._level)
            return self._low, self._value
        self._near = (x, y)
        model = WholeCover(self._cuts, self._level, self._near, self._budget, is_enough=True)
        for _ in range(_ROUNDS):
            told = model.solve() if self._go_on() else (x, y, 0.0)
            if told is None:
                self._low = max(self._low, self._level)
                return self._low, self._value
            if self.done() or self._is_learnt(model, told[0], told[1]):
                break
            if self._is_easy(told[0]):
                return self._low, self._level
        return (self._low if self._value <= self._level else self._level), self._value

    def _is_easy(self, x: FloatArray) -> bool:
        """Whether the level leaves money while bound and layout are far apart: a harder one teaches more."""
        rest = self._budget - float(self._instance.sensor_cost @ x)
        return rest >= 3.0 * float(self._instance.sensor_cost.max()) and self._value > 1.15 * self._low

    def _is_learnt(self, model: WholeCover, x: FloatArray, y: FloatArray) -> bool:
        """Offer a layout and cut what it leaves open; whether the level is met or nothing more can be cut."""
        proof = _proof(self._instance, x)
        return self._offer(x, proof) or not model.cut(x, y, proof)

    def _mend(self) -> None:
        """Choose again, whole, among the sites around what binds the best layout and around what it can spare."""
        if self._cuts is None:
            return
        for reach_m in (40_000.0, 80_000.0):
            before = self._value
            keep = _elsewhere(self._instance, self._best, self._proof, reach_m)
            level = max(self._low, self._value * (1.0 - 0.5 * self._target))
            model = WholeCover(self._cuts, level, self._near, self._budget, is_enough=True)
            for _ in range(4):
                told = None if self.done() else model.solve(keep)
                if told is None or self._is_learnt(model, told[0], told[1]):
                    break
            if self._value < before:
                break

    def _offer(self, x: FloatArray, proof: Marginals) -> bool:
        """Fill a layout up, exchange what can be exchanged; whether the level is met."""
        full = _spend(self._instance, x, proof, self._budget, self._go_on)
        found, held = _settle(self._instance, *full, self._budget)
        if held.bound_kg < self._value:
            self._best, self._proof = found, held
        return self._value <= self._level * (1.0 + 0.2 * self._target)


def cost_curve(
    instance: Instance, levels_kg: FloatArray, *, go_on: GoOn = always
) -> Iterator[tuple[float, Cover | None]]:
    """For each promised level, one at a time: the fewest sensors found and the least that are proved necessary."""
    it = one_of_each_window(instance)
    least_kg, cuts = layout_value(it, np.ones(it.sensors)), Cuts(it)
    found: list[Cover] = []
    for level in levels_kg.tolist():
        cover = _fewest(cuts, it, level, least_kg, go_on)
        if cover is not None:
            # What holds a harder promise holds this one too.
            holds = [other for other in found if other.value_kg <= level]
            cheapest = min([cover, *holds], key=lambda one: one.cost)
            cover = replace(cheapest, least_cost=cover.least_cost, level_kg=level)
            found.append(cover)
        yield level, cover


def _proof(instance: Instance, x: FloatArray) -> Marginals:
    return solve_marginals(instance, detection(instance, x), tolerance_kg=1e-3)


def _pull(instance: Instance, x: FloatArray, weight: FloatArray) -> FloatArray:
    """How steeply each sensor [S] lowers what gets through, a unit of cost, to first order; ``weight`` [A]."""
    unseen = weight * instance.at_stake_kg * (1.0 - detection(instance, x))
    return np.asarray(instance.hazard.T @ unseen / np.maximum(instance.sensor_cost, 1e-9), dtype=np.float64)


def _spend(
    instance: Instance, x: FloatArray, proof: Marginals, budget: float, go_on: GoOn, enough_kg: float = -1.0
) -> tuple[FloatArray, Marginals]:
    """Buy one sensor at a time where the proof of what gets through is steepest; return the best seen and its proof.

    ``x``, with every free sensor on, and its proof are where it begins. Ends when the money is spent or at most
    ``enough_kg`` gets through.
    When ``go_on()`` says stop, the rest goes to where most value flies unseen, and only the end is proved.
    """
    out, proved = x.copy(), True
    best = (x, proof)
    while best[1].bound_kg > enough_kg:
        pull = _pull(instance, out, proof.mixture if proved else np.maximum(instance.net_kg, 0.0))
        free = (out < 0.5) & (instance.sensor_cost <= budget - float(instance.sensor_cost @ out) + 1e-9)
        more = bool(np.any(free & (pull > 1e-12)))
        if more:
            out[int(np.argmax(np.where(free, pull, -1.0)))] = 1.0
            proved = go_on()
        if proved is more:
            proof = _proof(instance, out)
            best = min(best, (out.copy(), proof), key=lambda pair: pair[1].bound_kg)
        if not more:
            break
    return best


def _elsewhere(instance: Instance, x: FloatArray, proof: Marginals, reach_m: float) -> FloatArray:
    """The layout [S], NaN near the crossings that prove what gets through and near the four sensors it can spare best.

    "Near" is within ``reach_m`` along the border.
    """
    standing = np.flatnonzero(x > 0.5)
    pull = _pull(instance, x, proof.mixture)[standing]
    spared = instance.sensor_m[standing[np.argsort(pull, kind="stable")[:4]]]
    binding = instance.cell_m[instance.crossing[np.argsort(-proof.mixture)[:4]]]
    near = np.abs(instance.sensor_m[:, None] - np.concatenate([spared, binding])) <= reach_m
    return np.where(near.any(axis=1), np.nan, x)


def _settle(instance: Instance, x: FloatArray, proof: Marginals, budget: float) -> tuple[FloatArray, Marginals]:
    """Exchange a sensor that the proof can spare for the free one it asks for, while that lets less through."""
    tries = 0
    while tries < _SWAPS:
        pull = _pull(instance, x, proof.mixture)
        spared = np.flatnonzero((x > 0.5) & (instance.sensor_cost > 0))
        spared = spared[np.argsort(pull[spared], kind="stable")]
        if tries >= len(spared):
            break
        other = x.copy()
        other[spared[tries]] = 0.0
        free = (x < 0.5) & (instance.sensor_cost <= budget - float(instance.sensor_cost @ other) + 1e-9)
        if not np.any(free & (pull > 1e-12)):
            break
        other[int(np.argmax(np.where(free, pull, -1.0)))] = 1.0
        found = _proof(instance, other)
        better = found.bound_kg < proof.bound_kg - 1e-6
        tries = 0 if better else tries + 1
        if better:
            x, proof = other, found
    return x, proof
