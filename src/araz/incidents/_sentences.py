"""Words for the officer: short, with units, the doubt in them."""

from __future__ import annotations

from typing import Final

import numpy as np

from araz.incidents._features import CLAIM_DRONE, CLAIM_MANNED, Features, is_night
from araz.incidents._state import Context, Hover, Memory, Stats
from araz.incidents._weights import LIKENESS_CUES
from araz.incidents._work import Work, track_name
from araz.vocabulary import CLASS_NAMES, FloatArray, Reason, TrackPicture

#: A heavy multirotor echoes above the first, a small one below the second (field.md 2.1, 24 GHz).
HEAVY_DBSM: Final = -12.0
SMALL_DBSM: Final = -20.0


def class_words(chance: FloatArray, rcs_dbsm: float, likeness: float, has_hovered: bool) -> str:
    """``heavy multirotor?``: the likeliest class, with a question mark below 85 %; unknown by default.

    A track whose whole evidence says drone is not called a bird because its speed would fit one, nor is one that stood
    still in the air called a fixed-wing drone because it flies home fast.
    """
    best = int(np.argmax(chance))
    if has_hovered and best == 2:
        best, chance = 1, np.where(np.arange(len(chance)) == 1, min(float(chance[2]), 0.84), 0.0)
    if best == 0 or chance[best] < 0.4 or (best not in (1, 2) and likeness >= 0.6 and not np.isfinite(rcs_dbsm)):
        return "unknown, flies like a drone"
    size = ""
    if best in (1, 2) and np.isfinite(rcs_dbsm):
        size = "heavy " if rcs_dbsm > HEAVY_DBSM else "small " if rcs_dbsm < SMALL_DBSM else ""
    return f"{size}{CLASS_NAMES[best]}{'' if chance[best] >= 0.85 else '?'}"


def clock(at_us: int) -> str:
    """UTC wall time of a data time, ``21:40``; said as UTC."""
    minutes = at_us // 60_000_000
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d} UTC"


def distance_words(metres: float) -> str:
    """``900 m`` or ``2.1 km``."""
    return f"{round(metres / 50.0) * 50:.0f} m" if abs(metres) < 1000.0 else f"{metres / 1000.0:.1f} km"


def side_words(border_m: float) -> str:
    """``2.1 km outside`` or ``900 m inside``: of a signed distance to the line, positive on the other side."""
    return f"{distance_words(abs(border_m))} {'outside' if border_m > 0.0 else 'inside'}"


def minutes_words(low_s: float, high_s: float) -> str:
    """``in 2–4 min``; below a minute it says so."""
    low, high = max(low_s, 0.0) / 60.0, max(high_s, 0.0) / 60.0
    if high < 1.0:
        return "within 1 min"
    a, b = int(low), int(np.ceil(high))
    return f"within {b} min" if a == 0 else f"in {a}–{b} min" if b > a else f"in {a} min"


def identity_words(context: Context, picture: TrackPicture, seen: Features, i: int, claimed: str | None) -> str:
    """What it says it is: its claim, or that it sends none although a receiver would hear it."""
    if claimed is not None:
        return f"says it is {claimed}"
    return (
        "no Remote ID" if receivers_in_range(context, picture.position_enu_m[int(seen.row[i])]) else "Remote ID unknown"
    )


def receivers_in_range(context: Context, position_enu_m: FloatArray) -> list[str]:
    """Remote ID receivers that would hear a broadcast from there."""
    east, north, up = (float(x) for x in position_enu_m)
    return [
        name
        for name, e, n, u, reach in context.receivers
        if (east - e) ** 2 + (north - n) ** 2 + (up - u) ** 2 < reach**2
    ]


def likeness_reasons(
    context: Context, picture: TrackPicture, seen: Features, stats: Stats, i: int, weights: FloatArray, memory: Memory
) -> tuple[list[Reason], list[Reason]]:
    """The sentences behind one track's likeness, heaviest first, for and against."""
    row = int(seen.row[i])
    chance = picture.class_probability[row]
    best = int(np.argmax(chance[1:])) + 1
    says = f"the tracker takes it for a {CLASS_NAMES[best]} ({100 * chance[best]:.0f} %)"
    if seen.claim_code[i] in (CLAIM_DRONE, CLAIM_MANNED):
        claim = (
            "it says by Remote ID that it is a drone" if seen.claim_code[i] == CLAIM_DRONE else "ADS-B says aircraft"
        )
    else:
        claim = ""
    agl = f"{seen.agl_m[i]:.0f} m above ground"
    course = "flies straight legs" if weights[_at("course")] > 0 else "wanders like a bird"
    life = f"followed for {seen.age_s[i]:.0f} s, {picture.update_count[row]} updates"
    text = {
        "class": says,
        "speed": f"{stats.mean_speed_mps[i]:.0f} m/s on average",
        "fast": f"{stats.mean_speed_mps[i]:.0f} m/s: faster than such drones fly",
        "course": course,
        "hover": "stood still in the air",
        "rose": "rose on the spot",
        "stood": "stood in the air from the first, where nothing had stood before",
        "flock": "flies in a flock",
        "height": agl,
        "manned claim": claim,
        "remote id": claim,
        "echo": f"radar echo {picture.rcs_dbsm[row]:.0f} dBsm",
        "people": "heard or seen by " + ", ".join(memory.people),
        "toward us": "leads over the line towards us at night",
        "sensors": "sensors of two kinds agree",
        "radar": "radar sees it",
        "life": life,
        "wind": "drifts with the wind",
    }
    pairs = [(float(weights[k]), text[cue.name]) for k, cue in enumerate(LIKENESS_CUES) if abs(weights[k]) > 0.05]
    pairs.sort(key=lambda pair: -abs(pair[0]))
    reasons = [Reason(text=words, weight=round(weight, 2)) for weight, words in pairs]
    return [r for r in reasons if r.weight > 0.0], [r for r in reasons if r.weight < 0.0]


def _at(name: str) -> int:
    return next(k for k, cue in enumerate(LIKENESS_CUES) if cue.name == name)


def not_seen(work: Work, seen: Features, i: int) -> list[str]:
    """What nobody can vouch for: dead sensors, missing kinds of evidence, a place masked by terrain."""
    context, picture = work.context, work.inputs.picture
    row = int(seen.row[i])
    mask = int(picture.sensor_mask[row])
    result = [
        f"{name} {memory.state.value} since {clock(memory.since_us)}; quiet there means little"
        for name, memory in sorted(work.sensors.items())
        if memory.is_bad
    ]
    if picture.hidden[row]:
        result.append("behind terrain from every sensor: lost, not gone")
    if not mask & context.radar_bits:
        result.append("no radar has seen it")
    if not mask & context.bearing_bits and context.bearing_bits:
        result.append("no bearing from a microphone, radio finder or camera")
    if picture.claim_key[row] == 0:
        near = receivers_in_range(context, picture.position_enu_m[row])
        result.append(
            f"no Remote ID heard, though {', '.join(near)} is in range" if near else "no Remote ID receiver in range"
        )
    return result


def hover_sentence(track_id: int, hover: Hover, border_m: float) -> str:
    """What a hover incident says."""
    return f"{track_name(track_id)} stood still for {hover.slow_s:.0f} s, {side_words(border_m)} the line."


def night_words(context: Context, at_us: int) -> str:
    """``night`` or ``day`` by the sun at the site."""
    return "night" if is_night(at_us, context.place.site.origin_longitude_deg) else "day"
