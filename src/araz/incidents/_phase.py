"""Where a track is in its story, and the card that says so."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from araz.incidents._alarms import Proposal, Words, propose
from araz.incidents._balloon import STAYS_PROBABILITY, drift_of, forecast, forecast_words
from araz.incidents._fall import Spread, areas_around, expected_drop, largest_m, matrix, release_area
from araz.incidents._features import MIN_UPDATES, WANDER_RAD, Features, is_night, without_youth
from araz.incidents._identity import claim_name
from araz.incidents._sentences import (
    class_words,
    clock,
    distance_words,
    identity_words,
    likeness_reasons,
    minutes_words,
    not_seen,
    side_words,
)
from araz.incidents._state import FORGET_US, Identity, Memory, Shown, Stats
from araz.incidents._succession import may_be_told
from araz.incidents._work import Work, track_name
from araz.vocabulary import Area, FloatArray, IdentityVerdict, IncidentKind, SensorState, phrase, reason

#: A crossing is priority 1 only when this sure; below, priority 2.
ACT_NOW_PROBABILITY: Final = 0.7
#: A likeness must last this long before a card is raised.
LIKELY_US: Final = 3_000_000
#: But for one as sure as this.
AT_ONCE_PROBABILITY: Final = 0.95
#: A crossing is news when the track was taken for a drone by this long after it; later, only when surely and steadily.
BELIEVED_AFTER_US: Final = 60_000_000
SURE_PROBABILITY: Final = 0.9
SURE_US: Final = 20_000_000
#: A prediction must last this long before an officer hears of it.
PREDICTED_S: Final = 3.0
#: A hover farther from the line than this is nobody's business tonight; the same place is said once.
HOVER_NEAR_M: Final = 1000.0
HOVER_SAME_M: Final = 500.0
#: A start from the ground is worth a look this near to the line (inside: at night), and for this long: then a card
#: asks only for this much likeness, for it says no more than what it saw.
START_PROBABILITY: Final = 0.6
ROSE_OUTSIDE_M: Final = 4000.0
ROSE_INSIDE_M: Final = 4000.0
ROSE_US: Final = 180_000_000
#: What happened longer ago than this is no news when the track becomes likely only now.
OLD_NEWS_US: Final = 300_000_000
#: What surely leads over the line is told as unknown where nobody can know yet what it is: in its first minute, while
#: the noise of its course (rad, one sigma) hides half of a bird's turns; from this likeness on, apart from all others.
#: This many in half an hour that came to no more are enough: then the next one waits until more speaks for it.
UNKNOWN_PROBABILITY: Final = 0.15
UNKNOWN_CROSSES: Final = 0.9
UNKNOWN_AGE_S: Final = 60.0
UNKNOWN_NOISE_RAD: Final = 0.5 * WANDER_RAD
UNKNOWN_MOST: Final = 2
#: While a radar that watches the line is out, nobody near will tell soon: then two plots and an even chance to cross
#: are enough, and that it is young does not speak against it.
UNKNOWN_CROSSES_OUT: Final = 0.5
UNKNOWN_UPDATES_OUT: Final = 2
#: Mean course above this resultant length is steadier than the tracker's present velocity.
STEADY: Final = 0.9
#: Incidents that do not hurry a card: what they change it says by its phase.
NO_NEWS: Final = frozenset({"approach", "crossing-predicted", "hover", "launch", "balloon", "swarm"})
#: A stop that flickers is one: it still stands while this slow, this soon after.
STILL_MPS: Final = 3.0
STILL_GAP_US: Final = 10_000_000
#: A start is told of while it is about where it started.
ROSE_NEAR_M: Final = 300.0
#: How near to its turning point a drone that went back would have let go (one sigma an axis).
TURN_M: Final = 100.0
#: White acceleration behind a predicted path, m²/s³: a multirotor on course.
PATH_NOISE: Final = 0.2


class View(NamedTuple):
    """One track at this second, with what is believed of it."""

    i: int
    row: int
    seen: Features
    stats: Stats
    weights: FloatArray
    probability: float
    identity: Identity | None


class Phase(NamedTuple):
    """Where the track is in its story, how urgent, how sure, and where its load is expected.

    ``centre`` (east, north) and ``spread`` (covariance) describe the area; ``areas`` when it was made before.
    """

    name: str
    priority: int
    confidence: float
    words: str
    to_decide: str
    minutes: float = 0.0
    centre: tuple[float, float] = (0.0, 0.0)
    spread: Spread | None = None
    areas: tuple[Area, ...] = ()


def path(work: Work, view: View, ahead_s: float) -> tuple[tuple[float, float], Spread]:
    """Place and covariance (xx, xy, yy) of the track ``ahead_s`` from now, on its present velocity."""
    picture = work.inputs.picture
    east, north, _ = picture.position_enu_m[view.row].tolist()
    v_east, v_north, _ = picture.velocity_enu_mps[view.row].tolist()
    c = picture.covariance[view.row].tolist()
    t, noise = ahead_s, PATH_NOISE * ahead_s**3 / 3.0
    spread = (
        c[0][0] + 2.0 * t * c[0][3] + t * t * c[3][3] + noise,
        c[0][1] + t * (c[0][4] + c[1][3]) + t * t * c[3][4],
        c[1][1] + 2.0 * t * c[1][4] + t * t * c[4][4] + noise,
    )
    return (east + t * v_east, north + t * v_north), spread


def phase_of(work: Work, memory: Memory, view: View) -> Phase | None:
    """The most urgent thing true of this track now; None when an officer need not hear of it."""
    p, now, drop = view.probability, work.now_us, memory.drop
    if drop is not None and now - drop.at_us < FORGET_US:
        is_home = memory.returned_at_us is not None and memory.returned_at_us > drop.at_us
        key = "card.released-home" if is_home else "card.released"
        words = phrase(key, distance=distance_words(abs(drop.border_m)), time=clock(drop.at_us))
        sure = memory.crossed_at_us is not None or (p >= ACT_NOW_PROBABILITY and memory.first_side >= 0)
        ask = phrase("ask.drop")
        place = (drop.east_m, drop.north_m)
        return Phase("drop", 1 if sure else 2, p * drop.probability, words, ask, centre=place, areas=drop.areas)
    if memory.returned_at_us is not None and memory.side > 0 and not is_predicted(work, memory, view):
        ask = phrase("ask.returned")
        if memory.deepest is None:
            return Phase("returned", 3, p, phrase("card.back"), ask)
        depth, east, north = memory.deepest
        words = phrase("card.back-from", distance=distance_words(-depth))
        return Phase("returned", 3, p, words, ask, centre=(east, north), spread=(TURN_M**2, 0.0, TURN_M**2))
    if (
        memory.forecast is not None
        and memory.balloon >= STAYS_PROBABILITY
        and (drifting := _drifting(work, memory, view)) is not None
    ):
        return drifting
    if memory.crossed_at_us is not None and memory.side < 0 and is_believed(work, memory, view):
        return _inside(work, memory, view)
    if is_predicted(work, memory, view):
        return _coming(work, view)
    has_left = memory.left_at_us is not None and was_likely(memory, memory.left_at_us)
    if has_left and memory.side > 0 and now - (memory.left_at_us or 0) < 120_000_000:
        return Phase("left", 3, p, phrase("card.left"), phrase("ask.left"))
    return _hovering(work, memory, view) or _rising(work, memory, view)


def was_likely(memory: Memory, at_us: int) -> bool:
    """Whether the track was taken for a drone at that time, or soon after."""
    since = memory.likely_since_us
    return since is not None and since - at_us <= BELIEVED_AFTER_US


def is_believed(work: Work, memory: Memory, view: View) -> bool:
    """Whether the crossing may be said to be a drone's: a bird that flies straight for once crossed long ago."""
    since, crossed = memory.likely_since_us, memory.crossed_at_us
    if crossed is None or since is None:
        return crossed is not None and memory.has_incident(IncidentKind.CROSSING, crossed)
    if was_likely(memory, crossed):
        return True
    if work.now_us - crossed > OLD_NEWS_US:
        return False
    return view.probability >= SURE_PROBABILITY and work.now_us - since >= SURE_US


