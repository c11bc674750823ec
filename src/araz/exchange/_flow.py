"""What one output must be sent as the night goes on: tracks at its own pace, alarms and orders at once.

The state is a value: which tracks the other side was told of (so that they can be taken away), when it was last told,
and the alarms whose options a later order may name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from araz.exchange._cot import area_uid, cot_hello, cot_of_alarm, cot_of_order, cot_of_track, cot_removed, track_uid
from araz.exchange._sapient import sapient_alarm, sapient_hello, sapient_status, sapient_track
from araz.vocabulary import (
    Alarm,
    AlarmState,
    Decision,
    DecisionAction,
    Event,
    Output,
    OutputFormat,
    Picture,
    SensorState,
    is_drill,
    real_tracks,
)

#: Alarms remembered for the orders that follow them.
MAX_ALARMS: Final = 256
STATUS_EVERY_US: Final = 5_000_000
#: The class that is no business of a patrol.
UNWANTED: Final = frozenset({"bird"})

#: States in which an alarm's areas are nobody's goal any more.
OVER: Final = frozenset({AlarmState.REJECTED, AlarmState.CLEARED})


@dataclass(frozen=True, slots=True, eq=False)
class OutputState:
    """What one output knows of the other side."""

    output: Output
    site: str
    told: Mapping[str, str] = field(default_factory=dict)
    """Uid by track number."""
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    sent_us: int = 0
    status_us: int = 0
    number: int = 0


def output_init(output: Output, site: str) -> OutputState:
    """Return the state before anything was sent."""
    return OutputState(output=output, site=site)


def output_step(state: OutputState, events: Sequence[Event]) -> tuple[OutputState, list[bytes]]:
    """Take what the pipeline said; return the messages for this output, in order."""
    out: list[bytes] = []
    for event in events:
        if is_drill(event):
            continue
        if isinstance(event, Picture):
            if event.at_us - state.sent_us >= state.output.every_s * 1e6:
                state, messages = _picture(state, event)
                out.extend(messages)
        elif isinstance(event, Alarm):
            alarms = {**state.alarms, event.alarm_id: event}
            while len(alarms) > MAX_ALARMS:
                alarms.pop(next(iter(alarms)))
            out.extend(_alarm(state, event))
            state = replace(state, alarms=alarms, number=state.number + 1)
        elif isinstance(event, Decision):
            out.extend(_order(state, event))
    return state, out


def output_hello(state: OutputState, at_us: int) -> bytes:
    """What must be said first on every new connection."""
    if state.output.format is OutputFormat.COT:
        return cot_hello(state.site, at_us)
    return sapient_hello(state.output.node_id, at_us, state.site)


def _picture(state: OutputState, picture: Picture) -> tuple[OutputState, list[bytes]]:
    wanted = [t for t in real_tracks(picture) if t.is_confirmed and t.class_name not in UNWANTED]
    told = {track.track_id: track_uid(track, state.site) for track in wanted}
    if state.output.format is OutputFormat.COT:
        out = [cot_of_track(track, state.site) for track in wanted]
        out += [cot_removed(uid, picture.at_us) for name, uid in state.told.items() if name not in told]
        return replace(state, told=told, sent_us=picture.at_us), out
    node, number = state.output.node_id, state.number
    out = [sapient_track(node, track, picture.at_us, number + k) for k, track in enumerate(wanted)]
    if picture.at_us - state.status_us >= STATUS_EVERY_US:
        out.append(sapient_status(node, picture.at_us, SensorState.OK, number + len(wanted)))
        state = replace(state, status_us=picture.at_us)
    return replace(state, told=told, sent_us=picture.at_us, number=number + len(wanted) + 1), out


def _alarm(state: OutputState, alarm: Alarm) -> list[bytes]:
    if state.output.format is OutputFormat.COT:
        # Areas of an earlier revision that no longer hold, and all of them once nobody need go there, are taken away.
        before = state.alarms.get(alarm.alarm_id, alarm)
        told = 0 if before is not alarm and before.state in OVER else len(before.areas)
        drawn = [] if alarm.state in OVER else cot_of_alarm(alarm, state.site)
        gone = [area_uid(alarm, number, state.site) for number in range(len(drawn), told)]
        return drawn + [cot_removed(uid, alarm.changed_at_us) for uid in gone]
    return [sapient_alarm(state.output.node_id, alarm, state.number)]


def _order(state: OutputState, decision: Decision) -> list[bytes]:
    """An order is a decision to send, with the option that was on the card; older decisions name the patrol only."""
    if decision.action is not DecisionAction.SEND or state.output.format is not OutputFormat.COT:
        return []
    alarm = state.alarms.get(decision.alarm_id)
    if alarm is None:
        return []
    order = decision.order or next((one for one in alarm.options if one.patrol_id == decision.patrol_id), None)
    return [] if order is None else [cot_of_order(decision, order, alarm, state.site)]
