"""Where a likely drone was launched: the tracker looks back, this room asks once and says it."""

from __future__ import annotations

from typing import Final

from araz.incidents._fall import AREA_PROBABILITIES, areas_around
from araz.incidents._sentences import minutes_span, side_words
from araz.incidents._state import State, is_due
from araz.incidents._work import Work, track_name
from araz.vocabulary import IncidentKind, phrase, reason

#: Asked this long after it was first seen: by then what came after has said what can be said of the beginning, and the
#: tracker still remembers it (half a minute of scans).
ASK_AFTER_US: Final = 22_000_000
ASK_UNTIL_US: Final = 26_000_000
#: Belief in a drone from which on the beginning is looked at, in case a card follows.
ASK_BELIEF: Final = 0.3
MOST_AT_ONCE: Final = 2


def launch_wanted(state: State, now_us: int) -> tuple[int, ...]:
    """The tracks (at most two a call) whose launch area the next ``Inputs.launches`` should hold.

    Those an officer was told of or may be told of, each once while the tracker remembers how they began; one that
    looks like a drone only later has no launch area.
    """
    if not is_due(state, now_us):
        return ()
    due = [
        track
        for track, memory in state.memories.items()
        if not memory.is_launch_asked
        and memory.heir is None
        and not memory.former
        and ASK_AFTER_US <= now_us - memory.first_seen_us <= ASK_UNTIL_US
        and (memory.belief >= ASK_BELIEF or f"track:{track}" in state.card_of_key)
    ]
    return tuple(sorted(due)[:MOST_AT_ONCE])


def tell_launches(work: Work) -> None:
    """Say the launch area of each drone with a card, with its 50 and 90 % ellipses; for the liaison, not a patrol."""
    for track, found in work.inputs.launches.items():
        if track in work.memories:
            work.memories[track] = work.memories[track]._replace(is_launch_asked=True, launch=found)
    for track, memory in list(work.memories.items()):
        found = memory.launch
        if found is None or f"track:{track}" not in work.card_of_key:
            continue
        memory = memory._replace(launch=None)
        east, north = (float(x) for x in found.centre_enu_m)
        quantiles = found.scale[AREA_PROBABILITIES[0]], found.scale[AREA_PROBABILITIES[1]]
        areas = areas_around(work.context.place, east, north, found.covariance, quantiles)
        border = float(work.context.place.border.signed_distance_m(found.centre_enu_m[:1], found.centre_enu_m[1:])[0])
        low, high = minutes_span(0.5 * found.flown_s, 2.0 * found.flown_s)
        key = "event.launch" if low else "event.launch-within"
        words = phrase(key, track=track_name(track), side=side_words(border), low=low, high=high)
        at_us = max(memory.first_seen_us - int(found.flown_s * 1e6), 0)
        incident = work.incident(
            IncidentKind.LAUNCH, at_us, words,
            confidence=0.9, track=track, areas=areas,
            reasons_for=(reason(phrase("why.flown-back")),),
        )  # fmt: skip
        work.memories[track] = memory.with_incident(IncidentKind.LAUNCH, memory.first_seen_us, incident)