def is_predicted(work: Work, memory: Memory, view: View) -> bool:
    """Whether a crossing is predicted long and surely enough to be said."""
    since = memory.predicted_since_us
    return (
        memory.side >= 0
        and since is not None
        and work.now_us - since >= PREDICTED_S * 1e6
        and math.isfinite(view.seen.time_to_line_s[view.i])
    )


def _direction(work: Work, view: View) -> tuple[float, float]:
    """The mean course of the last seconds while it is steady, else the present one: a unit vector."""
    east, north = float(view.stats.heading_east[view.i]), float(view.stats.heading_north[view.i])
    if float(view.seen.steadiness[view.i]) < STEADY:
        east, north, _ = work.inputs.picture.velocity_enu_mps[view.row].tolist()
    length = max(math.hypot(east, north), 0.1)
    return east / length, north / length


def _coming(work: Work, view: View) -> Phase:
    to_line = float(view.seen.time_to_line_s[view.i])
    here, _ = path(work, view, 0.0)
    _, spread = path(work, view, to_line)
    direction = _direction(work, view)
    speed = max(float(view.seen.speed_mps[view.i]), 1.0)
    place = (here[0] + direction[0] * speed * to_line, here[1] + direction[1] * speed * to_line)
    centre, total, (near, far) = expected_drop(place, direction, 0.0, spread)
    when = minutes_words(to_line + near / speed, to_line + far / speed)
    crosses, usual = minutes_words(to_line * 0.8, to_line * 1.2), _usual(near, far)
    words = phrase("card.coming", crosses=crosses, when=when, **usual)
    confidence = view.probability * float(view.seen.cross_probability[view.i])
    ask = phrase("ask.coming")
    return Phase("coming", 2, confidence, words, ask, to_line / 60.0, centre, total)


