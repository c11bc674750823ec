"""One step: decisions and reports at once, motion once a second of data time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from araz.geography import Place
from araz.incidents._alarms import Proposal, Words, decide, propose, tend
from araz.incidents._balloon import judge_balloons
from araz.incidents._blind import judge_corridors
from araz.incidents._features import Features, evidence, features_of, likeness, without_youth
from araz.incidents._health import judge_health
from araz.incidents._identity import claim_name, judge, watch_claims
from araz.incidents._launched import tell_launches
from araz.incidents._motion import watch
from araz.incidents._people import answer, hear, new_cones
from araz.incidents._phase import View, is_radar_out
from araz.incidents._situation import rest, tell
from araz.incidents._start import is_start, learn_scenery
from araz.incidents._state import EVALUATE_US, FORGET_US, Inputs, Shown, State, Stats, context_of, is_due
from araz.incidents._succession import believed, resume, succeed
from araz.incidents._swarm import tell_swarms
from araz.incidents._witness import hear_releases
from araz.incidents._work import Work, desk, track_name
from araz.vocabulary import (
    BoolArray,
    Event,
    FloatArray,
    IdentityVerdict,
    IncidentKind,
    SensorTable,
    phrase,
    reason,
)

#: A track is watched one by one from this likeness on: below it no story about it could be told anyway.
WATCH_PROBABILITY: Final = 0.06
#: A likely drone: enough for a card once it lasts, and for a leg of steady flight to count as a drone's.
LIKELY_PROBABILITY: Final = 0.85
STAYS_LIKELY: Final = 0.1
LEG_NATS: Final = 1.5
#: A stop or a standing start speaks for a drone this long, a rise twice as long: what flies on shows by its course
#: what it is.
REMEMBERED_US: Final = 180_000_000
#: A scan that comes this much before its second still counts as the second's.
SLACK_US: Final = 50_000


def init(place: Place, table: SensorTable) -> State:
    """The room's first state for a place and its sensors; fails with ValueError when they are of different sites."""
    return State(context=context_of(place, table))


def step(state: State, inputs: Inputs) -> tuple[State, list[Event]]:
    """Take one picture and what came since the last; give the next state and what must be said.

    **Shapes** any number of tracks; **frame** ENU at the site origin; time only from ``inputs.now_us`` (a step back in
    time is judged at the latest time already reached). Cheap when nothing is due: motion is judged once a second.
    """
    now = max(inputs.now_us, state.last_us)
    judges = is_due(state, now)
    if not judges and not inputs.observations and not inputs.decisions:
        return (state if now == state.last_us else replace(state, last_us=now)), []
    work = desk(state, replace(inputs, now_us=now))
    cones = new_cones(state.context, state.cones, inputs.observations, now)
    work.claims_seen = (
        watch_claims(state.context, state.claims_seen, inputs.observations, now)
        if inputs.observations
        else work.claims_seen
    )
    decide(work, inputs.decisions)
    hear(work, inputs.observations)
    hear_releases(work, inputs.observations)
    stats = _evaluate(work, state) if judges else state.stats
    after = State(
        context=state.context,
        next_evaluation_us=now + EVALUATE_US - SLACK_US if judges else state.next_evaluation_us,
        incident_count=work.incident_count,
        alarm_count=work.alarm_count,
        stats=stats,
        memories=work.memories,
        identities=work.identities,
        claims_seen=work.claims_seen,
        sensors=work.sensors,
        reports=tuple(work.reports),
        cones=cones,
        cards=work.cards,
        card_of_key=work.card_of_key,
        raised=tuple(work.raised),
        hover_places=tuple(work.hover_places),
        scenery=tuple(work.scenery),
        crossings=tuple(work.crossings),
        began_us=work.began_us,
        last_us=now,
        blind=work.blind,
    )
    return after, work.events


def _evaluate(work: Work, state: State) -> Stats:
    """The second's judgement: features of all, verdicts of the claimed, stories of the likely, cards of all."""
    picture, context = work.inputs.picture, work.context
    seen, stats = features_of(context, state.stats, picture, work.inputs.claims)
    last_us = state.next_evaluation_us - EVALUATE_US + SLACK_US
    step_s = min((work.now_us - last_us) * 1e-6, 5.0) if state.next_evaluation_us else 0.0
    work.identities = judge(
        context, work.identities, work.claims_seen, picture, seen, work.inputs.claims, work.inputs.health,
        work.inputs.sighted, step_s,
    )  # fmt: skip
    judge_health(work, work.inputs.health, judge_corridors(work, work.inputs.corridors))
    tell_launches(work)
    starts = is_start(work, seen)
    weights = _weights(work, seen, stats, starts)
    probability = likeness(weights)
    answer(work, seen, probability)
    _stories(work, seen, stats, weights, probability, starts)
    _together(work)
    learn_scenery(work, seen)
    _false_identities(work, seen)
    tend(work)
    _forget(work)
    return stats


def _together(work: Work) -> None:
    """What drifts and what flies in company."""
    balloons = judge_balloons(work)
    drones = [
        track
        for track, memory in work.memories.items()
        if memory.likely_since_us is not None and memory.heir is None and track not in balloons
    ]
    tell_swarms(work, {"balloons": balloons, "drones": drones})


