"""Double oracle over rosters: mix the nights at hand, find the attack they leave open, find the night that stops it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from araz.deployment._answer import Answerer
from araz.deployment._comb import Comb
from araz.deployment._instance import Instance
from araz.deployment._marginals import GoOn
from araz.deployment._pool import Block, Master, Mix, Pool
from araz.deployment._response import response_table, summed, top_response
from araz.vocabulary import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class BlockPlan:
    """A block's mixture, its worst case and the bound the oracle itself proved for the block."""

    placement: FloatArray
    probability: FloatArray
    worst_kg: float
    bound_kg: float


def close_block(
    instance: Instance, stake: FloatArray, block: Block, pool: Pool, first: Comb, target_kg: float, go_on: GoOn
) -> BlockPlan:
    """Grow the pool until its best mixture lets through no more than ``target_kg``, no answer improves, or time is up.

    ``first`` is where it begins; where its own odds reach the target it is the plan. Answers are first marginals,
    combed into placements that obey the move limits; when those no longer improve, whole placements by branch and bound
    (without move limits), whose dual bound also raises the proved bound.
    """
    share = pool.add_comb(first)
    value = instance.net_kg[block.attack] - stake[block.attack] * (pool.response @ share)[block.row]
    worst_kg = max(0.0, float(value.max(initial=0.0)))
    if worst_kg <= target_kg:
        return BlockPlan(pool.placement.copy(), share, worst_kg, 0.0)
    master, answerer = Master(pool, stake), Answerer(instance, stake, block)
    bound, done, whole = 0.0, 0, False
    coupled = len(block.windows) > 1
    mix = master.solve(1e-7)
    while mix is not None and done < 200 and mix.worst_kg > max(target_kg, bound) and go_on():
        done += 1
        y, most = answerer.best(mix.weight, whole=whole)
        total = float(mix.weight.sum())
        if total > 0:
            net = float(mix.weight @ instance.net_kg[block.attack])
            bound = max(bound, (net - most) / max(total, 1.0))
        fresh = pool.add_combed(y)
        gain = summed(block.row, mix.weight * stake[block.attack], len(block.table.q))
        now = float(gain @ (pool.response[:, : len(mix.probability)] @ mix.probability))
        better = fresh[gain @ pool.response[:, fresh] > now + 1e-7] if len(fresh) else fresh
        if len(better) == 0:
            if whole or coupled:
                break
            whole = True
            continue
        mix = master.solve(1e-7)
    if mix is None:
        raise ValueError("HiGHS did not finish mixing the rosters; give fewer posts or a wider tolerance.")
    return _as_plan(pool, mix, bound)


def lean_block(
    instance: Instance, stake: FloatArray, block: Block, pool: Pool, weight: FloatArray, plan: BlockPlan, lean: float,
    go_on: GoOn,
) -> BlockPlan:  # fmt: skip
    """Among mixtures that leave no stretch worse than the plan does by ``lean``, the best against an expected traffic.

    max Σ_a ρ_a V_a D_a E_π[response_a] subject to payoff_a ≤ (1 + lean) · worst payoff of its window and stretch under
    ``plan``; ``weight`` ρ [A] is the traffic. With one cap for the whole border instead, every stretch may fall to the
    guarantee, and a learner moves to where it fell before the next re-plan: measured, and worse than not to lean. The
    pool gains the combs of the marginals that are best within the caps (aimed at a
    systematic sample of at most 1,500 rows; the rosters are judged on all, or on the sample where rows × rosters pass
    two million) and of points on the way to them. Returns the plan unchanged when nothing within the caps is found or
    ``go_on()`` says stop.
    """
    rows = np.flatnonzero(np.isin(instance.row_window, block.windows))
    gain = summed(instance.response_row, weight * stake, len(instance.row_window))[rows]
    if not np.any(gain > 0):
        return plan
    wide, region = response_table(instance).at(rows), _stretches(instance, block)
    own = plan.probability @ plan.placement
    caps = _levels(instance, stake, block, region, plan) * (1.0 + lean) + 1e-8
    few = _sampled(gain, 1_500)
    aimed = Answerer(instance, stake, block).leaning(wide, few, caps[region], own, go_on)
    pool.add(plan.placement)
    pool.add_towards(aimed, own)
    seen = np.flatnonzero(few > 0) if len(few) * len(pool.placement) > 2_000_000 else np.arange(len(few))
    worth = (few if len(seen) < len(few) else gain)[seen] @ top_response(wide.at(seen), pool.placement)
    mix = Master(pool, stake, region).solve(1e-9, worth, caps, go_on)
    return plan if mix is None else _as_plan(pool, mix, plan.bound_kg)


def _levels(instance: Instance, stake: FloatArray, block: Block, region: IntArray, plan: BlockPlan) -> FloatArray:
    """What the worst attack of each region brings under a mixture, 0 or more."""
    response = top_response(block.table, plan.placement) @ plan.probability
    out = np.zeros(int(region.max(initial=0)) + 1)
    np.maximum.at(out, region, instance.net_kg[block.attack] - stake[block.attack] * response[block.row])
    return out


def _stretches(instance: Instance, block: Block) -> IntArray:
    """Number of each attack's window and stretch of border, 24 stretches, those that have attacks counted from 0."""
    stretches, place = 24, instance.cell_m[instance.crossing]
    low, high = float(instance.cell_m.min()), float(instance.cell_m.max())
    stretch = np.minimum((place - low) / max(high - low, 1e-9) * stretches, stretches - 1).astype(np.int64)
    own = np.unique(instance.window[block.attack] * stretches + stretch[block.attack], return_inverse=True)[1]
    return np.asarray(own, dtype=np.int64).reshape(-1)


def spread_block(
    instance: Instance, stake: FloatArray, block: Block, pool: Pool, plan: BlockPlan, cap_kg: float, go_on: GoOn
) -> BlockPlan:
    """Among mixtures that let through at most ``cap_kg``, the one whose worst attack of every stretch is least in sum.

    min Σ_g z_g over window × stretch of border, z_g ≤ cap: one hole sets the guarantee, and leaves many plans that
    reach it; this takes the one that does its best everywhere else as well, which keeps it random there. Returns the
    plan unchanged when nothing within the cap is found or ``go_on()`` says stop.
    """
    own = _stretches(instance, block)
    mine = plan.probability @ plan.placement
    aimed = Answerer(instance, stake, block).spreading(own, cap_kg, mine, go_on)
    pool.add_towards(aimed, mine)
    mix = Master(pool, stake, own).solve(1e-9, None, cap_kg, go_on)
    return plan if mix is None or mix.worst_kg > cap_kg + 1e-7 else _as_plan(pool, mix, plan.bound_kg)


def _sampled(gain: FloatArray, most: int) -> FloatArray:
    """A systematic sample in proportion to ``gain``: the same total on at most ``most`` entries."""
    total = np.cumsum(gain)
    if np.count_nonzero(gain) <= most:
        return gain
    hits = np.searchsorted(total, (np.arange(most) + 0.5) * total[-1] / most)
    return summed(hits, np.full(most, total[-1] / most), len(gain))


def _as_plan(pool: Pool, mix: Mix, bound_kg: float) -> BlockPlan:
    kept = mix.probability > 1e-9
    share = mix.probability[kept] / mix.probability[kept].sum()
    return BlockPlan(pool.placement[: len(mix.probability)][kept], share, mix.worst_kg, bound_kg)