def _inside(work: Work, memory: Memory, view: View) -> Phase:
    """Over the line: flying on, standing still, or down."""
    seen, i = view.seen, view.i
    place, spread = path(work, view, 0.0)
    priority = 1 if view.probability >= ACT_NOW_PROBABILITY and not memory.came_over else 2
    confidence = view.probability * (0.7 if memory.came_over else 0.97)
    deep = distance_words(abs(float(seen.border_m[i])))
    if memory.landed_at_us is not None:
        around = (spread[0] + 100.0, spread[1], spread[2] + 100.0)
        words, ask = phrase("card.landed", distance=deep), phrase("ask.landed")
        return Phase("landed", priority, confidence, words, ask, centre=place, spread=around)
    if _stands(work, memory, float(seen.speed_mps[i])):
        agl = max(float(seen.agl_m[i]), 0.0)
        middle, _, areas = release_area(work.context.place, *place, agl, matrix(spread))
        words, ask = phrase("card.still", distance=deep), phrase("ask.still")
        centre = (float(middle[0]), float(middle[1]))
        return Phase("still", priority, confidence, words, ask, centre=centre, areas=areas)
    crossing = memory.crossing_border_m or place
    flown = math.hypot(place[0] - crossing[0], place[1] - crossing[1])
    direction = _direction(work, view)
    if flown > 100.0:
        direction = (place[0] - crossing[0]) / flown, (place[1] - crossing[1]) / flown
    centre, total, (near, far) = expected_drop(crossing, direction, flown, spread)
    speed = max(float(seen.speed_mps[i]), 3.0)
    key = "card.entering" if float(seen.closing_mps[i]) > -1.0 else "card.flying-out"
    when = minutes_words((near - flown) / speed, (far - flown) / speed)
    words, ask = phrase(key, when=when, **_usual(near, far)), phrase("ask.inside")
    return Phase("inside", priority, confidence, words, ask, (near - flown) / speed / 60.0, centre, total)


