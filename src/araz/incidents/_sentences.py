"""Words for the officer: short, with units, the doubt in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from araz.incidents._features import CLAIM_DRONE, CLAIM_MANNED, Features
from araz.incidents._state import Context, Hover, Memory, Stats
from araz.incidents._weights import LIKENESS_CUES
from araz.incidents._work import Work, track_name
from araz.vocabulary import CLASS_NAMES, FloatArray, Reason, SensorState, TrackPicture, phrase, reason

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
        return phrase("size.unknown")
    what = phrase(f"class.{CLASS_NAMES[best]}")
    if best in (1, 2) and np.isfinite(rcs_dbsm) and not SMALL_DBSM <= rcs_dbsm <= HEAVY_DBSM:
        what = phrase("size.heavy" if rcs_dbsm > HEAVY_DBSM else "size.small", what=what)
    return what if chance[best] >= 0.85 else phrase("size.perhaps", what=what)


def clock(at_us: int) -> str:
    """UTC wall time of a data time, ``21:40``; said as UTC."""
    minutes = at_us // 60_000_000
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d} UTC"


def distance_words(metres: float) -> str:
    """``900 m`` or ``2.1 km``."""
    return f"{round(metres / 50.0) * 50:.0f} m" if abs(metres) < 1000.0 else f"{metres / 1000.0:.1f} km"


def side_words(border_m: float) -> str:
    """``2.1 km outside`` or ``900 m inside``: of a signed distance to the line, positive on the other side."""
    return phrase("unit.outside" if border_m > 0.0 else "unit.inside", distance=distance_words(abs(border_m)))


def minutes_words(low_s: float, high_s: float) -> str:
    """``in 2–4 min``; below a minute it says so."""
    low, high = minutes_span(low_s, high_s)
    if low == 0:
        return phrase("when.within", high=high)
    return phrase("when.between", low=low, high=high) if high > low else phrase("when.in", low=low)


def minutes_span(low_s: float, high_s: float) -> tuple[int, int]:
    """Whole minutes that hold both times; from 0 to 1 below a minute."""
    low, high = max(low_s, 0.0) / 60.0, max(high_s, 0.0) / 60.0
    return (0, 1) if high < 1.0 else (int(low), int(np.ceil(high)))


def names_words(names: Sequence[str], most: int) -> str:
    """``T0001, T0002 and 3 more``."""
    said = ", ".join(names[:most])
    return said if len(names) <= most else phrase("names.more", names=said, count=len(names) - most)


def identity_words(context: Context, picture: TrackPicture, seen: Features, i: int, claimed: str | None) -> str:
    """What it says it is: its claim, or that it sends none although a receiver would hear it."""
    if claimed is not None:
        return phrase("says.claim", claim=claimed)
    is_heard = receivers_in_range(context, picture.position_enu_m[int(seen.row[i])])
    return phrase("says.nothing" if is_heard else "says.unheard")


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
    what, speed = phrase(f"class.{CLASS_NAMES[best]}"), f"{stats.mean_speed_mps[i]:.0f}"
    claim = {CLAIM_DRONE: phrase("like.remote-id"), CLAIM_MANNED: phrase("like.adsb")}.get(int(seen.claim_code[i]), "")
    text = {
        "class": phrase("like.class", what=what, chance=f"{100 * chance[best]:.0f}"),
        "speed": phrase("like.speed", speed=speed),
        "fast": phrase("like.fast", speed=speed),
        "course": phrase("like.straight" if weights[_at("course")] > 0 else "like.wanders"),
        "hover": phrase("like.hover"),
        "rose": phrase("like.rose"),
        "stood": phrase("like.stood"),
        "flock": phrase("like.flock"),
        "height": phrase("like.height", height=f"{seen.agl_m[i]:.0f}"),
        "manned claim": claim,
        "remote id": claim,
        "echo": phrase("like.echo", echo=f"{picture.rcs_dbsm[row]:.0f}"),
        "people": phrase("like.people", names=", ".join(memory.people)),
        "toward us": phrase("like.toward"),
        "sensors": phrase("like.sensors"),
        "radar": phrase("like.radar"),
        "life": phrase("like.life", seconds=f"{seen.age_s[i]:.0f}", count=int(picture.update_count[row])),
        "wind": phrase("like.wind"),
    }
    pairs = [(float(weights[k]), text[cue.name]) for k, cue in enumerate(LIKENESS_CUES) if abs(weights[k]) > 0.05]
    pairs.sort(key=lambda pair: -abs(pair[0]))
    reasons = [reason(words, round(weight, 2)) for weight, words in pairs]
    return [r for r in reasons if r.weight > 0.0], [r for r in reasons if r.weight < 0.0]


def _at(name: str) -> int:
    return next(k for k, cue in enumerate(LIKENESS_CUES) if cue.name == name)


def not_seen(work: Work, seen: Features, i: int) -> list[str]:
    """What nobody can vouch for: dead sensors, missing kinds of evidence, a place masked by terrain."""
    context, picture = work.context, work.inputs.picture
    row = int(seen.row[i])
    mask = int(picture.sensor_mask[row])
    result = [
        phrase(
            "unseen.sensor-lies" if memory.state is SensorState.LYING else "unseen.sensor",
            sensor=name, state=state_words(memory.state), time=clock(memory.since_us),
        )
        for name, memory in sorted(work.sensors.items())
        if memory.is_bad
    ]  # fmt: skip
    if picture.hidden[row]:
        result.append(phrase("unseen.hidden"))
    if not mask & context.radar_bits:
        result.append(phrase("unseen.radar"))
    if not mask & context.bearing_bits and context.bearing_bits:
        result.append(phrase("unseen.bearing"))
    if picture.claim_key[row] == 0:
        near = ", ".join(receivers_in_range(context, picture.position_enu_m[row]))
        result.append(phrase("unseen.remote-id", names=near) if near else phrase("unseen.no-receiver"))
    return list(result)


def state_words(state: SensorState) -> str:
    """``dead``, ``failed`` or ``lying``: a sensor's state as people read it."""
    return phrase(f"state.{state.value}")


def hover_sentence(track_id: int, hover: Hover, border_m: float) -> str:
    """What a hover incident says."""
    side = side_words(border_m)
    return phrase("event.hover", track=track_name(track_id), seconds=f"{hover.slow_s:.0f}", side=side)
