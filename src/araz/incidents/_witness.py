"""A release that a camera or a microphone reports: which track it was, and what it is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from araz.incidents._state import Context, Memory, Witness
from araz.incidents._work import Work
from araz.vocabulary import Bearing, Observation, SensorKind

#: Words by which detectors say so (SAPIENT leaves the behaviour's name to the maker), lower case.
WORDS: Final = ("release", "drop", "jettison")
#: Which sensors can witness one.
WITNESSES: Final = (SensorKind.CAMERA, SensorKind.ACOUSTIC)
#: The track's place when it was said, and the bearing: three sigma of the two together, this much at the least.
LEAST_RAD: Final = 0.03
SIGMAS: Final = 3.0
#: Two tracks within this of each other in direction cannot be told apart by it.
APART_RAD: Final = 0.03
#: How far from a stop or a moment the word may come: seconds of sound on its way and of a detector's window.
NEAR_US: Final = 15_000_000


def hear_releases(work: Work, observations: Sequence[Observation]) -> None:
    """Note on a track that a camera or microphone saw or heard it let go; where two may be meant, on neither."""
    for observation in observations:
        if not says_release(work.context, observation):
            continue
        bearing = observation.measurement
        assert isinstance(bearing, Bearing)
        offs = sorted(
            (off, track) for track, memory in work.memories.items()
            if (off := _off_rad(work.context, memory, observation, bearing)) is not None
        )  # fmt: skip
        if not offs or (len(offs) > 1 and offs[1][0] - offs[0][0] < APART_RAD):
            continue
        memory = work.memories[offs[0][1]]
        features = observation.features
        chance = None if features is None else features.detection_probability
        witness = Witness(observation.observed_at_us, observation.sensor_id, 0.8 if chance is None else chance)
        work.memories[memory.track_id] = memory._replace(witness=witness)


def says_release(context: Context, observation: Observation) -> bool:
    """Whether a sensor that can know says in its own words that something was let go."""
    features = observation.features
    if features is None or features.description is None or not isinstance(observation.measurement, Bearing):
        return False
    if observation.sensor_id not in context.names:
        return False
    is_witness = context.kinds[context.names.index(observation.sensor_id)] in WITNESSES
    return is_witness and any(word in features.description.lower() for word in WORDS)


def _off_rad(context: Context, memory: Memory, observation: Observation, bearing: Bearing) -> float | None:
    """How far a track was from a bearing when it was said; None when it cannot have been it."""
    near = [s for s in memory.history if abs(s.at_us - observation.observed_at_us) <= 2_000_000]
    if memory.heir is not None or not near:
        return None
    index = context.names.index(observation.sensor_id)
    at = min(near, key=lambda s: abs(s.at_us - observation.observed_at_us))
    east, north, _ = context.table.origin_enu_m[index].tolist()
    x, y = at.east_m - east, at.north_m - north
    distance = math.hypot(x, y)
    if distance > float(context.table.max_range_m[index]) or distance < 1.0:
        return None
    off = math.remainder(math.atan2(x, y) - math.radians(bearing.azimuth_deg), 2.0 * math.pi)
    sigma = float(context.table.sigma[index, 0])
    if bearing.azimuth_sigma_deg is not None:
        sigma = math.radians(bearing.azimuth_sigma_deg)
    gate = max(SIGMAS * float(np.hypot(sigma, 15.0 / distance)), LEAST_RAD)
    return abs(off) if abs(off) <= gate else None


def witnessed(memory: Memory, from_us: int, to_us: int) -> Witness | None:
    """The word of a sensor that falls into a span, 15 s about it allowed."""
    said = memory.witness
    return said if said is not None and from_us - NEAR_US <= said.at_us <= to_us + NEAR_US else None
