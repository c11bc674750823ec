"""The year: plan against opponent, night by night, through draws, flights and seizures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from araz.deployment._instance import Instance, detection
from araz.deployment._opponents import Mind, Smuggler, choices, learn, new_mind
from araz.deployment._plan import Lottery, Plan
from araz.deployment._response import response_table, summed, top_response
from araz.vocabulary import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Change:
    """Something that happens on a night: the world is another from then on (or until ``until_night``)."""

    night: int
    label: str
    until_night: int | None = None
    closed_cells: tuple[int, ...] = ()
    """Crossings closed (a border closure, a flood)."""
    supply: float = 1.0
    """Factor on the number of sorties (a supply shock)."""
    aircraft_only: tuple[int, ...] = ()
    """Classes still flown: a new technology replaces the old one. Empty: all."""


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """One night: what was flown, what was caught, with which inclusion probability it could have been."""

    attack: IntArray
    seized: IntArray
    inclusion: FloatArray
    through_kg: float
    seized_kg: float


@dataclass(frozen=True, slots=True, eq=False)
class Season:
    """All nights of one plan against one smuggler, and the figures a commander should read."""

    smuggler: str
    """Who flew: one smuggler, or several at once joined by ``+``."""
    policy: str
    nights: tuple[Night, ...]
    played: FloatArray
    """Mean interception [A] of the rosters that stood."""
    regret_kg: float
    """Kilograms expected through, less what the best single roster of the panel would have let through."""
    habit_nights: int = 0
    """Nights at the beginning on which the old habit stood; the figures below leave them out."""

    @property
    def own(self) -> tuple[Night, ...]:
        """The nights on which the policy itself stood."""
        return self.nights[self.habit_nights :]

    def through_per_sortie(self) -> float:
        """Kilograms through per sortie flown; NaN when nobody flew."""
        flown = sum(len(night.attack) for night in self.own)
        return float(sum(night.through_kg for night in self.own) / flown) if flown else float("nan")

    def interception_rate(self) -> float:
        """Seizures per sortie. It misleads: see ``RATE_MISLEADS``."""
        flown = sum(len(night.attack) for night in self.own)
        return float(sum(int(night.seized.sum()) for night in self.own) / flown) if flown else float("nan")

    def seized_kg(self) -> float:
        """Kilograms seized in the season."""
        return float(sum(night.seized_kg for night in self.own))

    def regret_per_sortie(self) -> float:
        """Best single roster of the panel in hindsight, less what was played, kg per sortie."""
        flown = sum(len(night.attack) for night in self.own)
        return self.regret_kg / flown if flown else float("nan")


#: What stands tonight: given the night and the seizures so far, a placement [W, P] and each attack's inclusion π [A].
#: Night 0 begins a new season: nothing of the one before is remembered.
Policy = Callable[[int, np.random.Generator, list[Night]], tuple[FloatArray, FloatArray]]


def plan_policy(instance: Instance, plan: Plan, audit_share: float = 0.0) -> Policy:
    """Draw from the plan; with probability ``audit_share`` a uniformly random placement instead (a random audit)."""
    inclusion = audited_inclusion(instance, plan, audit_share)
    return lambda night, rng, past: (draw_audited(instance, plan, audit_share, rng)[0], inclusion)


def audited_inclusion(instance: Instance, plan: Plan, audit_share: float) -> FloatArray:
    """π_a = D_a ((1 − s) E_plan[response_a] + s E_uniform[response_a]) [A], s the audit share.

    Fails with ValueError on a share outside 0 to 1.
    """
    if not 0.0 <= audit_share <= 1.0:
        raise ValueError(f"audit_share is {audit_share}; give a probability.")
    response = (1.0 - audit_share) * plan.response + audit_share * uniform_response(instance)
    return detection(instance, plan.sensors_on) * response[instance.response_row]


def draw_audited(
    instance: Instance, plan: Plan, audit_share: float, rng: np.random.Generator
) -> tuple[FloatArray, bool]:
    """One night [W, P], and whether it is a random audit instead of the plan."""
    is_audit = bool(rng.uniform() < audit_share)
    return random_placement(instance, rng) if is_audit else draw(instance, plan.lotteries, rng), is_audit


def uniform_policy(instance: Instance, sensors_on: FloatArray) -> Policy:
    """Teams at random posts, every night anew."""
    inclusion = detection(instance, sensors_on) * uniform_response(instance)[instance.response_row]
    return lambda night, rng, past: (random_placement(instance, rng), inclusion)


def fixed_policy(instance: Instance, sensors_on: FloatArray) -> Policy:
    """Static max-cover: the placement that by greedy choice covers most value, the same every night."""
    seen = detection(instance, sensors_on)
    placement = _max_cover(instance, seen)
    inclusion = _caught(instance, seen, placement)
    return lambda night, rng, past: (placement, inclusion)


def chase_policy(instance: Instance, sensors_on: FloatArray, memory: int = 30) -> Policy:
    """Go where the last 30 nights' seizures were; a random placement before the first."""
    seen = detection(instance, sensors_on)

    def tonight(night: int, rng: np.random.Generator, past: list[Night]) -> tuple[FloatArray, FloatArray]:
        weight = np.zeros(len(instance.row_window))
        for done in past[-memory:]:
            caught = done.attack[done.seized > 0]
            np.add.at(weight, instance.response_row[caught], instance.value_kg[caught])
        placement = greedy_placement(instance, weight) if np.any(weight > 0) else random_placement(instance, rng)
        return placement, _caught(instance, seen, placement)

    return tonight


