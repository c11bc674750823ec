"""What one track means: the incidents it makes and the card it deserves."""

from __future__ import annotations

from typing import Final

import numpy as np

from araz.incidents._alarms import touch
from araz.incidents._crossings import note_crossing
from araz.incidents._drop import find_drop
from araz.incidents._ends import find_down, find_loiter
from araz.incidents._fall import areas_around, matrix
from araz.incidents._features import CLAIM_DRONE
from araz.incidents._pass import find_pass
from araz.incidents._phase import (
    UNKNOWN_PROBABILITY,
    View,
    is_believed,
    is_early,
    is_predicted,
    is_radar_out,
    is_told_more,
    path,
    phase_of,
    show,
    unknown_phase,
    was_likely,
)
from araz.incidents._sentences import distance_words, hover_sentence, likeness_reasons, side_words
from araz.incidents._state import FORGET_US, Memory
from araz.incidents._work import Work, track_name
from araz.vocabulary import Area, IdentityVerdict, IncidentKind, phrase

#: Below this likeness a track makes no incident, and keeps no card alive.
INCIDENT_PROBABILITY: Final = 0.6
#: The likeness a release needs, and the one it needs when nobody saw the track come over the line.
DROP_PROBABILITY: Final = 0.75
STRANGER_PROBABILITY: Final = 0.9


def tell(work: Work, memory: Memory, view: View) -> Memory:
    """Say what happened with this track and keep its card; gives the memory with the incidents noted."""
    is_fresh = work.now_us - memory.updated_us <= work.context.stale_us
    is_silent = _is_excused(work, view)
    needed = DROP_PROBABILITY if memory.crossed_at_us is not None else STRANGER_PROBABILITY
    if is_fresh and not is_silent and view.probability >= needed:
        drop = find_drop(work.context.place, memory, work.now_us) or find_pass(work.context.place, memory)
        memory = memory if drop is None else memory._replace(drop=drop)
    if is_fresh and not is_silent:
        memory = find_loiter(work, memory)
    is_unlikely = view.probability < INCIDENT_PROBABILITY and memory.drop is None
    if is_silent or not view.seen.is_mature[view.i]:
        if not is_silent and is_fresh and is_radar_out(work):
            _tell_early(work, memory, view)
        return memory
    if is_unlikely:
        if is_fresh:
            _tell_early(work, memory, view)
        return memory
    if not is_fresh:
        # A prediction is no news; its card waits for the drone to come out from behind the ridge.
        touch(work, f"track:{memory.track_id}")
        return find_down(work, memory)
    memory = _incidents(work, memory, view)
    phase = phase_of(work, memory, view)
    if phase is None or is_early(work, memory, view, phase):
        _tell_early(work, memory, view)
    else:
        show(work, memory, view, phase)
    return memory


def _tell_early(work: Work, memory: Memory, view: View) -> None:
    """What comes and may be a drone; what was told so stays open while it is about as likely as then."""
    if is_told_more(work, memory):
        return
    phase = unknown_phase(work, memory, view)
    if phase is not None:
        show(work, memory, view, phase)
    elif view.probability >= UNKNOWN_PROBABILITY:
        touch(work, f"track:{memory.track_id}")


def _is_excused(work: Work, view: View) -> bool:
    """Whether the track is somebody authorised, a false identity (which has its own card), or still under test."""
    identity = view.identity
    if identity is None:
        return False
    if identity.verdict in (IdentityVerdict.AUTHORISED, IdentityVerdict.CONTRADICTED):
        return True
    if identity.verdict is not IdentityVerdict.UNTESTED:
        return False
    if identity.is_under_test and view.seen.claim_code[view.i] == CLAIM_DRONE:
        return True
    claim = work.inputs.claims.get(int(work.inputs.picture.claim_key[view.row]))
    listed = {flight.identity.lower() for flight in work.context.place.site.authorised}
    return claim is not None and claim.identity.lower() in listed


def _incidents(work: Work, memory: Memory, view: View) -> Memory:
    """Every fact of the memory that was not said yet becomes an incident, once."""
    seen, i = view.seen, view.i
    name, p = track_name(memory.track_id), view.probability
    if memory.predicted_since_us is not None and memory.side >= 0 and np.isfinite(seen.time_to_line_s[i]):
        memory = _coming(work, memory, view)
    if memory.crossed_at_us is not None and is_believed(work, memory, view):
        sentence = phrase("event.came-over" if memory.came_over else "event.crossed", track=name)
        memory = _crossing(work, memory, view, memory.crossed_at_us, sentence, p * (0.7 if memory.came_over else 0.97))
    if memory.left_at_us is not None and was_likely(memory, memory.left_at_us):
        memory = _crossing(work, memory, view, memory.left_at_us, phrase("event.left", track=name), p * 0.9)
    if memory.returned_at_us is not None and memory.latest_incident(IncidentKind.CROSSING) is not None:
        memory = _once(work, memory, view, IncidentKind.RETURNED, memory.returned_at_us, memory.returned_at_us,
                       phrase("event.returned", track=name), p * 0.97)  # fmt: skip
    return _stops(work, memory, view)


