"""A plan: rosters with probabilities, the guarantee of exactly those rosters, and the bound no plan can beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from araz.deployment._comb import comb_rosters
from araz.deployment._instance import Instance, detection, sensor_choice
from araz.deployment._limits import check_limits
from araz.deployment._marginals import GoOn, Marginals, always, solve_marginals, stake_of
from araz.deployment._oracle import BlockPlan, close_block, lean_block, spread_block
from araz.deployment._pool import Block, Pool, block_with_all, blocks_of
from araz.deployment._response import response_table, top_response
from araz.vocabulary import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Lottery:
    """Placements for some windows (all that move together): ``placement`` [N, windows, P] with ``probability`` [N]."""

    windows: IntArray
    placement: FloatArray
    probability: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Patrols for given sensors, with what is proved about them.

    ``guarantee_kg``: the most that any attack brings its sender, per sortie, against exactly these ``lotteries``
    (drawn independently of each other); ``bound_kg``: no plan of these teams under these limits gets below it.
    ``response`` [R]: expected response of each row under the lotteries. ``worst``: the attack that reaches the
    guarantee, None when staying at home is the smuggler's best. ``mixture`` [A] proves the bound.
    """

    sensors_on: FloatArray
    lotteries: tuple[Lottery, ...]
    response: FloatArray
    guarantee_kg: float
    bound_kg: float
    worst: int | None
    mixture: FloatArray
    tolerance: float

    @property
    def gap(self) -> float:
        """Guarantee over bound, less one: 0 when both agree, infinite when the bound is 0 and the guarantee is not."""
        if self.guarantee_kg <= self.bound_kg:
            return 0.0
        return self.guarantee_kg / self.bound_kg - 1.0 if self.bound_kg > 0 else float("inf")

    @property
    def closed(self) -> bool:
        """Whether the gap is within the tolerance that was asked for."""
        return self.gap <= self.tolerance


def plan_patrols(
    instance: Instance,
    sensors_on: FloatArray | None = None,
    *,
    tolerance: float = 1e-3,
    spread: bool = True,
    go_on: GoOn = always,
    marginals: Marginals | None = None,
) -> Plan:
    """Randomised rosters for given sensors x [S] and their certificate.

    Marginals by cutting planes (bound), combs of them (rosters), then the double oracle until guarantee ≤ (1 +
    tolerance) bound, nothing improves, or ``go_on()`` says stop. Among plans that reach
    the guarantee the one is taken whose worst attack of every stretch of border is least in sum (``spread`` False
    leaves that out: quicker, as good in the worst case).
    Raises ``LimitsConflict`` when no roster can keep the limits.
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance {tolerance} must be 0 or more.")
    check_limits(instance)
    x = sensor_choice(instance, sensors_on)
    stake = stake_of(instance, detection(instance, x))
    proof = solve_marginals(instance, detection(instance, x), go_on=go_on) if marginals is None else marginals
    first = comb_rosters(instance, proof.coverage)
    target = proof.bound_kg * (1.0 + 0.8 * tolerance)
    blocks = blocks_of(instance, stake, proof.bound_kg)
    pools = [Pool(instance, block) for block in blocks]
    made: list[BlockPlan] = []
    for block, pool in zip(blocks, pools, strict=True):
        made.append(close_block(instance, stake, block, pool, first, target, go_on))
    worst_kg = max((plan.worst_kg for plan in made), default=0.0)
    bound = max([proof.bound_kg, *(plan.bound_kg for plan in made)])
    if spread:
        cap = worst_kg + 1e-8
        made = [_spread(instance, stake, b, p, m, cap, go_on) for b, p, m in zip(blocks, pools, made, strict=True)]
    lotteries = tuple(_lottery(instance, b.windows, m) for b, m in zip(blocks, made, strict=True))
    return certify(instance, x, lotteries, bound, proof.mixture, tolerance)


def lean_to(instance: Instance, plan: Plan, traffic: FloatArray, lean: float, *, go_on: GoOn = always) -> Plan:
    """The same plan leant to an expected traffic [A]: no stretch worse by more than ``lean``, its bound unchanged.

    ValueError when ``lean`` or a weight of the traffic is below 0, or when an attack has none.
    """
    if not lean >= 0:
        raise ValueError(f"lean {lean} must be 0 or more.")
    stake = stake_of(instance, detection(instance, plan.sensors_on))
    ways, cap = _traffic(stake, traffic), plan.guarantee_kg + 1e-8
    made = []
    for lottery in plan.lotteries:
        leant = BlockPlan(_whole(instance, lottery), lottery.probability, plan.guarantee_kg, plan.bound_kg)
        if go_on():
            wide = block_with_all(instance, stake, lottery.windows, cap)
            leant = lean_block(instance, stake, wide, Pool(instance, wide), ways, leant, lean, go_on)
        made.append(_lottery(instance, lottery.windows, leant))
    return certify(instance, plan.sensors_on, tuple(made), plan.bound_kg, plan.mixture, plan.tolerance)


def certify(
    instance: Instance,
    sensors_on: FloatArray,
    lotteries: tuple[Lottery, ...],
    bound_kg: float,
    mixture: FloatArray,
    tolerance: float,
) -> Plan:
    """Work out what lotteries guarantee, against every attack of the instance and every draw they can make."""
    response = expected_response(instance, lotteries)
    value = _payoff(instance, sensors_on, response)
    worst = int(np.argmax(value))
    guarantee = max(0.0, float(value[worst]))
    if bound_kg > guarantee + 1e-5 * max(1.0, guarantee):
        raise AssertionError(
            f"a roster lets {guarantee} kg through, below the proved bound {bound_kg}: this is our bug"
        )
    return Plan(
        sensors_on,
        lotteries,
        response,
        guarantee,
        min(bound_kg, guarantee),
        worst if value[worst] > 0 else None,
        mixture,
        tolerance,
    )


def expected_response(instance: Instance, lotteries: tuple[Lottery, ...]) -> FloatArray:
    """E[mean of the m best q among the teams out] for every response row [R] under the lotteries."""
    table = response_table(instance)
    out = np.zeros(len(table.q))
    for lottery in lotteries:
        rows = np.isin(instance.row_window, lottery.windows)
        out[rows] = top_response(table.at(rows), _whole(instance, lottery)) @ lottery.probability
    return out


def coverage_of(instance: Instance, plan: Plan) -> FloatArray:
    """How often each post is manned [W, P] under the plan's lotteries."""
    return np.asarray(sum(_whole(instance, lot).T @ lot.probability for lot in plan.lotteries)).reshape(
        instance.windows, instance.posts
    )


