"""Odds that two sorties are one crew's, against Bayes, a second library and worlds of crews whose truth is known."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from araz.intelligence import Sortie, crew_odds, fit_to_record, learn_crews, link_sorties
from araz.intelligence import _crews as inside  # the fit and the pairs of a whole record are judged by themselves
from seizure_lab import CREW_WORLDS, sorties


def judged(model, found):
    """Probability and truth of every pair of a record."""
    crew = np.array([name for name, _ in found])
    i, j = np.triu_indices(len(found), 1)
    bins = inside._bins(inside._apart([s for _, s in found], i, j))
    return inside._probabilities(model, bins).mean(axis=0), crew[i] == crew[j]


def bins_hold(p, truth, off):
    for low, high in ((0, 0.1), (0.1, 0.4), (0.4, 0.7), (0.7, 1.01)):
        here = (p >= low) & (p < high)
        assert truth[here].mean() == pytest.approx(p[here].mean(), abs=off)


@pytest.mark.parametrize("world", ["plain", "few crews", "one stretch", "one school", "poorly logged"])
def test_the_odds_are_calibrated_on_crews_not_learned_from(world):
    rng, said, were = np.random.default_rng(6), [], []
    for _ in range(4):
        model = learn_crews(sorties(rng, **CREW_WORLDS[world]), rng=rng, draws=8)
        record = sorties(rng, **CREW_WORLDS[world])
        p, truth = judged(fit_to_record(model, [s for _, s in record]), record)
        said.append(p)
        were.append(truth)
    p, truth = np.concatenate(said), np.concatenate(were)
    bins_hold(p, truth, 0.12)
    assert ((p - truth) ** 2).mean() < 0.7 * ((truth.mean() - truth) ** 2).mean()


def test_a_record_of_another_stretch_is_judged_by_its_own_pairs():
    """All crews cross within 30 km there: crossings close together say less than the solved cases of 130 km taught."""
    rng = np.random.default_rng(3)
    model = learn_crews(sorties(rng), rng=rng, draws=8)
    record = sorties(rng, **CREW_WORLDS["one stretch"])
    fitted = fit_to_record(model, [s for _, s in record])
    (before, truth), (after, _) = judged(model, record), judged(fitted, record)
    assert before.sum() > 1.4 * truth.sum()
    assert after.sum() == pytest.approx(truth.sum(), rel=0.3)
    assert np.mean((after - truth) ** 2) < np.mean((before - truth) ** 2)


def test_how_common_such_pairs_are_is_read_from_the_record():
    """Its interval holds the truth, and 60 small crews are told from 8 large ones."""
    rng = np.random.default_rng(4)
    model = learn_crews(sorties(rng), rng=rng, draws=20)
    middle = {}
    for world in ("few crews", "many small crews"):
        for _ in range(3):
            record = sorties(rng, **CREW_WORLDS[world])
            chance = fit_to_record(model, [s for _, s in record]).prior
            share = judged(model, record)[1].mean()
            assert chance.min() < share < chance.max()
            middle.setdefault(world, []).append(np.median(chance))
    assert min(middle["few crews"]) > 2 * max(middle["many small crews"])


def test_one_feature_alone_is_bayes_rule():
    """Radios alone: m of one crew's pairs is 1, u of two crews' the chance of the same of 4 classes."""
    rng, found = np.random.default_rng(2), []
    for crew in range(160):
        habit = str(crew % 4)
        found += [(str(crew), Sortie(f"{crew}-{k}", float(rng.uniform(0, 9000)), radio=habit)) for k in range(2)]
    model = learn_crews(found, rng=rng, draws=1)
    odds = crew_odds(model, Sortie("a", 0.0, radio="1"), Sortie("b", 5000.0, radio="1"))
    by_hand = expit(logit(inside.PRIOR) + np.log(1 / 0.25))
    assert odds.probability == pytest.approx(by_hand, rel=0.35)
    apart = crew_odds(model, Sortie("a", 0.0, radio="1"), Sortie("b", 5000.0, radio="2"))
    assert apart.probability < 0.01


def test_the_coefficients_are_those_of_a_second_library(monkeypatch):
    rng = np.random.default_rng(5)
    others = ~inside._HABITS  # without habits s has no say
    said = np.zeros((3000, len(others)))
    said[:, others] = rng.normal(0, 1.5, (3000, 3))
    same = rng.random(3000) < expit(-1 + said[:, others] @ [1.0, 0.4, 0.2])
    weight = rng.uniform(0.2, 2, 3000)
    monkeypatch.setattr(inside, "_RIDGE", 0.0)
    mine = inside._fit(said, same, weight)[0][others]
    base = float(logit((weight * same).sum() / weight.sum()))
    other = sm.GLM(same, said[:, others], family=sm.families.Binomial(), freq_weights=weight,
                   offset=np.full(3000, base)).fit()  # fmt: skip
    assert mine == pytest.approx(other.params, abs=1e-4)


def test_two_features_that_say_the_same_are_not_counted_twice():
    """Where radio and way of dropping always go together, together they say what one of them says."""
    rng, found = np.random.default_rng(7), []
    for crew in range(80):
        habit = str(rng.integers(5))
        found += [
            (str(crew), Sortie(f"{crew}-{k}", float(rng.uniform(0, 9000)), radio=habit, drop_style=habit))
            for k in range(4)
        ]
    model = learn_crews(found, rng=rng, draws=4)
    both = crew_odds(model, Sortie("a", 0.0, radio="1", drop_style="1"), Sortie("b", 5000.0, radio="1", drop_style="1"))
    tables = sum(np.log(model.same[n][0, 1] / model.different[n][0, 1]) for n in ("radio", "drop_style"))
    told = logit(both.probability) - logit(both.prior)
    assert 0.4 * tables < told < 0.65 * tables


def test_the_interval_says_what_other_solved_cases_would_have_said():
    """For pairs in doubt the mean over many sets of solved cases lies inside the interval that one set gives."""
    rng = np.random.default_rng(8)
    record = sorties(rng)
    pairs = [(record[k][1], record[k + 1][1]) for k in range(0, 80, 2)]
    models = [learn_crews(sorties(rng), rng=rng, draws=24) for _ in range(6)]
    told = [[crew_odds(model, *pair) for pair in pairs] for model in models]
    held = []
    for of_pair in zip(*told, strict=True):
        middle = np.mean([odds.probability for odds in of_pair])
        if 0.1 < middle < 0.9:
            held += [odds.low <= middle <= odds.high for odds in of_pair]
    assert len(held) > 40
    assert np.mean(held) > 0.75


def test_what_one_school_taught_is_read_from_the_record():
    """Solved crews of their own habits, a record of crews from four schools: sameness of habits says less there."""
    rng = np.random.default_rng(9)
    p, truth, school = [], [], {"plain": [], "one school": []}
    for _ in range(4):
        model = learn_crews(sorties(rng), rng=rng, draws=8)
        for world, found in school.items():
            record = sorties(rng, **CREW_WORLDS[world])
            fitted = fit_to_record(model, [s for _, s in record])
            found.append(np.median(fitted.school))
        one = judged(fitted, record)
        p.append(one[0])
        truth.append(one[1])
    assert min(school["one school"]) > 2 * max(school["plain"])
    bins_hold(np.concatenate(p), np.concatenate(truth), 0.15)


def test_the_odds_are_bayes_rule_of_three_kinds_of_pairs():
    """One crew; two crews of one school; two crews: by hand from the tables."""
    rng = np.random.default_rng(10)
    model = learn_crews(sorties(rng, schools=4), rng=rng, draws=1)
    model = model._replace(coefficients=np.ones_like(model.coefficients), school=np.array([0.2]))
    one, other = (
        Sortie("a", 0.0, radio="1", drop_style="thrown", corridor_km=9.0),
        Sortie("b", 5.0, radio="1", drop_style="thrown", corridor_km=10.0),
    )
    m, u = ({name: table[name][0] for name in inside._EDGES} for table in (model.same, model.different))
    habits = [table["radio"][1] * table["drop_style"][1] for table in (m, u)]
    rest = [table["corridor_km"][0] * table["gap_days"][1] for table in (m, u)]
    crew = inside.PRIOR * habits[0] * rest[0]
    two = (1 - inside.PRIOR) * (0.2 * habits[0] + 0.8 * habits[1]) * rest[1]
    assert crew_odds(model, one, other).probability == pytest.approx(crew / (crew + two))


def test_every_link_says_why_and_what_would_refute_it():
    rng = np.random.default_rng(1)
    model = learn_crews(sorties(rng), rng=rng, draws=8)
    one, other = Sortie("a", 1, "sn1", "2", 40.0, 2.0, 12.0), Sortie("b", 4, "sn1", "2", 41.0, 2.4, 13.0)
    found = crew_odds(model, one, other)
    assert found.probability > 0.5
    assert found.low <= found.probability <= found.high <= 1
    assert {w.feature for w in found.weights} == {
        "serial",
        "radio",
        "corridor_km",
        "hour",
        "load_kg",
        "gap_days",
        "shared_habits",
    }
    assert any("another way of letting the load go" in text for text in found.would_refute)
    bare = crew_odds(model, Sortie("a", 1), Sortie("b", 4))
    assert abs(bare.probability - bare.prior) < 0.15
    far = Sortie("c", 200, "sn9", "5", 120.0, 22.0, 5.0)
    assert [item.one for item in link_sorties(model, [one, other, far])] == ["a"]
    assert link_sorties(model, [one]) == []
    with pytest.raises(ValueError, match="five such crews"):
        learn_crews([("1", one), ("1", other)], rng=rng)