def hedge_odds(loss: FloatArray, round_: int) -> FloatArray:
    """Odds [N] ∝ exp(−η_t L) of experts who lost L [N] in the rounds before round t ≥ 1, η_t = 2 √(ln N / t).

    The rate knows no horizon: with losses of 0 to 1 a round, the expected loss exceeds the best expert's by at most
    √(T ln N) after any number of rounds T (Bubeck 2011, theorem 2.4).
    """
    odds = np.exp(-2.0 * np.sqrt(np.log(len(loss)) / round_) * (loss - loss.min()))
    return np.asarray(odds / odds.sum(), dtype=np.float64)


def blend_policy(instance: Instance, sensors_on: FloatArray, experts: list[Policy]) -> Policy:
    """Hedge over policies: each night one is drawn by its weight; weights fall with what it would have let through.

    A policy's loss of a night is the share of the most a sortie can carry that it is expected to let through, 0 to 1
    (``hedge_odds`` states the regret), given that each one's is known afterwards: detected flights that were not
    caught supply it.
    """
    loss = np.zeros(len(experts))
    offered: list[FloatArray] = []
    seen, most_kg = detection(instance, sensors_on), max(1e-9, float(instance.value_kg.max()))

    def tonight(night: int, rng: np.random.Generator, past: list[Night]) -> tuple[FloatArray, FloatArray]:
        if night == 0:
            loss[:], offered[:] = 0.0, []
        if past and offered and len(past[-1].attack):
            for k, placement in enumerate(offered):
                odds = _caught(instance, seen, placement)[past[-1].attack]
                loss[k] += float(np.mean(instance.value_kg[past[-1].attack] * (1.0 - odds))) / most_kg
        odds = hedge_odds(loss, night + 1)
        told = [expert(night, rng, past) for expert in experts]
        offered[:] = [placement for placement, _ in told]
        inclusion = np.asarray(sum(share * chance for share, (_, chance) in zip(odds, told, strict=True)))
        return told[int(rng.choice(len(experts), p=odds))][0], inclusion

    return tonight


#: Smugglers who fly at once, each with his share of the sorties.
Crowd = Sequence[tuple[Smuggler, float]]