def _flags(work: Work, seen: Features, starts: BoolArray) -> list[BoolArray]:
    """Whether each track's claim was ever refuted, people heard it, it stood still, rose, stood at first [n] each."""
    false = {k for k, v in work.identities.items() if v.was_refuted}
    known = {k for k, m in work.memories.items() if m.people}
    since = work.now_us - REMEMBERED_US
    still = {k for k, m in work.memories.items() if m.hovered_at_us is not None and m.hovered_at_us > since}
    rose = {k for k, m in work.memories.items() if m.rose_at_us is not None and m.rose_at_us > since - REMEMBERED_US}
    stood = {k for k, m in work.memories.items() if m.stood_at_us is not None and m.stood_at_us > since}
    ids = seen.track_id.tolist()
    flags = [np.array([i in some for i in ids], dtype=np.bool_) for some in (false, known, still, rose, stood)]
    flags[-1] |= starts
    return flags


def _weights(work: Work, seen: Features, stats: Stats, starts: BoolArray) -> FloatArray:
    return evidence(work.context, work.inputs.picture, seen, stats, *_flags(work, seen, starts))


def _stories(
    work: Work, seen: Features, stats: Stats, weights: FloatArray, probability: FloatArray, starts: BoolArray
) -> None:
    likely = (without_youth(probability, weights) if is_radar_out(work) else probability) > WATCH_PROBABILITY
    succeed(work, seen, probability, likely)
    present = set()
    for i in range(seen.row.shape[0]):
        track = int(seen.track_id[i])
        memory = work.memories.get(track)
        if memory is None and not likely[i]:
            continue
        present.add(track)
        if memory is not None and memory.heir is not None:
            updated_us = int(work.inputs.picture.updated_at_us[seen.row[i]])
            memory = work.memories[track] = resume(memory, updated_us, work.now_us)
            if memory.heir is not None:
                continue
        hover_s = work.context.place.site.alarms.hover_s
        memory = watch(memory, seen, i, hover_s, work.inputs.picture, work.context.stale_us)
        if starts[i]:
            memory = memory._replace(stood_at_us=work.now_us)
        belief = believed(memory, float(probability[i]), work.now_us)
        if memory.last_seen_us - memory.updated_us <= work.context.stale_us:
            memory = memory._replace(belief=belief)
        least = max(work.context.place.site.alarms.min_confidence, LIKELY_PROBABILITY)
        # Once likely it stays so through a dip: a belief at the edge would else begin to count anew every few seconds.
        is_likely = belief >= (least if memory.likely_since_us is None else least - STAYS_LIKELY)
        since = memory.likely_since_us or work.now_us if is_likely else None
        memory = memory if since == memory.likely_since_us else memory._replace(likely_since_us=since)
        if since is not None and seen.course_nats[i] >= LEG_NATS:
            memory = memory._replace(leg_at_us=work.now_us)
        view = View(i, int(seen.row[i]), seen, stats, weights[i], belief, work.identities.get(track))
        work.memories[track] = tell(work, memory, view)
    for track, memory in list(work.memories.items()):
        if track not in present:
            rest(work, memory)


def _false_identities(work: Work, seen: Features) -> None:
    """A card for each contradicted claim still in the air; from the second on they share one."""
    for i in np.flatnonzero(work.inputs.picture.claim_key[seen.row] != 0):
        track = int(seen.track_id[i])
        identity = work.identities.get(track)
        if identity is None or identity.verdict is not IdentityVerdict.CONTRADICTED:
            continue
        claim = work.inputs.claims.get(int(work.inputs.picture.claim_key[seen.row[i]]))
        name = phrase("claim.unnamed") if claim is None else claim_name(claim)
        key = f"claim:{track if claim is None else name}"
        card = work.cards.get(work.card_of_key.get(key, ""))
        sentence = phrase("claim.false", claim=name, reasons=identity.reasons)
        reasons = tuple(reason(text, 3.0) for text in identity.reasons)
        incidents: tuple[str, ...] = ()
        if card is None:
            incidents = (
                work.incident(
                    IncidentKind.FALSE_IDENTITY, work.now_us,
                    phrase("event.false-identity", track=track_name(track), sentence=sentence), confidence=0.95,
                    track=track, reasons_for=reasons,
                ),
            )  # fmt: skip
        elif card.key == key:
            incidents = tuple(card.alarm.incident_ids)
        propose(
            work,
            Proposal(
                key=key,
                kind="false identity",
                priority=2,
                confidence=0.95,
                shown=Shown("false identity", name, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
                words=partial(Words, sentence, reasons),
                to_decide=phrase("ask.false-identity"),
                track_id=track,
                incident_ids=incidents,
            ),
        )


def _forget(work: Work) -> None:
    now = work.now_us
    for track, memory in list(work.memories.items()):
        if now - memory.last_seen_us > FORGET_US:
            del work.memories[track]
    for name, last in list(work.claims_seen.items()):
        if now - last.at_us > FORGET_US:
            del work.claims_seen[name]
    work.hover_places = [place for place in work.hover_places if now - place[0] < FORGET_US]
