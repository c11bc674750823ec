"""Alarms after ISA-18.2: ten at once are one, what comes and goes is held, and the figures count what was said."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from night import START_US, alarms, healthy, incidents, play, smuggler

from araz.incidents import alarm_figures
from araz.vocabulary import Alarm, AlarmState, Decision, DecisionAction, InterceptOption, SensorState

MINUTE_US = 60_000_000


def at_once(count, apart_s=0.0):
    scripts = [smuggler(k) for k in range(1, count + 1)]
    for k, script in enumerate(scripts):
        script.points = [(t + apart_s * k, e + 150 * k, n, u) for t, e, n, u in script.points]
    return scripts


@pytest.mark.parametrize("apart_s", [0.0, 3.0, 20.0])
def test_ten_at_once_are_one_open_card_that_says_where_each_is(place, table, apart_s):
    _, events = play(place, table, at_once(10, apart_s), 110.0 + 10 * apart_s)
    shown = {c.alarm_id: c for c in alarms(events)}
    [card] = [c for c in shown.values() if c.state is AlarmState.ACTIVE]
    assert "10 alarms" in card.sentence
    names = {f"T{k:04d}" for k in range(1, 11)}
    assert {member.track_id for member in card.members} == names
    alone = {c.track_id: c for c in alarms(play(place, table, at_once(1, apart_s), 110.0)[1])}["T0001"]
    for member in card.members:
        assert member.areas, "each says where"
        assert member.sentence.startswith(alone.sentence.split(",")[0])
        assert member.to_decide.endswith("?"), "and what to decide for it"
        assert set(member.incident_ids) <= {i.incident_id for i in incidents(events) if i.track_id == member.track_id}
    assert [m.priority for m in card.members] == sorted(m.priority for m in card.members), "most urgent first"
    assert len({(area.latitude_deg, area.longitude_deg) for area in card.areas}) >= 10, "each member's place"
    assert card.priority == min(c.priority for c in shown.values())
    assert card.to_decide
    assert len(shown) <= 10, "nine that were told before the flood was one, and the group"


def decided(card, t, action=DecisionAction.ACKNOWLEDGE, **more):
    return Decision(
        decision_id=f"d{t}", alarm_id=card.alarm_id, revision=card.revision, action=action, officer="duty",
        at_us=START_US + int(t * 1e6), **more,
    )  # fmt: skip


def test_the_first_card_of_a_company_becomes_the_one_for_all(place, table):
    """Three that fly together were three cards and a fourth for all: one event rang four times."""
    scripts = at_once(5)
    for k, script in enumerate(scripts[1:], start=1):
        script.starts = 20.0 + 12.0 * k
    _, events = play(place, table, scripts, 110.0)
    told = alarms(events)
    first = told[0]
    assert (first.track_id, first.members, first.revision) == ("T0001", [], 1)
    same = [c for c in told if c.alarm_id == first.alarm_id]
    assert [c.revision for c in same] == list(range(1, len(same) + 1)), "one card, revised"
    assert {m.track_id for m in same[-1].members} == {f"T{k:04d}" for k in range(1, 6)}
    assert same[-1].raised_at_us == first.raised_at_us, "who was first stays on it"
    assert len({c.alarm_id for c in told}) == 2, "the second was told before there was a company"
    assert [c.alarm_id for c in {c.alarm_id: c for c in told}.values() if c.state is AlarmState.ACTIVE] == [
        first.alarm_id
    ]


@pytest.mark.parametrize("action", [DecisionAction.ACKNOWLEDGE, DecisionAction.REJECT, DecisionAction.SHELVE])
def test_what_was_decided_for_one_silences_nobody_who_joined_meanwhile(place, table, action):
    """The officer still has the card for one before him and decides; it has become the one for all a moment ago."""

    def inputs(t, events):
        told = alarms(events)
        is_group = any(c.members for c in told) and not any(c.decided_by for c in told)
        return {"decisions": [decided(told[0], t, action, reason="bird or flock")]} if is_group else {}

    _, events = play(place, table, at_once(5, 4.0), 110.0, inputs_at=inputs)
    first = alarms(events)[0]
    same = [c for c in alarms(events) if c.alarm_id == first.alarm_id and c.decided_by]
    assert same[0].members
    assert all(c.state is AlarmState.ACTIVE for c in same), "it still asks about the others"
    assert [e.action for e in events if isinstance(e, Decision)] == [action], "and the decision is on record"


def test_a_patrol_sent_for_one_goes_to_that_one_when_others_joined_meanwhile(place, table):
    def inputs(t, events):
        told = alarms(events)
        if not any(c.members for c in told) or any(c.decided_by for c in told):
            return {}
        order = InterceptOption(
            rank=1, patrol_id="patrol-2", action="drop area", latitude_deg=39.4, longitude_deg=47.3, arrival_s=60.0,
            arrival_sigma_s=9.0, margin_s=5.0, probability_before=0.6, route=[], sentence="",
        )  # fmt: skip
        return {"decisions": [decided(told[0], t, DecisionAction.SEND, patrol_id="patrol-2", order=order)]}

    _, events = play(place, table, at_once(5, 4.0), 110.0, inputs_at=inputs)
    first = alarms(events)[0]
    last = [c for c in alarms(events) if c.alarm_id == first.alarm_id][-1]
    assert {m.track_id: m.patrols for m in last.members if m.patrols} == {first.track_id: ["patrol-2"]}


def test_a_card_in_hand_stays_out_of_the_group(place, table):
    def inputs(t, events):
        told = alarms(events)
        if t < 40.0 or not told or any(c.decided_by for c in told):
            return {}
        taken = Decision(
            decision_id="d", alarm_id=told[0].alarm_id, revision=1, action=DecisionAction.ACKNOWLEDGE,
            officer="duty", at_us=START_US + int(t * 1e6),
        )  # fmt: skip
        return {"decisions": [taken]}

    _, events = play(place, table, at_once(10, 20.0), 300.0, inputs_at=inputs)
    shown = {c.alarm_id: c for c in alarms(events)}
    group = next(c for c in shown.values() if "one card for all" in c.sentence)
    in_hand = next(c for c in shown.values() if c.decided_by)
    assert in_hand.state is not AlarmState.CLEARED
    assert in_hand.track_id is not None
    assert in_hand.track_id not in {member.track_id for member in group.members}


def test_one_more_is_named_within_a_second_and_asks_again_when_the_card_was_taken(place, table):
    def inputs(t, events):
        group = next((c for c in reversed(alarms(events)) if c.members), None)
        if group is None or t < 120.0 or group.state is not AlarmState.ACTIVE or group.decided_by:
            return {}
        taken = Decision(
            decision_id="d", alarm_id=group.alarm_id, revision=group.revision, action=DecisionAction.ACKNOWLEDGE,
            officer="duty", at_us=START_US + int(t * 1e6),
        )  # fmt: skip
        return {"decisions": [taken]}

    scripts = at_once(9)
    late = smuggler(10)
    late.points = [(t + 130.0, e + 1500, n, u) for t, e, n, u in late.points]
    alone = alarms(play(place, table, [late], 200.0)[1])[0]
    _, events = play(place, table, [*scripts, late], 200.0, inputs_at=inputs)
    first = next(c for c in alarms(events) if "T0010" in {m.track_id for m in c.members})
    assert first.changed_at_us - alone.raised_at_us <= 1_000_000
    assert first.state is AlarmState.ACTIVE
    before = [c for c in alarms(events) if c.alarm_id == first.alarm_id and c.revision < first.revision]
    assert before[-1].state is AlarmState.ACKNOWLEDGED
    assert next(m for m in first.members if m.track_id == "T0010").told_at_us == first.changed_at_us


def test_a_patrol_sent_on_a_card_for_many_is_kept_at_its_member_through_changes_of_number(place, table):
    """Sent to T0001, which is lost and found as T0099; then the same patrol is sent to T0003 instead."""
    orders = {100.0: "T0001", 160.0: "T0003"}

    def inputs(t, events):
        group = next((c for c in reversed(alarms(events)) if c.members), None)
        if t not in orders:
            return {}
        option = InterceptOption(
            rank=1, patrol_id="patrol-2", action="drop area", latitude_deg=39.4, longitude_deg=47.3, arrival_s=60.0,
            arrival_sigma_s=9.0, margin_s=5.0, probability_before=0.6, route=[], sentence="", track_id=orders[t],
        )  # fmt: skip
        sent = Decision(
            decision_id=f"d{t}", alarm_id=group.alarm_id, revision=group.revision, action=DecisionAction.SEND,
            officer="duty", at_us=START_US + int(t * 1e6), patrol_id="patrol-2", order=option,
        )  # fmt: skip
        return {"decisions": [sent]}

    scripts = at_once(6)
    elder, heir = scripts[0], smuggler(99)
    elder.ends = 130.0
    heir.points, heir.starts = elder.points, 131.0
    _, events = play(place, table, [*scripts, heir], 200.0, inputs_at=inputs)
    cards = [c for c in alarms(events) if c.members]
    at = {t: START_US + int(t * 1e6) for t in orders}
    first = next(c for c in cards if c.changed_at_us >= at[100.0])
    assert (first.changed_at_us, first.decision_reason) == (at[100.0], "sent patrol-2 to T0001")
    assert [m.track_id for m in first.members if m.patrols] == ["T0001"]
    before = [c for c in cards if c.changed_at_us < at[160.0]][-1]
    assert {m.track_id: m.patrols for m in before.members if m.patrols} == {"T0099": ["patrol-2"]}
    last = cards[-1]
    assert {m.track_id: m.patrols for m in last.members if m.patrols} == {"T0003": ["patrol-2"]}
    [*_, decided] = [e for e in events if isinstance(e, Decision)]
    assert decided.order.track_id == "T0003", "the record names the member"


def test_a_member_that_changes_its_number_stays_one_member(place, table):
    scripts = at_once(6)
    elder, heir = scripts[0], smuggler(99)
    elder.ends = 130.0
    heir.points, heir.starts = elder.points, 131.0
    _, events = play(place, table, [*scripts, heir], 200.0)
    card = [c for c in alarms(events) if c.members][-1]
    assert sorted(m.track_id for m in card.members) == ["T0002", "T0003", "T0004", "T0005", "T0006", "T0099"]


def test_a_sensor_that_comes_and_goes_rings_three_times_and_is_then_held(place, table):
    def flapping(t):
        # 400 s of dying for forty seconds out of eighty, then well for good.
        is_dead = t < 400.0 and (t % 80.0) < 40.0
        return healthy(t, radar_1=SensorState.SILENT if is_dead else SensorState.OK)

    _, events = play(place, table, [], 1300.0, health=flapping)
    story = [c for c in alarms(events) if "radar-1" in c.sentence]
    assert len({c.alarm_id for c in story}) == 1, "one alarm for one event"
    rings = 1 + sum(a.state is AlarmState.CLEARED and b.state is AlarmState.ACTIVE for a, b in pairwise(story))
    assert rings == 3
    cleared = [c for c in story if c.state is AlarmState.CLEARED]
    assert any("comes and goes" in c.sentence for c in story)
    assert story[-1].state is AlarmState.CLEARED
    assert cleared[-1].changed_at_us - START_US > (400 + 500) * 1e6, "cleared after ten quiet minutes"


def test_a_verdict_on_a_sensor_that_is_taken_back_at_once_rings_nobody(place, table):
    """A radar "lied" for five seconds of a quiet evening: twenty targets, and the next report took it back."""

    def said(until_s):
        return lambda t: healthy(t, radar_1=SensorState.LYING if 20.0 <= t < until_s else SensorState.OK)

    _, events = play(place, table, [], 60.0, health=said(25.0))
    assert not alarms(events)
    _, events = play(place, table, [], 60.0, health=said(50.0))
    [raised, cleared] = alarms(events)
    assert (raised.raised_at_us - START_US) / 1e6 <= 20.0 + 16.0
    assert cleared.state is AlarmState.CLEARED
    assert cleared.changed_at_us - START_US >= 50e6


def alarm(name, at_us, state=AlarmState.ACTIVE, revision=1, raised_us=None, priority=2, sentence="x"):
    return Alarm(
        alarm_id=name, revision=revision, priority=priority, state=state, sentence=sentence, confidence=0.5,
        raised_at_us=at_us if raised_us is None else raised_us, changed_at_us=at_us,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3600), max_size=60), st.integers(0, 1200))
def test_rates_and_time_in_flood_agree_with_counting_second_by_second(times_s, from_s):
    span_s = 1800
    revisions = [alarm(f"A{k}", START_US + at * 1_000_000) for k, at in enumerate(times_s)]
    figures = alarm_figures(revisions, [], START_US + from_s * 1_000_000, START_US + (from_s + span_s) * 1_000_000)
    # What is raised after the span is not known in it.
    known = np.array([at for at in times_s if at <= from_s + span_s], dtype=float)
    seconds = np.arange(from_s, from_s + span_s)
    counts = np.array([np.sum((known > s - 600) & (known <= s)) for s in seconds])
    assert figures.flood_share == pytest.approx(float(np.mean(counts >= 10)))
    inside = known[(known >= from_s) & (known < from_s + span_s)]
    assert figures.raised == len(inside)
    assert figures.per_hour == pytest.approx(2.0 * len(inside))
    worst = max((int(np.sum((inside > s - 600) & (inside <= s))) for s in inside), default=0)
    assert figures.worst_ten_minutes == worst
    assert figures.floods == int(np.sum((counts[1:] >= 10) & (counts[:-1] < 10)) + (counts[:1] >= 10).sum())


def test_the_officers_time_and_outcomes_are_counted_from_the_first_decision():
    at = [START_US + k * MINUTE_US for k in range(4)]
    revisions = [alarm(f"A{k}", at[k], priority=1 + k % 3) for k in range(4)]
    revisions += [alarm("A0", at[0] + 5, AlarmState.ACKNOWLEDGED, 2, at[0])]

    def decision(name, alarm_id, at_us, action, reason=None):
        return Decision(
            decision_id=name, alarm_id=alarm_id, revision=1, action=action, officer="d", at_us=at_us, reason=reason
        )

    decisions = [
        decision("1", "A0", at[0] + 20_000_000, DecisionAction.SEND),
        decision("2", "A0", at[0] + 90_000_000, DecisionAction.ACKNOWLEDGE),
        decision("3", "A1", at[1] + 40_000_000, DecisionAction.REJECT, "bird or flock"),
        decision("4", "unknown", at[1], DecisionAction.REJECT, "not an alarm of this console"),
    ]
    figures = alarm_figures(revisions, decisions, START_US, START_US + 60 * MINUTE_US)
    assert (figures.decided, figures.undecided) == (2, 2)
    assert figures.median_decision_s == 30.0
    assert figures.reject_reasons == {"bird or flock": 1}
    assert figures.decisions_by_action == {"acknowledge": 1, "reject": 1, "send": 1}
    assert figures.raised_by_priority == {"1": 2, "2": 1, "3": 1}
    assert figures.standing == 4
    day_later = alarm_figures(revisions, decisions, START_US, START_US + 1500 * MINUTE_US)
    assert day_later.stale == 4
    with pytest.raises(ValueError, match="from_us < to_us"):
        alarm_figures([], [], START_US, START_US)
    empty = alarm_figures([], [], START_US, START_US + 1)
    assert empty.median_decision_s is None, "unknown is not zero"