def attack_payoff(instance: Instance, plan: Plan) -> FloatArray:
    """What each attack [A] brings its sender, per sortie (kg), against the plan."""
    return _payoff(instance, plan.sensors_on, plan.response)


def ceiling_kg(instance: Instance, inclusion: FloatArray) -> float:
    """max_a V_a (1 − π_a): what no smuggler gets through per sortie in the mean, however he chooses (kg).

    ``inclusion`` π [A]: the chance that each attack is caught, as ``audited_inclusion`` gives it for a plan and its
    random audits. His own cost is not taken off, as in the guarantee. One season scatters about its mean.
    """
    return max(0.0, float((instance.value_kg * (1.0 - inclusion)).max()))


def guarantee_in(instance: Instance, plan: Plan) -> float:
    """Most that an attack of another instance (same posts, windows and sensors) brings against a plan's rosters (kg).

    So a plan made for likely values is judged at the worst corner. Fails with ValueError when the shapes differ.
    """
    for lottery in plan.lotteries:
        if lottery.placement.shape[2] != instance.posts or lottery.windows.max(initial=-1) >= instance.windows:
            raise ValueError("The plan was made for other posts or windows than this instance has.")
    response = expected_response(instance, plan.lotteries)
    return max(0.0, float(_payoff(instance, plan.sensors_on, response).max()))


def cell_most(instance: Instance, value: FloatArray) -> FloatArray:
    """Largest value [A] among the attacks over each border cell, [C]; NaN where nothing can cross."""
    out = np.full(len(instance.cell_m), -np.inf)
    np.maximum.at(out, instance.crossing, value)
    return np.where(np.isfinite(out), out, np.nan)


def unseen_kg(instance: Instance, sensors_on: FloatArray) -> FloatArray:
    """V_a (1 − D_a): kilograms that each attack [A] is expected to carry over without being seen."""
    return instance.value_kg * (1.0 - detection(instance, sensors_on))


def _payoff(instance: Instance, sensors_on: FloatArray, response: FloatArray) -> FloatArray:
    return instance.net_kg - stake_of(instance, detection(instance, sensors_on)) * response[instance.response_row]


def _whole(instance: Instance, lottery: Lottery) -> FloatArray:
    """Placements of a lottery as [N, P·W], empty in the other windows."""
    out = np.zeros((len(lottery.placement), instance.windows, instance.posts))
    out[:, lottery.windows] = lottery.placement
    return out.reshape(len(out), -1)


def _lottery(instance: Instance, windows: IntArray, plan: BlockPlan) -> Lottery:
    shaped = plan.placement.reshape(-1, instance.windows, instance.posts)
    return Lottery(windows, shaped[:, windows], plan.probability)


def _spread(
    instance: Instance, stake: FloatArray, block: Block, pool: Pool, plan: BlockPlan, cap_kg: float, go_on: GoOn
) -> BlockPlan:
    """Of the many mixtures within the cap, the one that is as good as can be everywhere."""
    if not go_on():
        return plan
    wide = block_with_all(instance, stake, block.windows, cap_kg)
    spread = Pool(instance, wide)
    spread.add(pool.placement)
    return spread_block(instance, stake, wide, spread, plan, cap_kg, go_on)


def _traffic(stake: FloatArray, traffic: FloatArray) -> FloatArray:
    weights = np.asarray(traffic, dtype=np.float64)
    if weights.shape != stake.shape or not np.all(weights >= 0):
        raise ValueError(f"traffic needs one weight of 0 or more for each of the {len(stake)} attacks.")
    return weights