def _crossing(work: Work, memory: Memory, view: View, at_us: int, sentence: str, confidence: float) -> Memory:
    """A crossing, once, and what earlier ones make of it."""
    if memory.has_incident(IncidentKind.CROSSING, at_us):
        return memory
    memory = _once(work, memory, view, IncidentKind.CROSSING, at_us, at_us, sentence, confidence)
    return note_crossing(work, memory, memory.incidents[-1][1], confidence)


def _coming(work: Work, memory: Memory, view: View) -> Memory:
    """A path that leads over the line: an approach first, a predicted crossing once it lasted and is likely."""
    assert memory.predicted_since_us is not None
    kind = IncidentKind.CROSSING_PREDICTED if is_predicted(work, memory, view) else IncidentKind.APPROACH
    if memory.has_incident(kind, memory.predicted_since_us):
        return memory
    to_line, chance = float(view.seen.time_to_line_s[view.i]), float(view.seen.cross_probability[view.i])
    place, spread = path(work, view, to_line)
    away = distance_words(float(view.seen.border_m[view.i]))
    name = track_name(memory.track_id)
    sentence = phrase("event.approach", track=name, distance=away, seconds=f"{to_line:.0f}")
    at = work.now_us + int(to_line * 1e6)
    areas = areas_around(work.context.place, *place, matrix(spread))
    return _once(work, memory, view, kind, memory.predicted_since_us, at, sentence, view.probability * chance, areas)


def _stops(work: Work, memory: Memory, view: View) -> Memory:
    """Hover, landing and drop."""
    settings, name, p = work.context.place.site.alarms, track_name(memory.track_id), view.probability
    hover, picture = memory.hover, work.inputs.picture
    if hover is not None and hover.slow_s >= settings.hover_s and hover.after_leg and not hover.is_reported:
        memory = memory._replace(hover=hover._replace(is_reported=True))
        areas = areas_around(
            work.context.place, hover.sum_east_m / hover.samples, hover.sum_north_m / hover.samples,
            picture.covariance[view.row][:2, :2],
        )  # fmt: skip
        sentence = hover_sentence(memory.track_id, hover, float(view.seen.border_m[view.i]))
        memory = _once(work, memory, view, IncidentKind.HOVER, hover.started_us, hover.started_us, sentence, p, areas)
    if memory.landed_at_us is not None and not memory.has_incident(IncidentKind.LANDING, memory.landed_at_us):
        at, east, north = memory.landed_at_us, memory.history[-1].east_m, memory.history[-1].north_m
        areas = areas_around(work.context.place, east, north, picture.covariance[view.row][:2, :2])
        words = phrase("event.landed", track=name)
        memory = _once(work, memory, view, IncidentKind.LANDING, at, at, words, p * 0.8, areas)
    drop = memory.drop
    if drop is not None and not memory.has_incident(IncidentKind.DROP, drop.at_us):
        incident = work.incident(
            IncidentKind.DROP, drop.at_us, phrase("event.drop", track=name, side=side_words(drop.border_m)),
            confidence=p * drop.probability, track=memory.track_id, areas=drop.areas,
            reasons_for=drop.reasons_for, reasons_against=drop.reasons_against,
            supersedes=memory.latest_incident(IncidentKind.DROP) or memory.latest_incident(IncidentKind.CROSSING),
        )  # fmt: skip
        memory = memory.with_incident(IncidentKind.DROP, drop.at_us, incident)
    return memory


def _once(
    work: Work,
    memory: Memory,
    view: View,
    kind: IncidentKind,
    key_us: int,
    at_us: int,
    sentence: str,
    confidence: float,
    areas: tuple[Area, ...] = (),
) -> Memory:
    if memory.has_incident(kind, key_us):
        return memory
    reasons = likeness_reasons(work.context, work.inputs.picture, view.seen, view.stats, view.i, view.weights, memory)
    earlier = {
        IncidentKind.CROSSING_PREDICTED: IncidentKind.APPROACH,
        IncidentKind.CROSSING: IncidentKind.CROSSING_PREDICTED,
        IncidentKind.RETURNED: IncidentKind.CROSSING,
        IncidentKind.LANDING: IncidentKind.HOVER,
    }.get(kind)
    incident = work.incident(
        kind, at_us, sentence, confidence=confidence, track=memory.track_id, areas=areas,
        reasons_for=reasons[0], reasons_against=reasons[1],
        supersedes=None if earlier is None else memory.latest_incident(earlier),
    )  # fmt: skip
    return memory.with_incident(kind, key_us, incident)


def rest(work: Work, memory: Memory) -> None:
    """A track that ended: it may be down; a drop stays the officer's business for half an hour, the rest runs out."""
    if memory.heir is None:
        work.memories[memory.track_id] = find_down(work, memory)
    if memory.drop is not None and work.now_us - memory.drop.at_us < FORGET_US:
        touch(work, f"track:{memory.track_id}")