def _usual(near_m: float, far_m: float) -> dict[str, str]:
    """How deep loads usually fall, kilometres."""
    return {"near": f"{near_m / 1000.0:.1f}", "far": f"{far_m / 1000.0:.1f}"}


def _drifting(work: Work, memory: Memory, view: View) -> Phase | None:
    """A balloon on its way over the line, or over it: nobody flies it, so only where it comes down matters."""
    is_coming = is_predicted(work, memory, view)
    is_over = memory.side < 0 and memory.crossed_at_us is not None
    if not (is_coming or is_over) or (drift := drift_of(memory, work.now_us)) is None:
        return None
    ahead, ask = forecast(drift), phrase("ask.drifting")
    words = phrase("card.drifting", forecast=forecast_words(work, ahead))
    if is_coming:
        to_line = float(view.seen.time_to_line_s[view.i])
        crosses = minutes_words(to_line * 0.8, to_line * 1.2)
        words = phrase("card.drifting-over", crosses=crosses, forecast=forecast_words(work, ahead))
    return Phase("drifting", 2, view.probability, words, ask, ahead.in_s / 60.0, ahead.centre_m, ahead.spread)


def _stands(work: Work, memory: Memory, speed_mps: float) -> bool:
    hover = memory.hover
    if hover is None or hover.ended_us is None:
        return hover is not None
    return speed_mps < STILL_MPS and work.now_us - hover.last_us <= STILL_GAP_US


def _hovering(work: Work, memory: Memory, view: View) -> Phase | None:
    hover, settings = memory.hover, work.context.place.site.alarms
    if hover is None or hover.ended_us is not None or hover.slow_s < settings.hover_s or not hover.after_leg:
        return None
    distance = float(view.seen.border_m[view.i])
    east, north = hover.sum_east_m / hover.samples, hover.sum_north_m / hover.samples
    is_known = f"track:{memory.track_id}" in work.card_of_key
    if abs(distance) > HOVER_NEAR_M or (not is_known and _said_here(work, east, north)):
        return None
    if not is_known and view.probability >= settings.min_confidence:
        work.hover_places.append((work.now_us, east, north))
    words, ask = phrase("card.hover", side=side_words(distance)), phrase("ask.hover")
    _, spread = path(work, view, 0.0)
    return Phase("hover", 3, view.probability, words, ask, centre=(east, north), spread=spread)


def _rising(work: Work, memory: Memory, view: View) -> Phase | None:
    """It rose or stood on the spot near the line: a drone that starts, before it has a course."""
    since, distance = max(memory.rose_at_us or 0, memory.stood_at_us or 0), float(view.seen.border_m[view.i])
    if work.now_us - since > ROSE_US or not -ROSE_INSIDE_M < distance < ROSE_OUTSIDE_M:
        return None
    hover = memory.hover
    place, spread = path(work, view, 0.0)
    if hover is not None:
        away = hover.sum_east_m / hover.samples - place[0], hover.sum_north_m / hover.samples - place[1]
        if math.hypot(*away) > ROSE_NEAR_M:
            return None
    elif memory.stood_at_us is None:
        return None
    if distance < 0.0 and (_is_known(view) or not is_night(work.now_us, work.context.place.site.origin_longitude_deg)):
        return None
    key = "card.rose" if memory.rose_at_us is not None else "card.stood"
    words = phrase(key, side=side_words(distance))
    return Phase("rose", 3, view.probability, words, phrase("ask.rose"), centre=place, spread=spread)


def _is_known(view: View) -> bool:
    """Whether it says what it is and another sensor agrees: a farmer's drone that starts is no news."""
    return view.identity is not None and view.identity.verdict is IdentityVerdict.SUPPORTED


def _said_here(work: Work, east_m: float, north_m: float) -> bool:
    return any(math.hypot(east_m - e, north_m - n) < HOVER_SAME_M for _, e, n in work.hover_places)


