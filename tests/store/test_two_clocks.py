"""Two clocks: what the records say was known then is what a screen that was there had been told."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from araz.store import Records
from araz.vocabulary import Alarm, AlarmState, Decision, DecisionAction, Incident, IncidentKind


@st.composite
def nights(draw):
    """Events in the order they were said: alarms with revisions, incidents known late or foretold, decisions."""
    events, revisions, raised = [], {}, {}
    now = 1000
    for n in range(draw(st.integers(1, 40))):
        now += draw(st.integers(0, 30))
        match draw(st.sampled_from(["alarm", "incident", "decision"])):
            case "alarm":
                name = f"A{draw(st.integers(1, 4))}"
                revisions[name] = revisions.get(name, 0) + 1
                raised.setdefault(name, now)
                events.append(
                    Alarm(
                        alarm_id=name, revision=revisions[name], priority=draw(st.integers(1, 3)),
                        state=draw(st.sampled_from(list(AlarmState))), raised_at_us=raised[name], changed_at_us=now,
                        sentence=f"said at {now}", confidence=0.5,
                    )
                )  # fmt: skip
            case "incident":
                at = now + draw(st.integers(-200, 200))
                events.append(Incident(incident_id=f"I{n}", kind=IncidentKind.HEARD, at_us=max(at, 0), known_at_us=now))
            case "decision":
                events.append(
                    Decision(decision_id=f"D{n}", alarm_id="A1", revision=1, action=DecisionAction.ACKNOWLEDGE,
                             officer="duty", at_us=now)
                )  # fmt: skip
    return events


def said_at(event):
    match event:
        case Alarm():
            return event.changed_at_us
        case Incident():
            return event.known_at_us
    return event.at_us


def screen_at(events, at_us):
    """A browser that listened until then: it keeps the newest of each alarm, and every incident and decision."""
    alarms, others = {}, []
    for event in events:
        if said_at(event) > at_us:
            break
        if isinstance(event, Alarm):
            alarms[event.alarm_id] = event
        else:
            others.append(event)
    return alarms, others


def as_bytes(records):
    return sorted(msgspec.json.encode(one) for one in records)


@settings(max_examples=40, deadline=None)
@given(nights(), st.integers(990, 2200), st.integers(0, 1500))
def test_as_known_then_is_what_was_on_the_screen_and_now_adds_only_what_was_learned(events, at_us, later_us):
    with Records.open(":memory:") as records:
        records.write(events)
        alarms, others = screen_at(events, at_us)
        assert as_bytes(records.alarms_known(at_us, at_us)) == as_bytes(alarms.values())
        told = [one for one in others if isinstance(one, Incident)]
        assert as_bytes(records.incidents_known(at_us, at_us)) == as_bytes(told)
        decided = [one for one in others if isinstance(one, Decision)]
        assert as_bytes(records.decisions_known(at_us, at_us)) == as_bytes(decided)

        known_us = at_us + later_us
        now_alarms, now_others = screen_at(events, known_us)
        raised = [one for one in now_alarms.values() if one.raised_at_us <= at_us]
        assert as_bytes(records.alarms_known(at_us, known_us)) == as_bytes(raised)
        learned = [i for i in now_others if isinstance(i, Incident) and (i.known_at_us <= at_us or i.at_us <= at_us)]
        assert as_bytes(records.incidents_known(at_us, known_us)) == as_bytes(learned)
        assert set(as_bytes(told)) <= set(as_bytes(learned)), "later knowledge takes nothing away"
        assert {one.alarm_id for one in raised} == set(alarms), "the same alarms, said as they are known now"
