"""Limits in conflict are named; what is named fits; bad arrays are refused with a sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.deployment import (
    Limits,
    LimitsConflict,
    broken_limits,
    certificate,
    check_limits,
    gap_text,
    made_instance,
    name_teams,
    next_money,
    plan_patrols,
    slots_of,
)
from deployment_worlds import tiny


def test_too_small_a_pool_names_pool_and_teams():
    with pytest.raises(LimitsConflict, match="pool has 1") as caught:
        plan_patrols(tiny(1, teams=3, limits=Limits(pool=1)))
    assert caught.value.between == ("pool", "teams")


def test_duty_and_rest_against_the_pool_name_all_three_and_the_remedy_works():
    limits = Limits(duty_windows=2, rest_windows=1, pool=3)
    with pytest.raises(LimitsConflict) as caught:
        check_limits(tiny(1, teams=3, windows=4, limits=limits))
    assert caught.value.between == ("pool", "duty_windows", "rest_windows", "teams")
    sentence = str(caught.value)
    pool = int(sentence.split("raise pool to ")[1].split()[0].strip(",:"))
    duty = int(sentence.split("duty_windows to ")[1].split(",")[0])
    fewer = int(sentence.split("lower teams to ")[1].split()[0])
    check_limits(tiny(1, teams=3, windows=4, limits=Limits(duty_windows=2, pool=pool)))
    check_limits(tiny(1, teams=3, windows=4, limits=Limits(duty_windows=duty, pool=3)))
    check_limits(tiny(1, teams=fewer, windows=4, limits=limits))
    with pytest.raises(LimitsConflict):
        check_limits(tiny(1, teams=3, windows=4, limits=Limits(duty_windows=2, pool=pool - 1)))


def test_moves_with_unequal_windows_are_refused_by_name():
    instance = tiny(1, windows=2, limits=Limits(max_move_m=1e3)).with_(teams=np.array([1, 2]))
    with pytest.raises(LimitsConflict, match="max_move_m"):
        plan_patrols(instance)


@given(
    teams=st.integers(1, 4),
    duty=st.integers(1, 4),
    rest=st.integers(1, 2),
    windows=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_named_teams_keep_duty_and_rest(teams, duty, rest, windows, seed):
    instance = tiny(seed, teams=teams, windows=windows, limits=Limits(duty_windows=duty, rest_windows=rest), cells=2)
    rng = np.random.default_rng(seed)
    night = np.zeros((windows, instance.posts))
    for w in range(windows):
        night[w, rng.choice(instance.posts, teams, replace=False)] = 1
    named = name_teams(instance, night)
    for slots, team in zip(slots_of(instance, night), named, strict=True):
        assert len(slots) == len(team) == len(set(team.tolist())) == teams
    for team in {int(t) for window in named for t in window}:
        works = "".join(str(int(team in window)) for window in named).strip("0")
        assert max(len(run) for run in works.split("0")) <= duty
        assert all(len(gap) >= rest for gap in works.split("1") if gap)
    assert broken_limits(instance, night) == []


def test_a_broken_night_is_told():
    instance = tiny(1, teams=2, windows=2, limits=Limits(max_move_m=500.0))
    night = np.zeros((2, 5))
    night[0, [0, 1]] = night[1, [3, 4]] = 1
    assert any("moves 3000 m" in sentence for sentence in broken_limits(instance, night))
    night[1, 0] = 1
    assert any("3 teams out" in sentence for sentence in broken_limits(instance, night))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value_kg": np.array([1.0])}, "every attack needs one"),
        ({"base_detection": np.full(7, 1.5)}, "probability"),
        ({"value_kg": np.full(7, np.nan)}, "not finite"),
        ({"crossing": np.full(7, 99)}, "counted from 0"),
        ({"aircraft": np.full(7, -1)}, "aircraft names -1"),
        ({"aircraft": np.full(7, 2), "aircraft_names": ("light", "heavy")}, "aircraft names 2 to 2; there are 2"),
        ({"sorties": 0}, "at least 1"),
        ({"teams": np.array([-1])}, "below 0"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_a_sentence(change, words):
    with pytest.raises(ValueError, match=words):
        tiny(1).with_(**change)


def test_no_teams_at_all_is_a_plan_too():
    plan = plan_patrols(tiny(1, teams=0))
    assert plan.guarantee_kg == pytest.approx(tiny(1).net_kg.max())
    assert plan.gap == 0.0


@pytest.mark.parametrize("gap", [1e-12, 0.0004, 0.09, float("inf")])
def test_an_open_gap_is_never_printed_as_none(gap):
    text = gap_text(gap)
    assert "agree" not in text
    assert not text.startswith("0 ")
    assert text != "0.00 %"


@pytest.mark.parametrize("sorties", [1, 2, 3])
def test_no_patrol_is_advised_where_every_post_is_manned(sorties):
    """With several sorties at once the mean of the best posts is the most there is, not the best post's chance."""
    for seed in range(5):
        instance = tiny(seed, posts=3, teams=3, sorties=sorties)
        text = " ".join(certificate(instance, plan_patrols(instance, np.zeros(3))))
        assert "Binding" in text
        assert "met more often" not in text
        assert "a patrol, not a sensor" not in text


def test_the_certificate_says_what_binds_and_where_money_helps():
    instance = made_instance(150, 2)
    plan = plan_patrols(instance, np.zeros(instance.sensors))
    money = next_money(instance, plan)
    text = " ".join(certificate(instance, plan, money))
    assert f"{plan.guarantee_kg:.6g}" in text
    assert "Binding" in text
    assert money.sensor is not None
    assert "a sensor here, not a patrol" in text