def unknown_phase(work: Work, memory: Memory, view: View) -> Phase | None:
    """What surely leads over the line, while nobody can tell yet whether it is a drone or a bird.

    One far radar needs a minute to tell them apart, and by then it has crossed: an officer hears of it before, with how
    little is known. Its card stays so until the likeness lasts.
    """
    seen, i = view.seen, view.i
    is_known = f"track:{memory.track_id}" in work.card_of_key
    if not is_known and not _is_worth_a_word(work, view):
        return None
    is_coming = memory.side >= 0 and math.isfinite(seen.time_to_line_s[i])
    if not is_coming or not (is_predicted(work, memory, view) or is_radar_out(work)):
        return None
    to_line = float(seen.time_to_line_s[i])
    place, spread = path(work, view, to_line)
    crosses = minutes_words(to_line * 0.8, to_line * 1.2)
    words, confidence = phrase("card.unknown", crosses=crosses), view.probability * float(seen.cross_probability[i])
    return Phase("unknown", 3, confidence, words, phrase("ask.unknown"), to_line / 60.0, place, spread)


def _is_worth_a_word(work: Work, view: View) -> bool:
    """Whether something unknown is near, alone and new enough to be told of, and surely comes."""
    seen, i, picture = view.seen, view.i, work.inputs.picture
    likeness, crosses, updates = view.probability, UNKNOWN_CROSSES, MIN_UPDATES
    if is_radar_out(work):
        likeness = float(without_youth(np.array([likeness]), view.weights[None])[0])
        crosses, updates = UNKNOWN_CROSSES_OUT, UNKNOWN_UPDATES_OUT
    return (
        float(seen.border_m[i]) > 0.0
        and likeness >= UNKNOWN_PROBABILITY
        and float(seen.cross_probability[i]) >= crosses
        and int(picture.update_count[view.row]) >= updates
        and float(picture.existence[view.row]) >= work.context.place.site.alarms.min_existence
        and float(seen.age_s[i]) <= UNKNOWN_AGE_S
        and float(seen.course_sigma_rad[i]) >= UNKNOWN_NOISE_RAD
        and not seen.is_crowded[i]
        and _unknowns(work) < UNKNOWN_MOST
        and not may_be_told(work, seen, i)
    )


def is_radar_out(work: Work) -> bool:
    """Whether a radar that watches the line is silent or failed; one whose lie is known is corrected, and sees."""
    context = work.context
    return any(
        memory.state in (SensorState.SILENT, SensorState.FAILED)
        and context.watches_line[s]
        and context.radar_bits >> s & 1
        for s, name in enumerate(context.names)
        if (memory := work.sensors.get(name)) is not None
    )


def _unknowns(work: Work) -> int:
    """How many were told as unknown within the half hour and are no more than that."""
    return sum(
        card.shown.phase == "unknown" and work.now_us - card.alarm.raised_at_us < FORGET_US
        for card in work.cards.values()
    )


def is_early(work: Work, memory: Memory, view: View, phase: Phase) -> bool:
    """Whether its story is not sure enough to be told, and no more was told of it than that it comes."""
    return not may_tell(work, memory, view, phase) and not is_told_more(work, memory)


def is_told_more(work: Work, memory: Memory) -> bool:
    """Whether its card says, or said, more than that something unknown comes."""
    card = work.cards.get(work.card_of_key.get(f"track:{memory.track_id}", ""))
    return card is not None and card.shown.phase != "unknown"


def may_tell(work: Work, memory: Memory, view: View, phase: Phase) -> bool:
    """Whether a card may be made of this phase."""
    if phase.name == "unknown":
        return f"track:{memory.track_id}" not in work.card_of_key
    return phase.name != "returned" and (_is_sure(work, memory, view) or _is_starting(work, memory, view, phase))


