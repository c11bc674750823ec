"""Sensors and patrols together: a bound over every layout within a budget, and a layout that comes close to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from araz.deployment._instance import Instance, detection, place_of
from araz.deployment._lp import INFINITY, Programme
from araz.deployment._marginals import (
    GoOn,
    add_patrol_rows,
    always,
    even_coverage,
    patrol_columns,
    shifted,
    solve_marginals,
    worst_of_each,
)
from araz.deployment._response import ResponseTable, cut_coefficients, marginal_response, response_table, thresholds
from araz.vocabulary import FloatArray, IntArray

_TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which sites to equip and what is proved: no layout within the budget, with any patrols, gets below ``bound_kg``.

    ``value_kg``: the marginal bound of this very layout (what patrols can reach with it).
    """

    sensors_on: FloatArray
    value_kg: float
    bound_kg: float
    cost: float

    @property
    def gap(self) -> float:
        """Value / bound − 1; infinite when the bound is 0 and the value is not."""
        if self.value_kg <= self.bound_kg:
            return 0.0
        return self.value_kg / self.bound_kg - 1.0 if self.bound_kg > 0 else float("inf")


class _Cuts:
    """Tangents of ln D_a(x) + ln f_a(y) ≥ ln(1 − (z + c_a − h-part) / V_a), valid at every level z."""

    def __init__(self, instance: Instance, table: ResponseTable) -> None:
        self.instance, self.table = instance, table
        self.hazard = instance.hazard
        self.attack: IntArray = np.zeros(0, dtype=np.int64)
        self.matrix = csr_array((0, instance.sensors + table.size))
        self.constant: FloatArray = np.zeros(0)
        self.group = place_of(instance)

    def need(self, level_kg: float, attack: IntArray) -> FloatArray:
        """Ln of the interception that holds each attack at the level; −inf where none is needed."""
        share = (self.instance.net_kg[attack] - level_kg) / np.maximum(self.instance.at_stake_kg[attack], _TINY)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(share > 0, np.log(np.maximum(share, _TINY)), -np.inf)

    def reached(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Ln D_a(x) + ln f_a(y) [A]."""
        seen = detection(self.instance, x)
        met = marginal_response(self.table, y)[self.instance.response_row]
        return np.asarray(np.log(np.maximum(seen, _TINY)) + np.log(np.maximum(met, _TINY)), dtype=np.float64)

    def add(self, attack: IntArray, x: FloatArray, y: FloatArray) -> None:
        """Tangents of some attacks at (x, y), f kept away from 0 so that a cut stays finite."""
        it, table, count = self.instance, self.table, len(attack)
        unseen = (1.0 - it.base_detection[attack]) * np.exp(-(self.hazard[attack] @ x))
        seen = np.maximum(1.0 - unseen, 1e-3)
        rate = unseen / seen
        rows = it.response_row[attack]
        met = np.maximum(marginal_response(table, y)[rows], 1e-3)
        cut, column, slope, constant = cut_coefficients(table, rows, thresholds(table, rows, y))
        lift = self.hazard[attack].tocoo()
        # ln is concave: ln s ≤ ln s0 + (s − s0)/s0 also where s0 was lifted away from the point itself.
        base = np.log(seen) + (1.0 - unseen - seen) / seen - rate * (self.hazard[attack] @ x)
        self.constant = np.concatenate([self.constant, base + np.log(met) - 1.0 + constant / met])
        value = np.concatenate([rate[lift.row] * lift.data, slope / met[cut]])
        place = np.concatenate([lift.col, it.sensors + column])
        new = coo_array((value, (np.concatenate([lift.row, cut]), place)), (count, self.matrix.shape[1])).tocsr()
        self.matrix = csr_array(_stack(self.matrix, new))
        self.attack = np.concatenate([self.attack, attack])

    def violated(self, level_kg: float, x: FloatArray, y: FloatArray, slack: float) -> IntArray:
        """The most violated attack of each (window, crossing) at a level."""
        everything = np.arange(self.instance.attacks)
        over = self.need(level_kg, everything) - self.reached(x, y)
        return worst_of_each(over, self.group, slack)


def _stack(above: csr_array, below: csr_array) -> csr_array:
    return csr_array(
        (
            np.concatenate([above.data, below.data]),
            np.concatenate([above.indices, below.indices]),
            np.concatenate([above.indptr, below.indptr[1:] + above.nnz]),
        ),
        (above.shape[0] + below.shape[0], above.shape[1]),
    )


class _Relaxation:
    """max s: every cut reaches its need + s at level z; x, y within budget, teams and moves. s < 0 proves z too low."""

    def __init__(self, instance: Instance, cuts: _Cuts, budget: float) -> None:
        self.instance, self.cuts = instance, cuts
        sensors, size = instance.sensors, cuts.table.size
        self.columns = sensors + size + 1
        cost = np.zeros(self.columns)
        cost[-1] = -1.0
        lower = np.concatenate([np.zeros(sensors + size), [-50.0]])
        upper = np.concatenate([np.ones(sensors), patrol_columns(instance), [1.0]])
        self.programme = Programme(cost, lower, upper)
        spend = csr_array(np.concatenate([instance.sensor_cost, np.zeros(size + 1)])[None, :])
        self.programme.add_rows(spend, -INFINITY, budget)
        add_patrol_rows(self.programme, instance, sensors)
        self.fixed = self.programme.rows
        self.taken = 0

    def solve(self, level_kg: float) -> tuple[bool, float, FloatArray, FloatArray, FloatArray]:
        """(proved, s or its proved upper bound, x, y, weights of the cuts)."""
        cuts = self.cuts
        need = cuts.need(level_kg, cuts.attack)
        right = np.where(np.isfinite(need), need - cuts.constant, -INFINITY)
        new = cuts.matrix[self.taken :]
        if new.shape[0]:
            minus = coo_array(
                (-np.ones(new.shape[0]), (np.arange(new.shape[0]), np.full(new.shape[0], self.columns - 1))),
                (new.shape[0], self.columns),
            )
            self.programme.add_rows(csr_array(shifted(new, self.columns, 0) + minus), right[self.taken :], INFINITY)
        self.programme.row_bounds(self.fixed + np.arange(self.taken), right[: self.taken], INFINITY)
        self.taken = cuts.matrix.shape[0]
        answer = self.programme.solve()
        sensors = self.instance.sensors
        x, y = np.clip(answer.x[:sensors], 0.0, 1.0), np.clip(answer.x[sensors:-1], 0.0, 1.0)
        return answer.proved and answer.feasible, -answer.bound, x, y, np.maximum(answer.row_dual[self.fixed :], 0.0)


def joint_bound(instance: Instance, budget: float, *, go_on: GoOn = always) -> float:
    """Lower bound on what gets through (kg) over every layout of cost ≤ budget and every plan.

    For a level z every attack needs ln D_a(x) + ln f_a(y) ≥ ln((V_a − c_a − z)/(V_a + h_a)); both terms are concave, so
    tangents are valid for all (x, y), and only the right-hand side depends on z. max s over the tangents: s < 0
    proves that no layout reaches z. Newton steps on s(z) from below raise z only on such a proof.
    """
    cuts = _Cuts(instance, response_table(instance))
    model = _Relaxation(instance, cuts, budget)
    x = np.full(instance.sensors, min(1.0, budget / max(float(instance.sensor_cost.sum()), _TINY)))
    y = even_coverage(instance)
    low, high = 0.0, max(0.0, float(instance.net_kg.max()))
    cuts.add(cuts.violated(0.0, x, y, 1e-9), x, y)
    level = 0.0
    for _ in range(400):
        proved, s, x, y, weight = model.solve(level)
        if not proved:
            break
        if s < -1e-7:
            low = max(low, level)
            level = _next_level(cuts, level, s, weight, high)
            level = max(level, low + 1e-5 * max(low, 1.0))
        cuts_now = cuts.violated(level, x, y, 1e-6)
        if s >= -1e-7 and len(cuts_now) == 0:
            high = min(high, level)
            if high - low <= 1e-4 * max(high, 1e-6):
                break
            level = 0.5 * (low + high)
            continue
        if high - low <= 1e-4 * max(high, 1e-6) or not go_on():
            break
        if len(cuts_now):
            cuts.add(cuts_now, x, y)
    return low


def _next_level(cuts: _Cuts, level: float, s: float, weight: FloatArray, high: float) -> float:
    """Newton: ds/dz = Σ weight / (V − c − z), the slope of the needs under the cuts that bind."""
    gap = np.maximum(cuts.instance.net_kg[cuts.attack[: len(weight)]] - level, 1e-6)
    slope = float(np.sum(weight / gap))
    return min(high, level - s / slope) if slope > 0 else 0.5 * (level + high)


def layout_value(instance: Instance, x: FloatArray) -> float:
    """What patrols can reach at best with a layout: the marginal bound (kg)."""
    return solve_marginals(instance, detection(instance, x), tolerance_kg=1e-4).bound_kg
