"""Silence means little where nobody can see: corridors that go blind become an incident, and one card for one cause.

A dead sensor has its own card already: what it leaves blind is written on that card. Only what no such card explains
(weather, a sensor that is degraded or contradicted by the others) gets a card of its own, one for all corridors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from araz.incidents._alarms import Proposal, Words, clear, propose
from araz.incidents._health import BAD
from araz.incidents._sentences import names_words
from araz.incidents._state import Shown
from araz.incidents._work import Work
from araz.vocabulary import CorridorCoverage, IncidentKind, phrase, phrase_of, phrases_of, reason

KEY: Final = "coverage"
#: A corridor that is no worse than when all is well lost nothing: it was never covered.
LEAST_LOSS: Final = 0.05
NAMES_SHOWN: Final = 3


def judge_corridors(work: Work, corridors: Sequence[CorridorCoverage]) -> dict[str, str]:
    """Say which corridors went blind or see again; gives a note for the card of each dead sensor that is the cause."""
    blind = [c for c in corridors if c.is_blind and c.nominal_probability - c.probability > LEAST_LOSS]
    new = [c for c in blind if c.corridor_id not in work.blind]
    if new:
        incident = work.incident(
            IncidentKind.COVERAGE_LOST, work.now_us, phrase("event.blind", blind=_words(new)),
            confidence=0.95, sensor_id=next((c.sensors_lost[0] for c in new if c.sensors_lost), None),
            reasons_for=tuple(reason(cause) for cause in _causes(new)),
        )  # fmt: skip
        work.blind.update({c.corridor_id: incident for c in new})
    _restored(work, corridors, {c.corridor_id for c in blind})
    notes: dict[str, str] = {}
    rest = []
    for corridor in blind:
        carded = [name for name in corridor.sensors_lost if _has_card(work, name)]
        for name in carded[:1]:
            same = [c for c in blind if name in c.sensors_lost]
            notes[name] = _words(same)
        if not carded:
            rest.append(corridor)
    _card(work, rest)
    return notes


def _has_card(work: Work, sensor_id: str) -> bool:
    return any(record.sensor_id == sensor_id and record.state in BAD for record in work.inputs.health)


def _restored(work: Work, corridors: Sequence[CorridorCoverage], blind: set[str]) -> None:
    """Corridors that were blind and are not: once they see again, not when they are merely no longer asked about."""
    back = [c for c in corridors if c.corridor_id in work.blind and c.corridor_id not in blind]
    if not back:
        return
    work.incident(
        IncidentKind.COVERAGE_RESTORED, work.now_us, phrase("event.watched-again", names=_names(back)),
        confidence=0.95, supersedes=work.blind[back[0].corridor_id],
    )  # fmt: skip
    for corridor in back:
        del work.blind[corridor.corridor_id]


def _card(work: Work, blind: Sequence[CorridorCoverage]) -> None:
    if not blind:
        clear(work, KEY, phrase("event.all-watched"))
        return
    worst = min(blind, key=lambda c: c.probability)
    sentence = phrase("event.blind", blind=_words(blind))
    reasons = tuple(map(reason, [*_causes(blind), *(phrase_of(c.sentence, c.said) for c in blind)]))
    propose(
        work,
        Proposal(
            key=KEY,
            kind="coverage",
            priority=2,
            confidence=0.95,
            shown=Shown("blind", ", ".join(c.corridor_id for c in blind), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
            words=lambda: Words(sentence, reasons),
            to_decide=phrase("ask.corridor", corridor=worst.corridor_id),
            incident_ids=tuple(dict.fromkeys(work.blind[c.corridor_id] for c in blind)),
        ),
    )


def _causes(corridors: Sequence[CorridorCoverage]) -> list[str]:
    return list(dict.fromkeys(cause for c in corridors for cause in phrases_of(c.causes, c.causes_said)))


def _names(corridors: Sequence[CorridorCoverage]) -> str:
    return names_words([c.corridor_id for c in corridors], NAMES_SHOWN)


def _words(corridors: Sequence[CorridorCoverage]) -> str:
    """One corridor or several, from what chance of a track to what."""
    now = sum(c.probability for c in corridors) / len(corridors)
    nominal = sum(c.nominal_probability for c in corridors) / len(corridors)
    chances = {"nominal": f"{nominal:.0%}", "now": f"{now:.0%}"}
    if len(corridors) == 1:
        return phrase("event.blind-one", names=_names(corridors), **chances)
    return phrase("event.blind-many", count=len(corridors), names=_names(corridors), **chances)