def show(work: Work, memory: Memory, view: View, phase: Phase) -> None:
    """Propose the track's card; its long part is written only if it is sent."""
    seen, i, picture = view.seen, view.i, work.inputs.picture
    claim = work.inputs.claims.get(int(picture.claim_key[view.row]))
    has_hovered = memory.hovered_at_us is not None or memory.rose_at_us is not None
    chance, echo = picture.class_probability[view.row], float(picture.rcs_dbsm[view.row])
    what = class_words(chance, echo, view.probability, has_hovered)
    says = identity_words(work.context, picture, seen, i, None if claim is None else claim_name(claim))
    heard = phrase("card.heard", names=", ".join(memory.people)) if memory.people else ""
    speed, agl, sigma = float(seen.speed_mps[i]), float(seen.agl_m[i]), _height_sigma_m(work, view)
    size = phase.areas[-1].semi_major_m if phase.areas else 0.0 if phase.spread is None else largest_m(phase.spread)
    propose(
        work,
        Proposal(
            key=f"track:{memory.track_id}",
            kind="drone",
            priority=phase.priority,
            confidence=phase.confidence,
            shown=Shown(phase.name, f"{says}|{heard}", speed, agl, sigma, phase.minutes, *phase.centre, size),
            words=lambda: _words(work, memory, view, phase, {"what": what, "identity": says, "heard": heard}),
            to_decide=phase.to_decide,
            track_id=memory.track_id,
            incident_ids=tuple(incident for _, incident in memory.incidents[-8:]),
            news_ids=tuple(i for key, i in memory.incidents[-8:] if key.partition("@")[0] not in NO_NEWS),
            may_raise=may_tell(work, memory, view, phase),
        ),
    )


def _is_sure(work: Work, memory: Memory, view: View) -> bool:
    """Likely, and for a while: a bird flies straight for seconds, a drone for minutes."""
    since = memory.likely_since_us
    if since is None:
        return False
    return view.probability >= AT_ONCE_PROBABILITY or work.now_us - since >= LIKELY_US


def _is_starting(work: Work, memory: Memory, view: View, phase: Phase) -> bool:
    """A start is told at once: that it stands in the air is sure, whatever it may be."""
    is_now = memory.stood_at_us is not None and work.now_us - memory.stood_at_us <= STILL_GAP_US
    return phase.name == "rose" and is_now and view.probability >= START_PROBABILITY


def _height_sigma_m(work: Work, view: View) -> float:
    return math.sqrt(max(float(work.inputs.picture.covariance[view.row, 2, 2]), 0.0))


def _words(work: Work, memory: Memory, view: View, phase: Phase, start: dict[str, str]) -> Words:
    seen, i = view.seen, view.i
    step = 5 if _height_sigma_m(work, view) < 10.0 else 10
    height = f"{max(round(float(seen.agl_m[i]) / step) * step, 0)}"
    height = height if step == 5 else phrase("card.about", height=height)
    key = "card.goes-on" if phase.words[0].islower() else "card.stands"
    sentence = phrase(key, speed=f"{seen.speed_mps[i]:.0f}", height=height, story=phase.words, **start)
    speaks_for, against = likeness_reasons(work.context, work.inputs.picture, seen, view.stats, i, view.weights, memory)
    speaks_for += [reason(note) for note in memory.notes]
    if memory.former:
        was = ", ".join(track_name(t) for t in memory.former)
        speaks_for.append(reason(phrase("like.found-again", names=was)))
    if view.identity is not None:
        verdict = phrase(f"verdict.{view.identity.verdict.value}")
        speaks_for.append(reason(phrase("like.verdict", verdict=verdict, reasons=view.identity.reasons)))
    if memory.drop is not None and phase.name == "drop":
        speaks_for = [*memory.drop.reasons_for, *speaks_for]
        against = [*memory.drop.reasons_against, *against]
    areas = phase.areas
    if phase.spread is not None:
        areas = areas_around(work.context.place, *phase.centre, matrix(phase.spread))
    return Words(sentence, tuple(speaks_for), tuple(against), tuple(not_seen(work, seen, i)), areas)
