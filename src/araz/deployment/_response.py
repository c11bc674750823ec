"""How much response a plan owes an attack: the threshold form of E[max], and its cuts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from araz.deployment._instance import Instance
from araz.vocabulary import BoolArray, FloatArray, IntArray, frozen_array


@dataclass(frozen=True, slots=True, eq=False)
class ResponseTable:
    """Every response row sorted from the best post down: ``column`` [R, Q] into y [P·W + 1], ``q`` [R, Q], 0-padded.

    Column P·w + p is post p in window w; column P·W is a post that nobody can man.
    """

    column: IntArray
    q: FloatArray
    sorties: int
    size: int

    def at(self, rows: IntArray | BoolArray) -> ResponseTable:
        """The table of some rows only."""
        return ResponseTable(self.column[rows], self.q[rows], self.sorties, self.size)


@lru_cache(maxsize=4)
def response_table(instance: Instance) -> ResponseTable:
    """Sort each response row by q, best first; rows are padded to the longest with q = 0. Made once an instance."""
    response, posts = instance.response, instance.posts
    counts = np.diff(response.indptr)
    width = int(counts.max(initial=0)) or 1
    rows = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((response.indices, -response.data, rows))
    place = np.arange(response.nnz) - np.repeat(response.indptr[:-1], counts)
    size = posts * instance.windows
    column = np.full((len(counts), width), size, dtype=np.int64)
    q = np.zeros((len(counts), width))
    column[rows, place] = response.indices[order] + posts * instance.row_window[rows]
    q[rows, place] = response.data[order]
    return ResponseTable(frozen_array(column, np.int64), frozen_array(q, np.float64), instance.sorties, size)


def marginal_response(table: ResponseTable, y: FloatArray) -> FloatArray:
    """Most response that any mixture with marginals y [P·W] can give each row [R], per sortie of m.

    f_r(y) = max{ Σ_p u_p q_rp : Σ_p u_p ≤ m, 0 ≤ u ≤ y } / m = min_τ [ mτ + Σ_p (q_rp − τ)⁺ y_p ] / m.
    It bounds E[sum of the m best q among the teams out] / m for every mixture with these marginals (Letchford and
    Conitzer 2013 for m = 1), with equality for comb sampling when the level sets of q are intervals.
    """
    mass = np.append(y, 0.0)[table.column]
    before = np.cumsum(mass, axis=1) - mass
    used = np.clip(table.sorties - before, 0.0, mass)
    return np.asarray(np.einsum("ij,ij->i", used, table.q) / table.sorties, dtype=np.float64)


def thresholds(table: ResponseTable, rows: IntArray, y: FloatArray) -> FloatArray:
    """The τ [N] at which the minimum of ``marginal_response`` is reached for some rows: q of the last post used."""
    column, q = table.column[rows], table.q[rows]
    filled = np.cumsum(np.append(y, 0.0)[column], axis=1) >= table.sorties - 1e-12
    first = np.argmax(filled, axis=1)
    return np.where(filled.any(axis=1), q[np.arange(len(rows)), first], 0.0)


def cut_coefficients(
    table: ResponseTable, rows: IntArray, tau: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """f_r(y) ≤ ``constant`` + Σ ``coefficient`` · y: as (cut number, column of y, coefficient) and constant [N]."""
    over = np.maximum(table.q[rows] - tau[:, None], 0.0) / table.sorties
    cut, place = np.nonzero(over)
    return cut, table.column[rows[cut], place], over[cut, place], tau.copy()


def top_response(table: ResponseTable, placements: FloatArray) -> FloatArray:
    """Response [R, N] of placements [N, P·W] of 0 and 1: mean of the m best q among the posts that are manned."""
    manned = np.zeros((len(placements), table.size + 1), dtype=np.bool_)
    manned[:, :-1] = placements > 0.5
    response: FloatArray = _best_manned(table.column, table.q, manned, table.sorties)
    return response


@njit(cache=True)
def _best_manned(column: IntArray, q: FloatArray, manned: BoolArray, sorties: int) -> FloatArray:
    """``top_response`` row by row: from the best post down until m teams are found, which is soon."""
    out = np.zeros((len(q), len(manned)))
    for row in range(len(q)):
        for night in range(len(manned)):
            found, total = 0, 0.0
            for place in range(q.shape[1]):
                if q[row, place] <= 0.0 or found == sorties:
                    break
                if manned[night, column[row, place]]:
                    total += q[row, place]
                    found += 1
            out[row, night] = total / sorties
    return out


def summed(index: IntArray, weight: FloatArray, size: int) -> FloatArray:
    """Σ of weights by index, [size]."""
    return np.asarray(np.bincount(index, weight, size), dtype=np.float64)
