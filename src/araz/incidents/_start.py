"""What begins by standing in the air: a drone that starts, or a post, a tree or a cable that was there all night."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from araz.incidents._features import Features
from araz.incidents._state import Memory
from araz.incidents._work import Work
from araz.vocabulary import BoolArray

#: From its first moment: what was watched for longer before it seemed to stand is a bird that turned, seen badly.
FIRST_S: Final = 20.0
#: What stands this near to scenery is scenery.
SCENERY_M: Final = 80.0
#: Something that stood and never went this far was no drone.
NEVER_FLEW_M: Final = 60.0
NEVER_ROSE_M: Final = 25.0
MOST_PLACES: Final = 256
#: Scenery is believed for half a day: a tree that nobody saw for so long may as well be told again.
SCENERY_US: Final = 12 * 3_600_000_000
#: Judged when it goes, not for as long as it is remembered.
JUST_GONE_US: Final = 5_000_000
#: Of what stood when the watch began nobody knows since when.
FIRST_LOOKS_US: Final = 10_000_000


def is_start(work: Work, seen: Features) -> BoolArray:
    """Which tracks stand in the air from their first moment, where nothing stood before [n]."""
    result = seen.is_standing.copy()
    rows = np.flatnonzero(result)
    if not rows.size:
        return result
    picture = work.inputs.picture
    place = picture.position_enu_m[seen.row[rows], :2]
    known = np.array([(east, north) for _, east, north in work.scenery]).reshape(-1, 2)
    apart = np.hypot(place[:, None, 0] - known[None, :, 0], place[:, None, 1] - known[None, :, 1])
    memories = [work.memories.get(track) for track in seen.track_id[rows].tolist()]
    stood = np.array([memory is not None and memory.stood_at_us is not None for memory in memories])
    is_first = stood | (seen.age_s[rows] <= FIRST_S)
    is_late = picture.started_at_us[seen.row[rows]] > work.began_us + FIRST_LOOKS_US
    result[rows] = is_first & is_late & (apart > SCENERY_M).all(axis=1)
    return result


def learn_scenery(work: Work, seen: Features) -> None:
    """Remember the places of what stood, never flew, and is gone from the picture."""
    work.scenery[:] = [place for place in work.scenery if work.now_us - place[0] < SCENERY_US][-MOST_PLACES:]
    present = set(seen.track_id.tolist())
    for track, memory in work.memories.items():
        if memory.stood_at_us is None or track in present or memory.heir is not None or not memory.history:
            continue
        if work.now_us - memory.last_seen_us > JUST_GONE_US:
            continue
        if not _ever_flew(memory):
            last = memory.history[-1]
            work.scenery.append((work.now_us, last.east_m, last.north_m))
            work.memories[track] = memory._replace(stood_at_us=None)


def _ever_flew(memory: Memory) -> bool:
    at, heights = memory.history[-1], [s.agl_m for s in memory.history]
    far = max(math.hypot(s.east_m - at.east_m, s.north_m - at.north_m) for s in memory.history)
    return far >= NEVER_FLEW_M or max(heights) - min(heights) >= NEVER_ROSE_M
