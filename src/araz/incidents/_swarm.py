"""What flies together: three and more in company are one event, said once and shown on one card."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from araz.incidents._cards import Proposal
from araz.incidents._fall import areas_around
from araz.incidents._sentences import distance_words, names_words
from araz.incidents._state import Sample
from araz.incidents._work import Work, track_name
from araz.vocabulary import AlarmState, IncidentKind, phrase, reason

#: In company: this near to each other and at about the same velocity. Formations of ten span a kilometre.
COMPANY_M: Final = 600.0
COMPANY_MPS: Final = 4.0
#: Fewer are told one by one.
LEAST: Final = 3
#: A member seen longer ago than this says nothing about where it is now.
FRESH_US: Final = 6_000_000
#: Said again when half as many more have joined.
GROWTH: Final = 1.5
NAMES_SAID: Final = 12
#: Of each member's place, one sigma an axis: three in a line have an area too.
OWN_M: Final = 50.0
#: Below this a member is named as a doubt.
SURE: Final = 0.9


def _place(work: Work, track: int) -> Sample | None:
    memory = work.memories.get(track)
    if memory is None or not memory.history or work.now_us - memory.updated_us > FRESH_US:
        return None
    return memory.history[-1]


def _together(a: Sample, b: Sample) -> bool:
    gap_s = (a.at_us - b.at_us) * 1e-6
    east, north = b.east_m + gap_s * b.v_east_mps, b.north_m + gap_s * b.v_north_mps
    apart_m = math.hypot(a.east_m - east, a.north_m - north)
    return (
        apart_m <= COMPANY_M and math.hypot(a.v_east_mps - b.v_east_mps, a.v_north_mps - b.v_north_mps) <= COMPANY_MPS
    )


def company(work: Work, proposal: Proposal) -> frozenset[str]:
    """The open cards of its kind about tracks that fly in company with this proposal's track, near or by a chain."""
    if proposal.track_id is None:
        return frozenset()
    found, with_it = set(), _chain_of(work, proposal.track_id)
    for alarm_id, card in work.cards.items():
        if card.kind != proposal.kind or card.alarm.state in (AlarmState.CLEARED, AlarmState.REJECTED):
            continue
        keys = [one.key for one in card.told] or [card.key]
        if any(key.startswith("track:") and int(key.partition(":")[2]) in with_it for key in keys):
            found.add(alarm_id)
    return frozenset(found)


def _chain_of(work: Work, track: int) -> set[int]:
    """The tracks of one company with this one."""
    return next((set(chain) for chain in _chains(work, list(work.memories)) if track in chain), set())


def tell_swarms(work: Work, kinds: Mapping[str, Sequence[int]]) -> None:
    """Say of each company of three or more that it flies together; again when it has grown by half.

    ``kinds`` gives by word ("drones", "balloons") the tracks that are believed to be such now. A chain counts: each
    is within 600 m and 4 m/s of another.
    """
    for word, tracks in kinds.items():
        for members in _chains(work, tracks):
            told = max((work.memories[track].swarm_of for track in members), default=0)
            if len(members) >= LEAST and len(members) >= GROWTH * told:
                _say(work, members, word)


def _chains(work: Work, tracks: Sequence[int]) -> list[list[int]]:
    """Connected companies of tracks."""
    places = {track: at for track in tracks if (at := _place(work, track)) is not None}
    left, chains = set(places), []
    while left:
        chain, front = [], [min(left)]
        left.discard(front[0])
        while front:
            track = front.pop()
            chain.append(track)
            near = [other for other in left if _together(places[track], places[other])]
            left.difference_update(near)
            front.extend(near)
        chains.append(sorted(chain))
    return chains


def _say(work: Work, members: list[int], word: str) -> None:
    memories = [work.memories[track] for track in members]
    at = np.array([(m.history[-1].east_m, m.history[-1].north_m) for m in memories])
    v = np.array([(m.history[-1].v_east_mps, m.history[-1].v_north_mps) for m in memories])
    middle, across_m = at.mean(axis=0), float(np.hypot(*np.ptp(at, axis=0)))
    names = names_words([track_name(track) for track in members], NAMES_SAID)
    mean_v = v.mean(axis=0)
    apart_mps = float(np.hypot(*(v - mean_v).T).max())
    doubts = [m for m in memories if m.belief < SURE]
    incident = work.incident(
        IncidentKind.SWARM, min(m.first_seen_us for m in memories),
        phrase(f"event.swarm-{word}", count=len(members), across=distance_words(across_m),
               speed=f"{np.hypot(*mean_v):.0f}", names=names),
        confidence=min(m.belief for m in memories), track=members[0],
        areas=areas_around(
            work.context.place, float(middle[0]), float(middle[1]), np.cov(at.T) + np.eye(2) * OWN_M**2
        ),
        reasons_for=(
            reason(phrase("why.velocities", speed=f"{apart_mps:.0f}")),
            reason(phrase("why.each-near", distance=f"{COMPANY_M:.0f}")),
        ),
        reasons_against=tuple(
            reason(phrase("why.only-sure", track=track_name(m.track_id), sure=f"{m.belief:.0%}")) for m in doubts[:3]
        ),
        supersedes=next((m.swarm_id for m in memories if m.swarm_id is not None), None),
    )  # fmt: skip
    for m in memories:
        work.memories[m.track_id] = m._replace(swarm_of=len(members), swarm_id=incident)
