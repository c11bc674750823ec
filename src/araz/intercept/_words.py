"""An option in one plain sentence for a person who reads it once, at night."""

from __future__ import annotations

import math

from araz.vocabulary import FloatArray

_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def duration_words(seconds: float) -> str:
    """``40 s`` under a minute and a half, else whole minutes; the sign is dropped."""
    size = abs(seconds)
    return f"{5 * round(size / 5)} s" if size < 90.0 else f"{round(size / 60)} min"


def percent(probability: float) -> str:
    """A percentage that never claims to be certain."""
    return f"{min(max(round(100 * probability), 1), 99)} %"


def drop_area_sentence(patrol_id: str, arrival_s: float, load_s: float, margin_s: float, chance: float) -> str:
    """When the patrol is at the drop area, and whether the load, or the crew, is there first."""
    begins = f"{patrol_id} reaches the drop area in {duration_words(arrival_s)}"
    if arrival_s < load_s:
        return f"{begins}, {duration_words(load_s - arrival_s)} before the load ({percent(chance)})."
    order = "before" if margin_s >= 0 else "after"
    return f"{begins}, {duration_words(margin_s)} {order} the crew is likely gone ({percent(chance)})."


def cut_off_sentence(
    patrol_id: str,
    road_names: tuple[str, ...],
    offset_enu_m: FloatArray,
    arrival_s: float,
    margin_s: float,
    in_time: float,
    share: float,
) -> str:
    """Where the patrol can bar the way, when, and how many of the ways out it bars."""
    distance_m = float(math.hypot(offset_enu_m[0], offset_enu_m[1]))
    octant = round(math.degrees(math.atan2(offset_enu_m[0], offset_enu_m[1])) / 45.0) % 8
    road = " / ".join(road_names[:2]) or "the road"
    order = "before" if margin_s >= 0 else "after"
    return (
        f"{patrol_id} bars {road}, {distance_m / 1000:.1f} km {_COMPASS[octant]} of the drop area, "
        f"in {duration_words(arrival_s)}, {duration_words(margin_s)} {order} the crew would pass ({percent(in_time)}); "
        f"{percent(share) if share < 0.995 else 'all'} of the ways out pass there."
    )
