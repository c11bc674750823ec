"""The nights at hand and their best mixture: blocks of windows, pools of placements, the master programme."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from araz.deployment._comb import Comb, comb_rosters
from araz.deployment._instance import Instance, place_of
from araz.deployment._lp import INFINITY, Programme
from araz.deployment._marginals import GoOn, always, worst_of_each
from araz.deployment._response import ResponseTable, response_table, summed, top_response
from araz.vocabulary import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Windows that hang together, the attacks that can still matter in them, and their rows of the response table."""

    windows: IntArray
    attack: IntArray
    row: IntArray
    table: ResponseTable
    group: IntArray


def blocks_of(instance: Instance, stake: FloatArray, bound_kg: float) -> list[Block]:
    """One block a window, or one for all when moves couple them; attacks worth no more than the bound are left out.

    Of the attacks with the same response row only those are kept that no other beats in V − c and in V·D at once.
    """
    coupled = instance.limits.max_move_m is not None and instance.windows > 1
    groups = [np.arange(instance.windows)] if coupled else [np.array([w]) for w in range(instance.windows)]
    useful = np.flatnonzero(instance.net_kg > bound_kg)
    return [_block(instance, stake, windows, useful) for windows in groups]


def block_with_all(instance: Instance, stake: FloatArray, windows: IntArray, cap_kg: float) -> Block:
    """Some windows with every attack that pays at least a quarter of the best, and all that could pass the cap."""
    worth = np.flatnonzero(instance.net_kg > min(0.25 * float(instance.net_kg.max()), cap_kg))
    return _block(instance, stake, windows, worth)


def _block(instance: Instance, stake: FloatArray, windows: IntArray, useful: IntArray) -> Block:
    attack = _undominated(instance, stake, useful[np.isin(instance.window[useful], windows)])
    rows, row = np.unique(instance.response_row[attack], return_inverse=True)
    row = np.asarray(row, dtype=np.int64).reshape(-1)
    return Block(windows, attack, row, response_table(instance).at(rows), place_of(instance)[attack])


def _undominated(instance: Instance, stake: FloatArray, attack: IntArray) -> IntArray:
    """Attacks that are the best of their response row for some response: falling net, then falling stake."""
    order = np.lexsort((stake[attack], -instance.net_kg[attack], instance.response_row[attack]))
    sorted_attack = attack[order]
    lowest: dict[int, float] = {}
    kept = []
    for a, row, v in zip(sorted_attack, instance.response_row[sorted_attack], stake[sorted_attack], strict=True):
        if v < lowest.get(row, np.inf):
            lowest[row] = v
            kept.append(a)
    return np.sort(np.array(kept, dtype=np.int64))


class Pool:
    """The placements of one block so far and what each does to every row; both only ever grow."""

    def __init__(self, instance: Instance, block: Block) -> None:
        self.instance, self.block = instance, block
        self.placement = np.zeros((0, instance.windows * instance.posts), dtype=np.float64)
        self.response = np.zeros((len(block.table.q), 0))
        self._seen: set[bytes] = set()

    def add(self, placement: FloatArray) -> IntArray:
        """Take in placements [N, P·W] that are new; return their numbers."""
        placement = self._inside(placement)
        fresh = []
        for k, key in enumerate(map(_key, placement)):
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(k)
        new = placement[fresh]
        self.placement = np.concatenate([self.placement, new])
        self.response = np.concatenate([self.response, top_response(self.block.table, new)], axis=1)
        return np.arange(len(self.placement) - len(new), len(self.placement))

    def add_comb(self, comb: Comb) -> FloatArray:
        """Take in the nights of a comb; return the odds of every placement of the pool under it [N]."""
        inside = self._inside(comb.placement.reshape(len(comb.placement), -1))
        self.add(inside)
        number = {key: k for k, key in enumerate(map(_key, self.placement))}
        return summed(np.array([number[key] for key in map(_key, inside)]), comb.probability, len(self.placement))

    def add_combed(self, coverage: FloatArray) -> IntArray:
        """Take in what a comb draws from marginals y [W, P]; return the numbers of what is new."""
        placement = comb_rosters(self.instance, coverage).placement
        return self.add(placement.reshape(len(placement), -1))

    def add_towards(self, aimed: FloatArray, own: FloatArray) -> None:
        """Take in what combs draw from marginals [W, P] and from points on the way to them from one's ``own`` [P·W]."""
        for share in (1.0, 0.7, 0.3):
            self.add_combed(share * aimed + (1.0 - share) * own.reshape(aimed.shape))

    def _inside(self, placement: FloatArray) -> FloatArray:
        """Placements [N, P·W] with the windows of other blocks left empty."""
        inside = np.isin(np.arange(self.instance.windows), self.block.windows)
        return placement * np.repeat(inside, self.instance.posts)


