"""The desk of one step: what it reads, what it has said so far; thrown away when the next state is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from araz.incidents._state import (
    Card,
    ClaimSeen,
    Context,
    Crossed,
    Identity,
    Inputs,
    Memory,
    Report,
    SensorMemory,
    State,
)
from araz.vocabulary import Alarm, Area, Event, Incident, IncidentKind, Reason, said_of


@dataclass(slots=True, eq=False)
class Work:
    """Copies that one step may write on; nothing here outlives the step."""

    context: Context
    inputs: Inputs
    now_us: int
    incident_count: int
    alarm_count: int
    memories: dict[int, Memory]
    identities: dict[int, Identity]
    claims_seen: dict[str, ClaimSeen]
    sensors: dict[str, SensorMemory]
    cards: dict[str, Card]
    card_of_key: dict[str, str]
    reports: list[Report]
    raised: list[tuple[int, str]]
    hover_places: list[tuple[int, float, float]]
    scenery: list[tuple[int, float, float]]
    crossings: list[Crossed]
    began_us: int
    blind: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def incident(
        self,
        kind: IncidentKind,
        at_us: int,
        sentence: str,
        *,
        confidence: float,
        track: int | None = None,
        sensor_id: str | None = None,
        areas: Sequence[Area] = (),
        reasons_for: Sequence[Reason] = (),
        reasons_against: Sequence[Reason] = (),
        supersedes: str | None = None,
    ) -> str:
        """Say that something happened; gives its id."""
        self.incident_count += 1
        incident_id = f"I{self.incident_count:04d}"
        self.events.append(
            Incident(
                incident_id=incident_id,
                kind=kind,
                at_us=at_us,
                known_at_us=self.now_us,
                track_id=None if track is None else track_name(track),
                sensor_id=sensor_id,
                confidence=round(min(max(confidence, 0.0), 1.0), 3),
                areas=list(areas),
                reasons_for=list(reasons_for),
                reasons_against=list(reasons_against),
                supersedes=supersedes,
                sentence=str(sentence),
                said=said_of(sentence),
            )
        )
        return incident_id

    def say(self, alarm: Alarm) -> None:
        """Send an alarm's new revision."""
        self.events.append(alarm)


def track_name(track_id: int) -> str:
    """The name people see: ``T0012``."""
    return f"T{track_id:04d}"


def desk(state: State, inputs: Inputs) -> Work:
    """Copy what one step may change (dictionaries of frozen values: shallow copies are enough)."""
    return Work(
        context=state.context,
        inputs=inputs,
        now_us=inputs.now_us,
        incident_count=state.incident_count,
        alarm_count=state.alarm_count,
        memories=dict(state.memories),
        identities=dict(state.identities),
        claims_seen=dict(state.claims_seen),
        sensors=dict(state.sensors),
        cards=dict(state.cards),
        card_of_key=dict(state.card_of_key),
        reports=list(state.reports),
        raised=list(state.raised),
        hover_places=list(state.hover_places),
        scenery=list(state.scenery),
        crossings=list(state.crossings),
        began_us=state.began_us or inputs.now_us,
        blind=dict(state.blind),
    )
