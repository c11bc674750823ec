"""An option in one plain sentence for a person who reads it once, at night."""

from __future__ import annotations

import math

from araz.vocabulary import FloatArray, Phrase, phrase

_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def duration_words(seconds: float) -> str:
    """``40 s`` under a minute and a half, else whole minutes; the sign is dropped."""
    size = abs(seconds)
    if size < 90.0:
        return phrase("unit.seconds", n=5 * round(size / 5))
    return phrase("unit.minutes", n=round(size / 60))


def percent(probability: float) -> str:
    """A percentage that never claims to be certain."""
    return f"{min(max(round(100 * probability), 1), 99)} %"


def drop_area_sentence(patrol_id: str, arrival_s: float, load_s: float, margin_s: float, chance: float) -> Phrase:
    """When the patrol is at the drop area, and whether the load, or the crew, is there first."""
    said = {"patrol": patrol_id, "arrival": duration_words(arrival_s), "chance": percent(chance)}
    if arrival_s < load_s:
        return phrase("option.before-load", time=duration_words(load_s - arrival_s), **said)
    key = "option.before-crew" if margin_s >= 0 else "option.after-crew"
    return phrase(key, time=duration_words(margin_s), **said)


def cut_off_sentence(
    patrol_id: str,
    road_names: tuple[str, ...],
    offset_enu_m: FloatArray,
    arrival_s: float,
    margin_s: float,
    in_time: float,
    share: float,
) -> Phrase:
    """Where the patrol can bar the way, when, and how many of the ways out it bars."""
    distance_m = float(math.hypot(offset_enu_m[0], offset_enu_m[1]))
    octant = round(math.degrees(math.atan2(offset_enu_m[0], offset_enu_m[1])) / 45.0) % 8
    return phrase(
        "option.bars-before" if margin_s >= 0 else "option.bars-after",
        patrol=patrol_id,
        road=" / ".join(road_names[:2]) or phrase("option.the-road"),
        distance=f"{distance_m / 1000:.1f}",
        compass=phrase(f"compass.{_COMPASS[octant]}"),
        arrival=duration_words(arrival_s),
        time=duration_words(margin_s),
        chance=percent(in_time),
        share=percent(share) if share < 0.995 else phrase("option.all"),
    )