def play_season(
    instance: Instance,
    sensors_on: FloatArray,
    policy: Policy,
    smuggler: Smuggler | Crowd,
    rng: np.random.Generator,
    *,
    nights: int = 365,
    sorties_a_night: float = 10.0,
    changes: tuple[Change, ...] = (),
    habit: tuple[Policy, int] | None = None,
    name: str = "plan",
    until: Callable[[], bool] = lambda: True,
) -> Season:
    """Play a policy against a smuggler: he chooses, the roster stands, each sortie is seized with chance D_a·max q.

    Several at once (a crowd) share the sorties of a night; each learns from his own, and all see what leaks. The
    record of seizures does not say whose they were. ``habit``: what stood on so many nights before the policy, and
    taught them. Fails with ValueError on no night and on a crowd without a share above 0.
    """
    if nights < 1:
        raise ValueError(f"nights is {nights}; a season has at least 1.")
    crowd = [(smuggler, 1.0)] if isinstance(smuggler, Smuggler) else list(smuggler)
    shares = np.array([share for _, share in crowd], dtype=np.float64)
    if not (shares.size and np.all(shares >= 0) and shares.sum() > 0):
        raise ValueError("A crowd needs at least one smuggler whose share of the sorties is above 0.")
    seen, minds = detection(instance, sensors_on), [new_mind(kind, instance) for kind, _ in crowd]
    past: list[Night] = []
    total = np.zeros(instance.attacks)
    rival = _rivals(instance, seen, rng)
    rival_loss, own_loss = np.zeros(len(rival)), 0.0
    before, before_nights = (policy, 0) if habit is None else habit
    for night in range(nights):
        if not until():
            break
        open_now, supply = _world(instance, changes, night)
        if night < before_nights:
            placement, inclusion = before(night, rng, past)
        else:
            placement, inclusion = policy(night - before_nights, rng, past)
        odds_caught = _caught(instance, seen, placement)
        sorties = rng.poisson(sorties_a_night * supply)
        # One smuggler draws nothing here, so that his seasons stay what they were.
        split = [sorties] if len(minds) == 1 else rng.multinomial(sorties, shares / shares.sum()).tolist()
        told = [_one_night(instance, m, odds_caught, open_now, n, rng) for m, n in zip(minds, split, strict=True)]
        minds = [mind for _, _, mind in told]
        done = _night(instance, inclusion, np.concatenate([t[0] for t in told]), np.concatenate([t[1] for t in told]))
        past.append(done)
        if night < before_nights:
            continue
        left = instance.value_kg[done.attack]
        rival_loss += np.array([float(np.sum(left * (1.0 - odds[done.attack]))) for odds in rival])
        own_loss += float(np.sum(left * (1.0 - odds_caught[done.attack])))
        total += odds_caught
    regret = max(0.0, own_loss - float(rival_loss.min(initial=np.inf))) if past else 0.0
    label, own = "+".join(kind.value for kind, _ in crowd), max(1, len(past) - before_nights)
    return Season(label, name, tuple(past), total / own, regret, before_nights)


def _one_night(
    instance: Instance,
    mind: Mind,
    odds_caught: FloatArray,
    open_now: FloatArray,
    sorties: int,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray, Mind]:
    """Attacks of one smuggler, whether each was seized, and what he knows afterwards."""
    odds = choices(mind, instance, open_now)
    flown = rng.choice(instance.attacks, sorties, p=odds) if odds.sum() > 0 else np.zeros(0, dtype=np.int64)
    seized = (rng.uniform(size=len(flown)) < odds_caught[flown]).astype(np.int64)
    return flown, seized, learn(mind, instance, odds_caught, flown, seized)


def _night(instance: Instance, inclusion: FloatArray, flown: IntArray, seized: IntArray) -> Night:
    value = instance.value_kg[flown]
    return Night(flown, seized, inclusion[flown], float(value[seized == 0].sum()), float(value[seized == 1].sum()))


def _world(instance: Instance, changes: tuple[Change, ...], night: int) -> tuple[FloatArray, float]:
    """Which attacks are open, and the factor on sorties, on a night."""
    open_now, supply = np.ones(instance.attacks), 1.0
    for change in changes:
        if change.night <= night and (change.until_night is None or night < change.until_night):
            open_now[np.isin(instance.crossing, change.closed_cells)] = 0.0
            if change.aircraft_only:
                open_now[~np.isin(instance.aircraft, change.aircraft_only)] = 0.0
            supply *= change.supply
    return open_now, supply


