"""Sensors and patrols together: cuts that hold for every whole layout, and the least cost of a promise against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array, hstack, vstack

from araz.deployment._instance import Instance, detection
from araz.deployment._lp import INFINITY, Programme, Solved
from araz.deployment._marginals import (
    GoOn,
    Marginals,
    add_patrol_rows,
    even_coverage,
    patrol_columns,
    solve_marginals,
    worst_of_each,
)
from araz.deployment._response import cut_coefficients, marginal_response, response_table, thresholds
from araz.deployment._whole_cuts import whole_cuts
from araz.vocabulary import BoolArray, FloatArray, IntArray

_TINY: Final = 1e-9
#: A cut counts as violated when an attack's response is short by more than this.
SLACK: Final = 1e-4
#: Cuts with less slack than this are put into a programme to begin with; the others when they are violated.
_NEAR: Final = 0.05
#: Of branch and bound; a limit in seconds would give a busy machine another layout.
_NODES: Final = 300


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


class Cuts:
    """Cuts of f_a(y) ≥ R_a / D_a(x), R_a = (V_a − c_a − z) / (V_a + h_a), over v = (x [S], y [P·W]).

    1 / D_a by ``whole_cuts``, f_a by its own pieces: they hold for whole sensors and every plan, and at every level z,
    which only scales what belongs to x. With logarithms of both sides instead a part of a sensor would count for more
    (a geometric mean for an arithmetic one), and ln f takes tangents without end where f has a few pieces. They only
    ever grow, and serve one question after another.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = it = instance
        self._table = response_table(it)
        self._row, first = _equal_rows(it)
        self._hazard, self._unseen = it.hazard[first], 1.0 - it.base_detection[first]
        self._attack: IntArray = np.zeros(0, dtype=np.int64)
        #: Which cuts refuted a layout [cuts]: they do at every level below its value.
        self.refutes: BoolArray = np.zeros(0, dtype=np.bool_)
        self._sees, self._meets = csr_array((0, it.sensors)), csr_array((0, self._table.size))
        self._sees_constant: FloatArray = np.zeros(0)
        self._meets_constant: FloatArray = np.zeros(0)

    @property
    def count(self) -> int:
        """Number of cuts so far."""
        return len(self._attack)

    def need(self, level_kg: float, attack: IntArray | None = None) -> FloatArray:
        """R: the interception that holds each attack at the level, 0 where none is needed."""
        it = self.instance
        own = slice(None) if attack is None else attack
        return np.maximum(it.net_kg[own] - level_kg, 0.0) / np.maximum(it.at_stake_kg[own], _TINY)

    def rows(self, level_kg: float, cut: IntArray) -> tuple[csr_array, FloatArray]:
        """Left and right side (left · v ≥ right) of some cuts at a level; −inf where no interception is needed."""
        share = self.need(level_kg, self._attack[cut])
        left = hstack([diags_array(share) @ self._sees[cut], self._meets[cut]], format="csr")
        right = -share * self._sees_constant[cut] - self._meets_constant[cut]
        return csr_array(left), np.where(share > 0, right, -np.inf)

    def short(self, level_kg: float, x: FloatArray, y: FloatArray) -> FloatArray:
        """By how much (x, y) falls short of every cut so far; −inf where no interception is needed."""
        share = self.need(level_kg, self._attack)
        held = share * (self._sees @ x + self._sees_constant) + self._meets @ y + self._meets_constant
        return np.where(share > 0, -held, -np.inf)

    def worst(self, level_kg: float, x: FloatArray, y: FloatArray) -> IntArray:
        """The cut so far of each cell that (x, y) violates most."""
        return worst_of_each(self.short(level_kg, x, y), self.instance.crossing[self._attack], SLACK)

    def grow(self, level_kg: float, x: FloatArray, y: FloatArray) -> int:
        """Add the cut of the attack over each cell that (x, y) leaves most open at a level; return how many."""
        it, seen = self.instance, self._whole(x)
        over = -self.need(level_kg) * seen[2][self._row] - marginal_response(self._table, y)[it.response_row]
        attack = worst_of_each(over, it.crossing, SLACK)
        return self._add(attack, seen, y, False)

    def refute(self, x: FloatArray, proof: Marginals) -> int:
        """Add the cuts, exact at whole sensors x, that together prove what no patrols hold with x; return how many.

        They are those of the attacks in the proof's mixture; where a team more or less stands just at the threshold,
        the pieces on both sides.
        """
        attack, seen = np.flatnonzero(proof.mixture > 0), self._whole(x)
        return sum(self._add(attack, seen, share * proof.coverage.ravel(), True) for share in (1.0, 1.0 - 1e-7))

    def _whole(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        hazard = self._hazard
        return whole_cuts(hazard.indptr.astype(np.int64), hazard.indices.astype(np.int64), hazard.data, self._unseen, x)

    def _add(
        self, attack: IntArray, seen: tuple[FloatArray, FloatArray, FloatArray], y: FloatArray, refutes: bool
    ) -> int:
        if len(attack) == 0:
            return 0
        table, hazard, (slope, constant, _) = self._table, self._hazard, seen
        rows, own = self.instance.response_row[attack], self._row[attack]
        cut, column, gain, threshold = cut_coefficients(table, rows, thresholds(table, rows, y))
        meets = coo_array((gain, (cut, column)), (len(attack), table.size))
        sees = csr_array((slope, hazard.indices, hazard.indptr), hazard.shape)[own]
        self._meets, self._sees = (
            csr_array(vstack(pair, format="csr")) for pair in ((self._meets, meets), (self._sees, sees))
        )
        self._meets_constant = np.concatenate([self._meets_constant, threshold])
        self._sees_constant = np.concatenate([self._sees_constant, constant[own]])
        self._attack = np.concatenate([self._attack, attack])
        self.refutes = np.concatenate([self.refutes, np.full(len(attack), refutes)])
        return len(attack)


def relaxed_cover(
    cuts: Cuts, level_kg: float, go_on: GoOn, enough: float = INFINITY
) -> tuple[FloatArray, FloatArray, float]:
    """Least cost of fractions of sensors at a level: x, y and the cost, a proved bound after any number of rounds.

    Stops when ``enough`` is passed: there is no cover at all, or none so cheap.
    """
    programme, inside = _programme(cuts, whole=False), np.zeros(0, dtype=np.bool_)
    x, y, least = np.zeros(cuts.instance.sensors), even_coverage(cuts.instance), 0.0
    for _ in range(200):
        fresh = _short_of(cuts, level_kg, (x, y), inside)
        if len(fresh) == 0:
            if cuts.grow(level_kg, x, y) == 0:
                break
            fresh = np.arange(len(inside), cuts.count)
        inside = _take(programme, cuts, level_kg, inside, fresh)
        answer = programme.solve()
        if answer.proved and not answer.feasible:
            return x, y, INFINITY
        if not answer.proved:
            break
        x, y = _split(cuts, answer)
        least = answer.bound
        if least > enough or not go_on():
            break
    return x, y, least


class WholeCover:
    """The cheapest whole sensors at one level against the cuts that matter, solved again as cuts are added.

    ``is_enough``: any cover within the budget will do; to prove the last sensor away costs more than all before, and
    where only a budget is asked for it teaches nothing.
    """

    def __init__(
        self, cuts: Cuts, level_kg: float, near: tuple[FloatArray, FloatArray], budget: float,
        *, is_enough: bool = False,
    ) -> None:  # fmt: skip
        self._cuts, self._level, self._budget, self._is_enough = cuts, level_kg, budget, is_enough
        self._inside: BoolArray = (cuts.short(level_kg, *near) > -_NEAR) | cuts.refutes

    def solve(self, keep: FloatArray | None = None) -> tuple[FloatArray, FloatArray, float] | None:
        """Whole x, y and a proved bound on the cost; None: it is proved that no layout within the budget will do.

        x is all ones and the bound 0 where branch and bound found nothing and proved nothing. ``keep`` [S]: sites that
        stay as they are (0 or 1), NaN where the choice is free; all that is proved is proved of those only.
        """
        cuts, sensors = self._cuts, self._cuts.instance.sensors
        programme = _programme(cuts, whole=True)
        programme.option("mip_max_nodes", _NODES)
        if self._is_enough:
            programme.option("objective_target", self._budget + 1e-6)
        if keep is not None:
            held = np.flatnonzero(np.isfinite(keep))
            programme.bounds(held, keep[held], keep[held])
        cost = np.concatenate([cuts.instance.sensor_cost, np.zeros(programme.columns - sensors)])
        programme.add_rows(csr_array(cost[None, :]), -INFINITY, self._budget)
        _take(programme, cuts, self._level, np.zeros(len(self._inside), bool), np.flatnonzero(self._inside))
        answer = programme.solve()
        if answer.proved and not answer.feasible:
            return None
        if not answer.feasible:
            return np.ones(sensors), even_coverage(cuts.instance), max(0.0, answer.bound)
        x, y = _split(cuts, answer)
        x = np.asarray((x > 0.5) | (cuts.instance.sensor_cost <= 0), dtype=np.float64)
        return x, y, max(0.0, answer.bound)

    def cut(self, x: FloatArray, y: FloatArray, proof: Marginals) -> bool:
        """Take in what whole sensors x leave open with y, and what refutes them; False when that is nothing."""
        before = int(self._inside.sum())
        self._inside[self._cuts.worst(self._level, x, y)] = True
        fresh = self._cuts.grow(self._level, x, y)
        if proof.bound_kg > self._level:
            fresh += self._cuts.refute(x, proof)
        self._inside = np.concatenate([self._inside, np.ones(fresh, dtype=bool)])
        return int(self._inside.sum()) > before


def layout_value(instance: Instance, x: FloatArray) -> float:
    """What patrols can reach at best with a layout: the marginal bound (kg)."""
    return solve_marginals(instance, detection(instance, x), tolerance_kg=1e-4).bound_kg


def _programme(cuts: Cuts, whole: bool) -> Programme:
    """Min cost·x over x [S] and y [P·W] within teams and moves."""
    it = cuts.instance
    sensors = it.sensors
    upper = np.concatenate([np.ones(sensors), patrol_columns(it)])
    cost = np.concatenate([it.sensor_cost, np.zeros(len(upper) - sensors)])
    programme = Programme(cost, 0.0, upper, np.arange(len(upper)) < sensors if whole else None)
    add_patrol_rows(programme, it, sensors)
    return programme


def _take(programme: Programme, cuts: Cuts, level_kg: float, inside: BoolArray, fresh: IntArray) -> BoolArray:
    inside = np.concatenate([inside, np.zeros(cuts.count - len(inside), dtype=bool)])
    left, right = cuts.rows(level_kg, fresh)
    asked = np.isfinite(right)
    programme.add_rows(left[asked], right[asked], INFINITY)
    inside[fresh[asked]] = True
    return inside


def _short_of(cuts: Cuts, level_kg: float, at: tuple[FloatArray, FloatArray], inside: BoolArray) -> IntArray:
    """Cuts that are violated and not in a programme yet."""
    short = cuts.short(level_kg, *at)
    short[: len(inside)][inside] = -np.inf
    return np.flatnonzero(short > SLACK)


def _split(cuts: Cuts, answer: Solved) -> tuple[FloatArray, FloatArray]:
    sensors, size = cuts.instance.sensors, cuts.instance.windows * cuts.instance.posts
    return np.clip(answer.x[:sensors], 0.0, 1.0), np.clip(answer.x[sensors : sensors + size], 0.0, 1.0)


def _equal_rows(instance: Instance) -> tuple[IntArray, IntArray]:
    """Number of each attack's row of hazards [A], equal rows counted once, and the first attack of each."""
    hazard, known = instance.hazard, {}
    row = np.zeros(instance.attacks, dtype=np.int64)
    first: list[int] = []
    for a, (start, end) in enumerate(zip(hazard.indptr[:-1], hazard.indptr[1:], strict=True)):
        told = (hazard.indices[start:end].tobytes(), hazard.data[start:end].tobytes(), instance.base_detection[a])
        if told not in known:
            known[told] = len(first)
            first.append(a)
        row[a] = known[told]
    return row, np.array(first, dtype=np.int64)


def one_of_each_window(instance: Instance) -> Instance:
    """Leave out the attacks of windows that repeat an earlier one: the same patrols serve both.

    Only where no move limit couples the windows.
    """
    if instance.limits.max_move_m is not None:
        return instance
    kept, known = np.ones(instance.attacks, dtype=np.bool_), set()
    for w in range(instance.windows):
        mine = np.flatnonzero(instance.window == w)
        response, hazard = instance.response[instance.response_row[mine]], instance.hazard[mine]
        own = [instance.net_kg[mine], instance.at_stake_kg[mine], instance.base_detection[mine]]
        parts = [part for table in (response, hazard) for part in (table.data, table.indices, table.indptr)]
        told = (int(instance.teams[w]), *(part.tobytes() for part in (*own, *parts)))
        kept[mine] = told not in known
        known.add(told)
    if kept.all():
        return instance
    names = ("value_kg", "cost_kg", "base_detection", "crossing", "window", "aircraft", "drop", "launch")
    some = {name: getattr(instance, name)[kept] for name in (*names, "response_row")}
    penalty = None if instance.penalty_kg is None else instance.penalty_kg[kept]
    return instance.with_(**some, hazard=instance.hazard[kept], penalty_kg=penalty)
