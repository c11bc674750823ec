"""A year played out: the guarantee holds in it, the signs of the interdiction literature show, flows come back."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.deployment import (
    Change,
    Smuggler,
    attack_payoff,
    audited_inclusion,
    blend_policy,
    ceiling_kg,
    chase_policy,
    choices,
    crossing_entropy,
    crossing_shares,
    detection,
    displacement,
    draw,
    draw_roster,
    evenly,
    exploitability_kg,
    fixed_policy,
    hedge_odds,
    inclusion_rows,
    lean_plan,
    lean_policy,
    lean_to,
    made_instance,
    new_mind,
    plan_patrols,
    plan_policy,
    play_season,
    random_placement,
    refit_suqr,
    through_in,
    uniform_policy,
    uniform_response,
)
from araz.intelligence import estimate_flow
from araz.vocabulary import LoggedInclusion, RosterLog
from deployment_worlds import payoffs, tiny


@pytest.fixture(scope="module")
def world():
    instance = made_instance(120, 11)
    x = evenly(instance, 16)
    return instance, x, plan_patrols(instance, x)


@pytest.mark.parametrize("smuggler", [Smuggler.BEST_RESPONSE, Smuggler.HEDGE, Smuggler.SUQR])
def test_no_smuggler_gets_more_through_than_was_proved(world, smuggler):
    instance, x, plan = world
    season = play_season(instance, x, plan_policy(instance, plan), smuggler, np.random.default_rng(1), nights=150)
    flown = sum(len(night.attack) for night in season.nights)
    ceiling = plan.guarantee_kg + instance.cost_kg.max()
    scatter = 4.0 * instance.value_kg.max() / np.sqrt(flown)
    assert flown > 1000
    assert season.through_per_sortie() <= ceiling + scatter
    assert exploitability_kg(instance, season, plan.bound_kg) >= -1e-9


def test_the_plan_beats_the_usual_policies_against_their_worst_smuggler(world):
    instance, x, plan = world

    def worst(policy):
        kinds = (Smuggler.BEST_RESPONSE, Smuggler.HEDGE)
        played = [play_season(instance, x, policy, k, np.random.default_rng(2), nights=120) for k in kinds]
        return max(season.through_per_sortie() for season in played)

    certified = worst(plan_policy(instance, plan))
    for rival in (fixed_policy(instance, x), uniform_policy(instance, x), chase_policy(instance, x)):
        assert certified < worst(rival)


def test_the_four_signs_of_interdiction_when_the_budget_rises():
    """More teams against an adaptive smuggler: seized kg up, value per seizure down, no fewer and no less spread ways.

    Magliocca et al. 2024. His old route is guarded best, so what is caught elsewhere is worth less.
    """
    told = []
    for teams in (2, 9):
        instance = made_instance(120, 11, teams=teams)
        x = np.ones(instance.sensors)
        plan = plan_patrols(instance, x)
        season = play_season(
            instance, x, plan_policy(instance, plan), Smuggler.SUQR, np.random.default_rng(3), nights=250
        )
        caught = [instance.value_kg[night.attack[night.seized > 0]] for night in season.nights]
        shares = crossing_shares(instance, season, 0, 250)
        told.append(
            (
                season.seized_kg(),
                float(np.mean(np.concatenate(caught))),
                int((shares > 0.005).sum()),
                crossing_entropy(shares),
            )
        )
    (poor_kg, poor_each, poor_active, poor_spread), (rich_kg, rich_each, rich_active, rich_spread) = told
    assert rich_kg > poor_kg
    assert rich_each < poor_each
    assert rich_active >= poor_active
    assert rich_spread >= poor_spread - 0.05


def test_a_closed_stretch_displaces_traffic_and_a_shock_lowers_it(world):
    instance, x, plan = world
    closed = tuple(range(40, 70))
    changes = (Change(night=40, label="closed", closed_cells=closed), Change(night=80, label="dry", supply=0.2))
    season = play_season(
        instance, x, plan_policy(instance, plan), Smuggler.SUQR, np.random.default_rng(4), nights=120, changes=changes
    )
    assert not any(np.isin(instance.crossing[night.attack], closed).any() for night in season.nights[40:])
    assert displacement(instance, season, 40) > displacement(instance, season, 20, span=20) + 0.05
    flown = [len(night.attack) for night in season.nights]
    assert np.mean(flown[80:]) < 0.4 * np.mean(flown[:80])


def test_the_habit_teaches_the_smuggler_and_counts_in_no_figure_of_the_policy(world):
    instance, x, plan = world
    habit, policy = fixed_policy(instance, x), plan_policy(instance, plan)

    def play(first, second, nights=80):
        return play_season(
            instance, x, second, Smuggler.BEST_RESPONSE, np.random.default_rng(8), nights=nights, habit=first
        )

    turned, habit_only = play((habit, 50), policy), play(None, habit, 50)
    for one, other in zip(turned.nights, habit_only.nights, strict=False):
        np.testing.assert_array_equal(one.attack, other.attack)
    flown = sum(len(night.attack) for night in turned.nights[50:])
    assert turned.through_per_sortie() == pytest.approx(sum(n.through_kg for n in turned.nights[50:]) / flown)
    assert through_in(turned, 50, 80)[0] == pytest.approx(turned.through_per_sortie())
    same = play((policy, 0), policy)
    np.testing.assert_array_equal(same.played, play(None, policy).played)


def test_a_policy_begins_every_season_anew(world):
    instance, x, plan = world
    blend = blend_policy(instance, x, [uniform_policy(instance, x), fixed_policy(instance, x)])
    for policy in (blend, lean_policy(instance, plan, every=8)):
        first, second = (
            play_season(instance, x, policy, Smuggler.MEMORY, np.random.default_rng(12), nights=20) for _ in range(2)
        )
        for one, other in zip(first.nights, second.nights, strict=True):
            np.testing.assert_array_equal(one.attack, other.attack)
            np.testing.assert_array_equal(one.inclusion, other.inclusion)


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), experts=st.integers(2, 5), rounds=st.integers(1, 200), hurt=st.booleans())
def test_the_blend_never_regrets_more_than_is_stated_after_any_number_of_rounds(seed, experts, rounds, hurt):
    """Losses at random with one expert better than the rest, or made to hurt: 1 for those whom the odds favour."""
    rng = np.random.default_rng(seed)
    better, loss, paid = rng.uniform(size=experts), np.zeros(experts), 0.0
    for t in range(1, rounds + 1):
        odds = hedge_odds(loss, t)
        now = (rng.uniform(size=experts) < better).astype(float)
        if hurt:
            now = (odds >= np.sort(odds)[-(1 + t % (experts - 1))]).astype(float)
        paid += float(odds @ now)
        loss += now
        assert paid - loss.min() <= np.sqrt(t * np.log(experts)) + 1e-9


def test_the_ceiling_is_the_most_kilograms_any_attack_gets_through_audits_included(world):
    instance, x, plan = world
    through = _mean_payoffs(instance, detection(instance, x), plan) + instance.cost_kg
    assert ceiling_kg(instance, audited_inclusion(instance, plan, 0.0)) == pytest.approx(through.max(), abs=1e-9)
    rng = np.random.default_rng(15)
    random = [payoffs(instance, detection(instance, x), random_placement(instance, rng)) for _ in range(500)]
    audited = 0.7 * through + 0.3 * (np.mean(random, axis=0) + instance.cost_kg)
    assert ceiling_kg(instance, audited_inclusion(instance, plan, 0.3)) == pytest.approx(audited.max(), rel=0.01)


def test_closing_everything_leaves_him_at_home(world):
    instance, _, _ = world
    for kind in Smuggler:
        assert choices(new_mind(kind, instance), instance, np.zeros(instance.attacks)).sum() == 0


@settings(max_examples=10)
@given(seed=st.integers(0, 999), teams=st.integers(1, 4), sorties=st.integers(1, 2))
def test_uniform_response_is_what_drawing_posts_gives(seed, teams, sorties):
    from itertools import combinations

    instance = tiny(seed, posts=5, teams=teams, sorties=sorties)
    q = instance.response.toarray()
    drawn = [np.sort(q[:, list(posts)], axis=1)[:, ::-1] for posts in combinations(range(5), teams)]
    listed = np.mean([best[:, :sorties].sum(axis=1) / sorties for best in drawn], axis=0)
    assert uniform_response(instance) == pytest.approx(listed, abs=1e-9)


def test_leaning_saves_more_from_the_traffic_it_saw_and_keeps_the_guarantee_within_epsilon(world):
    instance, x, plan = world
    past = play_season(instance, x, plan_policy(instance, plan), Smuggler.SUQR, np.random.default_rng(5), nights=60)
    leaned = lean_plan(instance, plan, list(past.nights), 0.05)
    assert leaned is not plan
    assert leaned.guarantee_kg <= plan.guarantee_kg * 1.05 + 1e-6
    assert _mean_payoffs(instance, detection(instance, x), leaned).max() <= plan.guarantee_kg * 1.05 + 1e-6
    flown = np.concatenate([night.attack for night in past.nights])
    odds = detection(instance, x)[flown]
    saved = [float(np.mean(odds * p.response[instance.response_row[flown]])) for p in (plan, leaned)]
    assert saved[1] > saved[0]


def test_leaning_leaves_no_stretch_worse_by_more_than_epsilon(world):
    """Who moves on before the next re-plan finds nowhere more than ε better than before."""
    instance, _, plan = world
    rng = np.random.default_rng(7)
    traffic = rng.exponential(size=instance.attacks) * (instance.crossing < 20)
    leaned = lean_to(instance, plan, traffic, 0.05)
    before, after = (np.maximum(attack_payoff(instance, p), 0.0) for p in (plan, leaned))
    stretch = instance.window * 24 + (instance.crossing * 24) // len(instance.cell_m)
    # Attacks worth less than a quarter of the best are nobody's second choice, and not held.
    worth = instance.net_kg > 0.25 * instance.net_kg.max()
    for one in np.unique(stretch[worth]):
        mine = worth & (stretch == one)
        assert after[mine].max() <= 1.05 * before[mine].max() + 1e-5
    assert traffic @ after < traffic @ before


def test_several_smugglers_at_once_share_the_sorties_and_each_learns_from_his_own(world):
    instance, x, plan = world
    policy = plan_policy(instance, plan, 0.1)

    def play(crowd, nights=60):
        return play_season(instance, x, policy, crowd, np.random.default_rng(3), nights=nights)

    alone, same = play(Smuggler.BANDIT), play([(Smuggler.BANDIT, 2.0)])
    assert alone.smuggler == same.smuggler == "bandit"
    assert all(np.array_equal(a.attack, b.attack) for a, b in zip(alone.nights, same.nights, strict=True))
    crowd = play([(kind, 1.0) for kind in Smuggler], 200)
    assert crowd.smuggler == "best-response+hedge+bandit+suqr+memory"
    flown = sum(len(night.attack) for night in crowd.nights)
    assert 1800 < flown < 2200
    # No mixture of smugglers gets more than the worst of them may.
    assert crowd.through_per_sortie() <= plan.guarantee_kg + instance.cost_kg.max() + 4 * 20 / np.sqrt(flown)
    seasons = (play(Smuggler.MEMORY, 200), crowd)
    entropy = [crossing_entropy(crossing_shares(instance, season, 0, 200)) for season in seasons]
    assert entropy[0] < entropy[1]
    for wrong in ([], [(Smuggler.HEDGE, 0.0)]):
        with pytest.raises(ValueError, match="share"):
            play(wrong)


def _mean_payoffs(instance, detected, plan):
    """What each attack brings against a plan's rosters, each weighed by its probability."""
    out = np.zeros(instance.attacks)
    for lottery in plan.lotteries:
        mine = np.isin(instance.window, lottery.windows)
        for placement, chance in zip(lottery.placement, lottery.probability, strict=True):
            night = np.zeros((instance.windows, instance.posts))
            night[lottery.windows] = placement
            out += np.where(mine, chance * payoffs(instance, detected, night), 0.0)
    return out


