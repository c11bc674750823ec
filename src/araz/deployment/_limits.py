"""Can the teams keep to their limits, and if not, which limits stand against each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from scipy.sparse import csr_array

from araz.deployment._instance import Instance, Limits
from araz.deployment._lp import INFINITY, Programme
from araz.vocabulary import FloatArray, IntArray

_MOST_WINDOWS = 14  # all duty patterns of a night are listed: 2^14 at most


class LimitsConflict(ValueError):
    """Limits that no roster can keep; ``between`` names them."""

    def __init__(self, between: tuple[str, ...], sentence: str) -> None:
        super().__init__(sentence)
        self.between = between


def check_limits(instance: Instance) -> IntArray:
    """Return how many teams work each duty pattern of ``duty_patterns``, the fewest that man every window.

    Raises ``LimitsConflict`` naming the limits in conflict, and what would resolve it.
    """
    return _manning(instance.limits, np.minimum(instance.teams, instance.posts))


def _manning(limits: Limits, teams: IntArray) -> IntArray:
    """``check_limits`` for some teams out in each window [W]."""
    if limits.max_move_m is not None and len(set(teams.tolist())) > 1:
        raise LimitsConflict(
            ("max_move_m", "teams"),
            f"max_move_m together with {sorted(set(teams.tolist()))} teams in different windows: moves are checked "
            f"team by team; give every window the same number, or plan the windows of one strength at a time.",
        )
    counts = _fewest(limits, teams)
    need, pool = int(counts.sum()), limits.pool
    if pool is None or need <= pool:
        return counts
    peak = int(teams.max())
    if pool < peak:
        raise LimitsConflict(
            ("pool", "teams"),
            f"window {int(teams.argmax())} asks for {peak} teams and the pool has {pool}: raise pool to at least "
            f"{need}, or lower teams to at most {_most_teams(limits, teams, pool)} in each window.",
        )
    raise LimitsConflict(
        ("pool", "duty_windows", "rest_windows", "teams"), _rotation_sentence(limits, teams, need, pool)
    )


def duty_patterns(limits: Limits, windows: int) -> IntArray:
    """Every way [N, W] of 0 and 1 in which a team may work the night within duty and rest."""
    if limits.duty_windows is None:
        return np.ones((1, windows), dtype=np.int64) if windows else np.zeros((1, 0), dtype=np.int64)
    if windows > _MOST_WINDOWS:
        raise ValueError(f"{windows} windows; duty and rest are planned for at most {_MOST_WINDOWS} a night.")
    kept = [bits for bits in product((0, 1), repeat=windows) if any(bits) and _keeps(bits, limits)]
    return np.array(kept, dtype=np.int64)


def _keeps(bits: tuple[int, ...], limits: Limits) -> bool:
    """Whether runs of duty are short enough and the rests between them long enough."""
    runs = "".join(map(str, bits)).strip("0")
    worked = max((len(run) for run in runs.split("0")), default=0)
    rests = [len(rest) for rest in runs.split("1") if rest]
    return worked <= (limits.duty_windows or len(bits)) and all(rest >= limits.rest_windows for rest in rests)


def _fewest(limits: Limits, teams: IntArray) -> IntArray:
    """Min Σ n over patterns with Σ n · pattern = teams, n whole."""
    patterns = duty_patterns(limits, len(teams))
    if limits.duty_windows is None:
        return np.array([int(teams.max(initial=0))])
    programme = Programme(np.ones(len(patterns)), 0.0, INFINITY, np.ones(len(patterns), bool))
    programme.add_rows(csr_array(patterns.T.astype(np.float64)), teams, teams)
    answer = programme.solve()
    if not answer.feasible:
        raise LimitsConflict(("duty_windows", "teams"), "no duty pattern mans the windows; allow one more window.")
    return np.asarray(np.round(answer.x), dtype=np.int64)


def _most_teams(limits: Limits, teams: IntArray, pool: int) -> int:
    """The largest equal number of teams a window that the pool can man."""
    for most in range(int(teams.max()), 0, -1):
        if int(_fewest(limits, np.full(len(teams), most)).sum()) <= pool:
            return most
    return 0


def _rotation_sentence(limits: Limits, teams: IntArray, need: int, pool: int) -> str:
    most = _most_teams(limits, teams, pool)
    longer = next(
        (
            f", or duty_windows to {more}"
            for more in range((limits.duty_windows or 0) + 1, len(teams) + 1)
            if int(_fewest(Limits(duty_windows=more, rest_windows=limits.rest_windows), teams).sum()) <= pool
        ),
        "",
    )
    return (
        f"teams {teams.tolist()} with at most {limits.duty_windows} windows of duty and {limits.rest_windows} of rest "
        f"need a pool of {need}; it has {pool}: raise pool to {need}{longer}, or lower teams to {most} in each window."
    )


def slots_of(instance: Instance, placement: FloatArray) -> list[IntArray]:
    """Posts manned in each window of one night [W, P], in border order: team j of a window is the j-th of them."""
    order = np.argsort(instance.post_m, kind="stable")
    return [order[placement[w, order] > 0.5] for w in range(instance.windows)]


def name_teams(instance: Instance, placement: FloatArray) -> list[IntArray]:
    """Which team (from 0) stands in each slot of ``slots_of``, window by window, within moves, duty and rest.

    A team on duty goes from the j-th post to the j-th post of the next window while it may; who must rest hands its
    slot to a team that is fresh. Fails with ``LimitsConflict`` where ``check_limits`` does.
    """
    slots = slots_of(instance, placement)
    counts = [len(slot) for slot in slots]
    if instance.limits.duty_windows is None:
        return [np.arange(count) for count in counts]
    manning = _manning(replace(instance.limits, max_move_m=None), np.array(counts))
    works = np.repeat(duty_patterns(instance.limits, instance.windows), manning, axis=0)
    out: list[IntArray] = []
    holder: dict[int, int] = {}
    for w, count in enumerate(counts):
        on = set(np.flatnonzero(works[:, w]).tolist())
        holder = {slot: team for slot, team in holder.items() if team in on and slot < count}
        free = [slot for slot in range(count) if slot not in holder]
        fresh = sorted(on - set(holder.values()))
        holder.update(zip(free, fresh, strict=True))
        out.append(np.array([holder[slot] for slot in range(count)], dtype=np.int64))
    return out


def broken_limits(instance: Instance, placement: FloatArray) -> list[str]:
    """Every limit that one night [W, P] breaks, as sentences; empty when it keeps them all."""
    limits, wrong = instance.limits, []
    slots, named = slots_of(instance, placement), name_teams(instance, placement)
    for w, slot in enumerate(slots):
        if len(slot) > instance.teams[w]:
            wrong.append(f"window {w} has {len(slot)} teams out, {instance.teams[w]} are allowed")
    for w in range(instance.windows - 1):
        before = dict(zip(named[w].tolist(), slots[w].tolist(), strict=True))
        for team, post in zip(named[w + 1].tolist(), slots[w + 1].tolist(), strict=True):
            move = abs(instance.post_m[post] - instance.post_m[before[team]]) if team in before else 0.0
            if limits.max_move_m is not None and move > limits.max_move_m + 1e-6:
                wrong.append(f"team {team} moves {move:.0f} m after window {w}, {limits.max_move_m:.0f} m are allowed")
    used = {int(team) for teams in named for team in teams}
    if limits.pool is not None and len(used) > limits.pool:
        wrong.append(f"{len(used)} teams work in the night, the pool has {limits.pool}")
    for team in sorted(used):
        bits = tuple(int(team in set(teams.tolist())) for teams in named)
        if limits.duty_windows is not None and not _keeps(bits, limits):
            wrong.append(f"team {team} works windows {bits}, beyond its duty or rest")
    return wrong
