"""A dead sensor is not a quiet sky: silence, failure and lies become incidents and cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from araz.incidents._alarms import Proposal, Words, clear, propose
from araz.incidents._people import is_people
from araz.incidents._sentences import clock, state_words
from araz.incidents._state import SensorMemory, Shown
from araz.incidents._work import Work
from araz.vocabulary import IncidentKind, SensorHealth, SensorState, phrase, phrase_of, reason

BAD: Final = (SensorState.SILENT, SensorState.FAILED, SensorState.LYING)
#: A verdict on a sensor's plots rests on few targets at first, and may be taken back with the next: it must last.
LIES_US: Final = 15_000_000


def judge_health(work: Work, health: Sequence[SensorHealth], blind: Mapping[str, str]) -> None:
    """Turn the current health of every sensor into incidents (on change) and cards (while it lasts).

    ``blind`` says by sensor which corridors its loss leaves unseen.
    """
    for record in health:
        if record.sensor_id not in work.context.names or is_people(work.context, record.sensor_id):
            continue
        before = work.sensors.get(record.sensor_id)
        is_bad = record.state in BAD
        if before is None or before.state is not record.state:
            since = work.now_us
            if record.state is SensorState.SILENT and record.last_heard_us is not None:
                since = record.last_heard_us
            work.sensors[record.sensor_id] = SensorMemory(record.state, since, is_bad)
        memory = work.sensors[record.sensor_id]
        if is_bad and (record.state is not SensorState.LYING or work.now_us - memory.since_us >= LIES_US):
            work.sensors[record.sensor_id] = memory._replace(is_told=True)
            _card(work, record, not memory.is_told, blind.get(record.sensor_id, ""))
        elif not is_bad and before is not None and before.is_bad:
            clear(work, f"sensor:{record.sensor_id}", phrase("event.sensor-back", sensor=record.sensor_id))


def _card(work: Work, record: SensorHealth, is_new: bool, blind: str) -> None:
    index = work.context.names.index(record.sensor_id)
    since = work.sensors[record.sensor_id].since_us
    said = {"sensor": record.sensor_id, "state": state_words(record.state), "time": clock(since)}
    why = phrase_of(record.sentence, record.said)
    if record.state is SensorState.LYING and record.sentence and not blind:
        # It sees: its quiet means what it always means, and its card says what is wrong with its words.
        sentence = phrase("event.sensor-lies", why=why, **said)
    else:
        sentence = phrase("event.sensor-blind", blind=blind, **said) if blind else phrase("event.sensor", **said)
    reasons = (reason(why),) if record.sentence else ()
    incidents: tuple[str, ...] = ()
    if is_new:
        incidents = (
            work.incident(
                IncidentKind.SENSOR_SILENT, since, sentence, confidence=0.95, sensor_id=record.sensor_id,
                reasons_for=reasons,
            ),
        )  # fmt: skip
    elif (card := work.cards.get(work.card_of_key.get(f"sensor:{record.sensor_id}", ""))) is not None:
        incidents = tuple(card.alarm.incident_ids)
    propose(
        work,
        Proposal(
            key=f"sensor:{record.sensor_id}",
            kind="sensor",
            priority=2 if blind or work.context.watches_line[index] else 3,
            confidence=0.95,
            shown=Shown(record.state.value, blind, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
            words=lambda: Words(sentence, reasons),
            to_decide=phrase("ask.technician"),
            incident_ids=incidents,
        ),
    )