def test_suqr_weights_come_back_from_seizures_weighted_by_their_chance():
    instance = tiny(2, cells=40, posts=6)
    rng = np.random.default_rng(6)
    seen, truth = rng.uniform(0, 1, 40), np.array([-3.0, 2.0, -1.0])
    scale = instance.value_kg.max()
    score = truth[0] * seen + truth[1] * instance.value_kg / scale + truth[2] * instance.cost_kg / scale
    odds = np.exp(score) / np.exp(score).sum()
    flown = rng.choice(40, 60_000, p=odds)
    chance = np.clip(seen, 0.05, 1)
    caught = flown[rng.uniform(size=len(flown)) < chance[flown]]
    fitted = refit_suqr(instance, seen, caught, chance[caught])
    naive = refit_suqr(instance, seen, caught, np.ones(len(caught)))
    assert fitted == pytest.approx(truth, abs=0.35)
    assert abs(naive[0] - truth[0]) > 3 * abs(fitted[0] - truth[0])


def test_the_loop_closes_seizures_weighted_by_logged_chances_give_the_flow_back(world):
    """Plan, season, seizures, Horvitz-Thompson: the truth lies in the 95 % interval of a bootstrap over nights."""
    instance, x, plan = world
    inside = 0
    for seed in range(5):
        season = play_season(
            instance, x, plan_policy(instance, plan, 0.1), Smuggler.SUQR, np.random.default_rng(100 + seed), nights=200
        )
        visible = [night.inclusion >= 0.02 for night in season.nights]
        truth = sum(float(instance.value_kg[n.attack[v]].sum()) for n, v in zip(season.nights, visible, strict=True))
        nightly = np.array(
            [
                float(np.sum((instance.value_kg[n.attack] * n.seized / np.maximum(n.inclusion, 0.02))[v]))
                for n, v in zip(season.nights, visible, strict=True)
            ]
        )
        rng = np.random.default_rng(seed)
        again = nightly[rng.integers(0, len(nightly), (2000, len(nightly)))].sum(axis=1)
        low, high = np.quantile(again, [0.025, 0.975])
        inside += low <= truth <= high
        raw = season.seized_kg()
        assert abs(nightly.sum() - truth) < 0.5 * abs(raw - truth)
    assert inside >= 4