def _key(placement: FloatArray) -> bytes:
    return np.packbits(placement > 0.5).tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """The best mixture of a pool: probabilities [N], the most an attack brings, the smuggler's answer [A block]."""

    probability: FloatArray
    worst_kg: float
    weight: FloatArray


class Master:
    """min Σ_g z_g: z_g(a) + Σ_k π_k V_a D_a resp_ak ≥ V_a − c_a, Σ π = 1; rows are added where the mixture leaks.

    One level z for all attacks, or one for each of ``regions`` (``region`` [attacks of the block]).
    """

    def __init__(self, pool: Pool, stake: FloatArray, region: IntArray | None = None) -> None:
        self._pool = pool
        self._net = pool.instance.net_kg[pool.block.attack]
        self._stake = stake[pool.block.attack]
        self._region = np.zeros(len(self._net), dtype=np.int64) if region is None else region
        self._levels = int(self._region.max(initial=0)) + 1
        self._programme = Programme(np.ones(self._levels), 0.0, INFINITY)
        self._rows: IntArray = np.zeros(0, dtype=np.int64)
        self._columns = 0

    def solve(
        self,
        tolerance_kg: float,
        worth: FloatArray | None = None,
        cap_kg: float | FloatArray = INFINITY,
        go_on: GoOn = always,
    ) -> Mix | None:
        """The best mixture of the whole pool, its leaks checked against every attack of the block.

        No level exceeds ``cap_kg``, one for all or one a region. With ``worth`` [N] the mixture maximises
        Σ_k π_k worth_k within those caps instead. None when HiGHS does not finish or ``go_on()`` says stop.
        """
        self._take_columns()
        costs, caps = np.zeros(self._columns) if worth is None else -worth, np.broadcast_to(cap_kg, self._levels)
        self._programme.cost(np.concatenate([np.full(self._levels, float(worth is None)), costs]))
        self._programme.bounds(np.arange(self._levels), 0.0, caps)
        for _ in range(200):
            answer = self._programme.solve()
            if not (answer.proved and answer.feasible and go_on()):
                return None
            probability = np.maximum(answer.x[self._levels :], 0.0)
            probability /= probability.sum()
            value = self._net - self._stake * (self._pool.response @ probability)[self._pool.block.row]
            allowed = (answer.x if worth is None else caps)[self._region]
            leaks = worst_of_each(value - allowed, self._pool.block.group, tolerance_kg)
            # A row that stands already leaks by HiGHS' own tolerance only: adding it again would never end.
            leaks = leaks[~np.isin(leaks, self._rows)]
            leaks = leaks[np.argsort(-value[leaks])][:400]
            if len(leaks) == 0:
                break
            self._add_rows(leaks)
        dual = np.maximum(answer.row_dual[1:], 0.0)
        weight = summed(self._rows[: len(dual)], dual, len(self._net))
        return Mix(probability, max(0.0, float(value.max(initial=0.0))), weight)

    def _take_columns(self) -> None:
        response = self._pool.response[:, self._columns :]
        count = response.shape[1]
        if self._columns == 0:
            self._programme.add_columns(0.0, 0.0, INFINITY, csr_array((count, 0)))
            ones = np.concatenate([np.zeros(self._levels), np.ones(count)])[None, :]
            self._programme.add_rows(csr_array(ones), 1.0, 1.0)
        else:
            rows = self._stake[self._rows] * response[self._pool.block.row[self._rows]].T
            self._programme.add_columns(
                0.0, 0.0, INFINITY, csr_array(np.concatenate([np.ones((count, 1)), rows], axis=1))
            )
        self._columns += count

    def _add_rows(self, attack: IntArray) -> None:
        saved = self._stake[attack, None] * self._pool.response[self._pool.block.row[attack]]
        levels = (self._region[attack, None] == np.arange(self._levels)).astype(np.float64)
        dense = np.concatenate([levels, saved], axis=1)
        self._programme.add_rows(csr_array(dense), self._net[attack], INFINITY)
        self._rows = np.concatenate([self._rows, attack])
