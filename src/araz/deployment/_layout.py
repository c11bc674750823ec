"""Whole sensors: the fewest for a promised level, the best layout of a budget, and the commander's cost curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from araz.deployment._instance import Instance, detection
from araz.deployment._joint import Layout, _Cuts, joint_bound, layout_value
from araz.deployment._lp import INFINITY, Programme
from araz.deployment._marginals import GoOn, add_patrol_rows, always, even_coverage, patrol_columns, solve_marginals
from araz.deployment._response import response_table
from araz.vocabulary import FloatArray

_ALL_CUTS = 2_000  # up to so many, whole sensors are chosen against every cut: dropping slack ones can go in circles
_NODES = 100  # of branch and bound; a limit in seconds would give a busy machine another layout


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


def fewest_sensors(instance: Instance, level_kg: float, *, tries: int = 4, go_on: GoOn = always) -> Cover | None:
    """The cheapest sensors with which patrols hold every attack to ``level_kg``; None when not even all sites do.

    min cost·x over the tangents of ``joint_bound`` at this level: relaxed first, then whole by branch and bound,
    cutting again where the whole layout leaks. The least cost is the larger of what the two proved.
    """
    return _fewest(instance, level_kg, layout_value(instance, np.ones(instance.sensors)), tries, go_on)


def _fewest(instance: Instance, level_kg: float, least_kg: float, tries: int, go_on: GoOn) -> Cover | None:
    """``fewest_sensors``, when it is known that all sites together hold the attacks to ``least_kg``."""
    best = Cover(np.ones(instance.sensors), float(instance.sensor_cost.sum()), 0.0, least_kg, level_kg)
    if not best.kept:
        return None
    cuts = _Cuts(instance, response_table(instance))
    x, y, least = _relaxed_cover(instance, cuts, level_kg, go_on)
    for _ in range(tries):
        if not go_on():
            break
        x, y, bound = _whole_cover(instance, cuts, level_kg, x, y)
        least = max(least, bound)
        found = Cover(x, float(instance.sensor_cost @ x), least, layout_value(instance, x), level_kg)
        best = min(best, found, key=lambda cover: cover.cost if cover.kept else np.inf)
        leaks = cuts.violated(level_kg, x, y, 1e-4)
        if len(leaks) == 0:
            break
        cuts.add(leaks, x, y)
    return replace(best, least_cost=least)


def plan_layout(instance: Instance, budget: float, *, go_on: GoOn = always, target: float = 0.01) -> Layout:
    """Sensors within a budget, and the bound over all layouts of that budget.

    From the bound upwards, levels are covered with whole sensors (``fewest_sensors``' programme) and what money is left
    goes, one sensor at a time, to where the patrols' own proof is weakest; the best layout by its own marginal bound
    is kept, until it is within ``target`` of the bound over all layouts or ``go_on()`` says stop.
    Raises ValueError on a negative budget.
    """
    if not budget >= 0:
        raise ValueError(f"budget is {budget}; give a cost of 0 or more.")
    low = joint_bound(instance, budget, go_on=go_on)
    best = _spend(instance, np.zeros(instance.sensors), budget, go_on)
    level = low * 1.0005 + 1e-6
    cuts = _Cuts(instance, response_table(instance))
    while best[1] > low * (1.0 + target) and go_on() and level < best[1]:
        x, y, _ = _relaxed_cover(instance, cuts, level, go_on)
        for _ in range(3):
            x, y, _ = _whole_cover(instance, cuts, level, x, y)
            found = _spend(instance, _within(instance, x, budget), budget, go_on)
            best = min(best, found, key=lambda pair: pair[1])
            leaks = cuts.violated(level, x, y, 1e-4)
            if len(leaks) == 0 or not go_on() or best[1] <= low * (1.0 + target):
                break
            cuts.add(leaks, x, y)
        level = level + 0.25 * (best[1] - level) if best[1] > level * 1.004 else INFINITY
    value = best[1]
    return Layout(best[0], value, min(low, value), float(instance.sensor_cost @ best[0]))


def cost_curve(
    instance: Instance, levels_kg: FloatArray, *, go_on: GoOn = always
) -> Iterator[tuple[float, Cover | None]]:
    """For each promised level, one at a time: the fewest sensors found and the least that are proved necessary."""
    least_kg = layout_value(instance, np.ones(instance.sensors))
    found: list[Cover] = []
    for level in levels_kg.tolist():
        cover = _fewest(instance, level, least_kg, 3, go_on)
        if cover is not None:
            # What holds a harder promise holds this one too.
            holds = [other for other in found if other.value_kg <= level]
            cheapest = min([cover, *holds], key=lambda one: one.cost)
            cover = replace(cheapest, least_cost=cover.least_cost, level_kg=level)
            found.append(cover)
        yield level, cover


def _cover_programme(instance: Instance, cuts: _Cuts, whole: bool) -> Programme:
    sensors, size = instance.sensors, cuts.table.size
    columns = sensors + size
    upper = np.concatenate([np.ones(sensors), patrol_columns(instance)])
    cost = np.concatenate([instance.sensor_cost, np.zeros(size)])
    programme = Programme(cost, 0.0, upper, np.arange(columns) < sensors if whole else None)
    add_patrol_rows(programme, instance, sensors)
    return programme


def _relaxed_cover(
    instance: Instance, cuts: _Cuts, level_kg: float, go_on: GoOn
) -> tuple[FloatArray, FloatArray, float]:
    """Least fractional cost at a level; the bound holds after any number of rounds."""
    programme = _cover_programme(instance, cuts, whole=False)
    x, taken, least = np.full(instance.sensors, 0.3), 0, 0.0
    y = even_coverage(instance)
    if len(cuts.violated(level_kg, x, y, 1e-4)) == 0:
        x = np.zeros(instance.sensors)  # too much to begin with: nothing would be cut, and nothing proved
    for _ in range(120):
        leaks = cuts.violated(level_kg, x, y, 1e-4)
        if len(leaks) == 0 or not go_on():
            break
        cuts.add(leaks, x, y)
        need = cuts.need(level_kg, cuts.attack) - cuts.constant
        programme.add_rows(csr_array(cuts.matrix[taken:]), np.maximum(need[taken:], -INFINITY), INFINITY)
        taken = len(need)
        answer = programme.solve()
        if not (answer.proved and answer.feasible):
            break
        x, y = np.clip(answer.x[: instance.sensors], 0, 1), np.clip(answer.x[instance.sensors :], 0, 1)
        least = answer.bound
    return x, y, least


def _whole_cover(
    instance: Instance, cuts: _Cuts, level_kg: float, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Whole sensors against the cuts that are nearly tight at (x, y); its bound holds, fewer cuts only lower it."""
    need = cuts.need(level_kg, cuts.attack) - cuts.constant
    slack = cuts.matrix @ np.concatenate([x, y]) - need
    kept = np.flatnonzero(np.isfinite(need) & ((slack < 1.0) | (len(need) <= _ALL_CUTS)))
    programme = _cover_programme(instance, cuts, whole=True)
    programme.option("mip_rel_gap", 0.02)
    programme.option("mip_max_nodes", _NODES)
    programme.add_rows(csr_array(cuts.matrix[kept]), need[kept], INFINITY)
    answer = programme.solve()
    if not answer.feasible:
        return np.ones(instance.sensors), y, 0.0
    sensors = instance.sensors
    chosen = np.asarray((answer.x[:sensors] > 0.5) | (instance.sensor_cost <= 0), dtype=np.float64)
    return chosen, np.clip(answer.x[sensors:], 0, 1), max(0.0, answer.bound)


def _within(instance: Instance, x: FloatArray, budget: float) -> FloatArray:
    """Drop the sensors that lift the summed hazard of the valuable attacks least, until the budget holds."""
    out = x.copy()
    worth = instance.net_kg / max(float(instance.net_kg.max()), 1e-9)
    while float(instance.sensor_cost @ out) > budget:
        unseen = worth * (1.0 - detection(instance, out))
        loss = instance.hazard.T @ unseen
        standing = np.flatnonzero(out > 0.5)
        out[standing[np.argmin(loss[standing] / np.maximum(instance.sensor_cost[standing], 1e-9))]] = 0.0
    return out


def _spend(instance: Instance, x: FloatArray, budget: float, go_on: GoOn) -> tuple[FloatArray, float]:
    """Buy one sensor at a time where the proof of what gets through is steepest; return the best seen and its value.

    When ``go_on()`` says stop, the rest goes to where most value flies unseen, and only the end is proved.
    """
    out = np.maximum(x, instance.sensor_cost <= 0)
    proof, proved = solve_marginals(instance, detection(instance, out), tolerance_kg=1e-3), True
    best = (out.copy(), proof.bound_kg)
    while True:
        weight = proof.mixture if proved else np.maximum(instance.net_kg, 0.0)
        unseen = weight * instance.at_stake_kg * (1.0 - detection(instance, out))
        pull = instance.hazard.T @ unseen / np.maximum(instance.sensor_cost, 1e-9)
        free = (out < 0.5) & (instance.sensor_cost <= budget - float(instance.sensor_cost @ out) + 1e-9)
        more = bool(np.any(free & (pull > 1e-12)))
        if more:
            out[int(np.argmax(np.where(free, pull, -1.0)))] = 1.0
            proved = go_on()
        if proved is more:
            proof = solve_marginals(instance, detection(instance, out), tolerance_kg=1e-3)
            best = min(best, (out.copy(), proof.bound_kg), key=lambda pair: pair[1])
        if not more:
            return best