def test_the_loop_closes_through_the_flow_estimate_of_intelligence(world):
    instance, x, plan = world
    rng = np.random.default_rng(7)
    rows, draws, cells, quantity, modes, truth = [], [], [], [], [], 0.0
    season = play_season(instance, x, plan_policy(instance, plan, 0.1), Smuggler.SUQR, rng, nights=60)
    for number, night in enumerate(season.nights):
        begins = number * 86_400_000_000
        roster = draw_roster(
            instance, plan, rng, draw_id=f"n{number}", starts_at_us=begins, window_s=3 * 3600.0, audit_share=0.1
        )
        logged = {(row.draw_id, row.cell_id, row.mode): row for row in inclusion_rows(instance, roster)}
        rows += [msgspec.convert(msgspec.to_builtins(row), LoggedInclusion) for row in logged.values()]
        for a, seized in zip(night.attack, night.seized, strict=True):
            key = (
                f"n{number}/w{instance.window[a]}",
                f"c{instance.crossing[a]}",
                instance.aircraft_names[instance.aircraft[a]],
            )
            if logged[key].probability >= 0.02:
                truth += instance.value_kg[a]
                if seized:
                    draws.append(key[0])
                    cells.append(key[1])
                    modes.append(key[2])
                    quantity.append(instance.value_kg[a])
    log = RosterLog(site_id="made", from_us=0, to_us=60 * 86_400_000_000, inclusions=rows, audit_share=0.1)
    found = estimate_flow(log, draws, cells, np.array(quantity), modes, rng=np.random.default_rng(8))
    assert found.refused is None
    assert found.total.low <= truth <= found.total.high


def test_draws_follow_the_logged_probabilities(world):
    instance, _, plan = world
    rng = np.random.default_rng(9)
    nights = np.mean([draw(instance, plan.lotteries, rng) for _ in range(4000)], axis=0)
    from araz.deployment import coverage_of

    assert nights == pytest.approx(coverage_of(instance, plan), abs=0.04)
    assert (random_placement(instance, rng).sum(axis=1) == instance.teams).all()