def draw(instance: Instance, lotteries: tuple[Lottery, ...], rng: np.random.Generator) -> FloatArray:
    """One night [W, P] from the lotteries, each drawn on its own."""
    out = np.zeros((instance.windows, instance.posts))
    for lottery in lotteries:
        out[lottery.windows] = lottery.placement[rng.choice(len(lottery.probability), p=lottery.probability)]
    return out


def random_placement(instance: Instance, rng: np.random.Generator) -> FloatArray:
    """Teams at uniformly random posts in every window; under a move limit they stay where they were drawn."""
    out = np.zeros((instance.windows, instance.posts))
    order = rng.permutation(instance.posts)
    for w in range(instance.windows):
        if instance.limits.max_move_m is None:
            order = rng.permutation(instance.posts)
        out[w, order[: int(instance.teams[w])]] = 1.0
    return out


def uniform_response(instance: Instance) -> FloatArray:
    """E[mean of the m best q] [R] when K of P posts are drawn uniformly: exact, by order statistics of the draw.

    P(the i-th best of all posts is the j-th best that is manned) is hypergeometric: j − 1 of the i − 1 better posts and
    K − j of the P − i worse ones.
    """
    from scipy.stats import hypergeom  # half a second to import, which not every plan needs

    table, posts = response_table(instance), instance.posts
    out = np.zeros(len(table.q))
    for w in range(instance.windows):
        teams = int(min(instance.teams[w], posts))
        rows = instance.row_window == w
        place = np.arange(table.q.shape[1])
        # The i-th best post counts when it is manned and fewer than m of the i better ones are.
        odds = hypergeom.cdf(table.sorties - 1, posts - 1, np.minimum(place, posts - 1), max(teams - 1, 0))
        better = np.array(odds, dtype=np.float64)
        better[0] = 1.0  # no post is better than the best; scipy gives NaN where it is the only one
        out[rows] = table.q[rows] @ (better * teams / posts) / table.sorties
    return out


def greedy_placement(instance: Instance, weight: FloatArray) -> FloatArray:
    """Posts added one by one where Σ weight · best q grows most [W, P]; (1 − 1/e) of the optimum (Nemhauser 1978)."""
    out = np.zeros((instance.windows, instance.posts))
    for w in range(instance.windows):
        rows = np.flatnonzero((instance.row_window == w) & (weight > 0))
        q = instance.response[rows].toarray()
        best = np.zeros(len(rows))
        for _ in range(int(min(instance.teams[w], instance.posts))):
            gain = weight[rows] @ np.maximum(q - best[:, None], 0.0) if len(rows) else np.zeros(instance.posts)
            gain = np.where(out[w] > 0, -1.0, gain)
            post = int(np.argmax(gain))
            out[w, post] = 1.0
            best = np.maximum(best, q[:, post]) if len(rows) else best
    return out


def _caught(instance: Instance, seen: FloatArray, placement: FloatArray) -> FloatArray:
    """Chance [A] that each attack is caught by one night: seen and met."""
    met = top_response(response_table(instance), placement.reshape(1, -1))[:, 0]
    return np.asarray(seen * met[instance.response_row], dtype=np.float64)


def _max_cover(instance: Instance, seen: FloatArray) -> FloatArray:
    weight = summed(instance.response_row, instance.value_kg * seen, len(instance.row_window))
    return greedy_placement(instance, weight)


def _rivals(instance: Instance, seen: FloatArray, rng: np.random.Generator) -> list[FloatArray]:
    """Chances [A] under fixed rosters to regret against: max-cover and 20 random ones."""
    nights = [_max_cover(instance, seen)] + [random_placement(instance, rng) for _ in range(20)]
    return [_caught(instance, seen, night) for night in nights]
