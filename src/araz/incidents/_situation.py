"""What one track means: the incidents it makes and the card it deserves."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtr

from araz.incidents._alarms import Proposal, propose, touch
from araz.incidents._drop import MIN_SLOW_S, find_drop
from araz.incidents._fall import areas_around, expected_drop, release_area
from araz.incidents._features import CLAIM_DRONE, Features
from araz.incidents._identity import claim_name
from araz.incidents._sentences import (
    class_words,
    clock,
    distance_words,
    hover_sentence,
    identity_words,
    likeness_reasons,
    minutes_words,
    not_seen,
)
from araz.incidents._state import FORGET_US, Identity, Memory, Shown, Stats
from araz.incidents._work import Work, track_name
from araz.vocabulary import Area, FloatArray, IdentityVerdict, IncidentKind, Reason

#: Below this likeness a track makes no incident; above the site's ``min_confidence`` it may make an alarm.
INCIDENT_PROBABILITY: Final = 0.3
#: A crossing is priority 1 only when this sure; below, priority 2.
ACT_NOW_PROBABILITY: Final = 0.7
#: A prediction must last this long, with this chance, before an officer hears of it.
PREDICTED_S: Final = 3.0
CROSS_PROBABILITY: Final = 0.5
#: A hover farther from the line than this is nobody's business tonight; the same place is said once.
HOVER_NEAR_M: Final = 1000.0
HOVER_SAME_M: Final = 500.0
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
    """Where the track is in its story, how urgent, how sure, and where its load is expected."""

    name: str
    priority: int
    confidence: float
    words: str
    to_decide: str
    minutes: float
    centre: tuple[float, float]
    areas: tuple[Area, ...]


def tell(work: Work, memory: Memory, view: View) -> Memory:
    """Say what happened with this track and keep its card; gives the memory with the incidents noted."""
    drop = find_drop(work.context.place, memory, work.now_us)
    memory = replace(memory, probability=view.probability)
    is_silent = _is_excused(work, view)
    if drop is not None and not is_silent and view.probability >= INCIDENT_PROBABILITY:
        memory = replace(memory, drop=drop)
    if is_silent or view.probability < INCIDENT_PROBABILITY or not view.seen.is_mature[view.i]:
        return memory
    memory = _incidents(work, memory, view)
    phase = _phase(work, memory, view)
    if phase is not None:
        _card(work, memory, view, phase)
    return memory


def _is_excused(work: Work, view: View) -> bool:
    """Whether the track is somebody authorised, a false identity (which has its own card), or still under test."""
    identity = view.identity
    if identity is None:
        return False
    if identity.verdict in (IdentityVerdict.AUTHORISED, IdentityVerdict.CONTRADICTED):
        return True
    if identity.verdict is not IdentityVerdict.UNTESTED:
        return False
    if identity.is_under_test and view.seen.claim_code[view.i] == CLAIM_DRONE:
        return True
    claim = work.inputs.claims.get(int(work.inputs.picture.claim_key[view.row]))
    listed = {flight.identity.lower() for flight in work.context.place.site.authorised}
    return claim is not None and claim.identity.lower() in listed


def cross_probability(work: Work, view: View) -> float:
    """Chance that the present motion, with its uncertainty, is over the line within the prediction time."""
    seen, i, horizon = view.seen, view.i, work.context.place.site.alarms.predict_s
    spread = np.hypot(seen.border_sigma_m[i], horizon * np.hypot(seen.speed_sigma_mps[i], 1.0))
    return float(ndtr((seen.closing_mps[i] * horizon - seen.border_m[i]) / max(float(spread), 1.0)))


def _path(work: Work, view: View, ahead_s: float) -> tuple[FloatArray, FloatArray]:
    """Place [2] and covariance [2, 2] of the track ``ahead_s`` from now, on its present velocity."""
    picture = work.inputs.picture
    p, v, c = picture.position_enu_m[view.row], picture.velocity_enu_mps[view.row], picture.covariance[view.row]
    cross = c[:2, 3:5]
    covariance = c[:2, :2] + ahead_s * (cross + cross.T) + ahead_s**2 * c[3:5, 3:5]
    return p[:2] + ahead_s * v[:2], covariance + np.eye(2) * PATH_NOISE * ahead_s**3 / 3.0


def _incidents(work: Work, memory: Memory, view: View) -> Memory:
    """Every fact of the memory that was not said yet becomes an incident, once."""
    seen, i = view.seen, view.i
    name, p = track_name(memory.track_id), view.probability
    to_line = float(seen.time_to_line_s[i])
    if np.isfinite(to_line) and memory.predicted_since_us is not None and memory.side >= 0:
        chance = cross_probability(work, view)
        lasted = (work.now_us - memory.predicted_since_us) * 1e-6
        is_likely = lasted >= PREDICTED_S and chance >= CROSS_PROBABILITY
        kind = IncidentKind.CROSSING_PREDICTED if is_likely else IncidentKind.APPROACH
        place, covariance = _path(work, view, to_line)
        areas = areas_around(work.context.place, float(place[0]), float(place[1]), covariance)
        sentence = f"{name} heads for the line, {distance_words(float(seen.border_m[i]))} away, {to_line:.0f} s to it."
        at = work.now_us + int(to_line * 1e6)
        memory = _once(work, memory, view, kind, memory.predicted_since_us, at, sentence, p * chance, areas)
    if memory.crossed_at_us is not None:
        how = "first seen inside, its path leads back over the line" if memory.came_over else "crossed the line inward"
        memory = _once(work, memory, view, IncidentKind.CROSSING, memory.crossed_at_us, memory.crossed_at_us,
                       f"{name} {how}.", p * (0.7 if memory.came_over else 0.97))  # fmt: skip
    if memory.left_at_us is not None:
        memory = _once(work, memory, view, IncidentKind.CROSSING, memory.left_at_us, memory.left_at_us,
                       f"{name} crossed the line outward; a reverse sortie comes back loaded.", p * 0.9)  # fmt: skip
    if memory.returned_at_us is not None:
        memory = _once(work, memory, view, IncidentKind.RETURNED, memory.returned_at_us, memory.returned_at_us,
                       f"{name} went back over the line.", p * 0.97)  # fmt: skip
    return _stops(work, memory, view)


def _stops(work: Work, memory: Memory, view: View) -> Memory:
    """Hover, landing and drop."""
    settings, name, p = work.context.place.site.alarms, track_name(memory.track_id), view.probability
    hover, picture = memory.hover, work.inputs.picture
    if hover is not None and hover.slow_s >= settings.hover_s and not hover.is_reported:
        memory = replace(memory, hover=hover._replace(is_reported=True))
        areas = areas_around(
            work.context.place, hover.sum_east_m / hover.samples, hover.sum_north_m / hover.samples,
            picture.covariance[view.row][:2, :2],
        )  # fmt: skip
        sentence = hover_sentence(memory.track_id, hover, float(view.seen.border_m[view.i]))
        memory = _once(work, memory, view, IncidentKind.HOVER, hover.started_us, hover.started_us, sentence, p, areas)
    if memory.landed_at_us is not None:
        at, east, north = memory.landed_at_us, memory.history[-1].east_m, memory.history[-1].north_m
        areas = areas_around(work.context.place, east, north, picture.covariance[view.row][:2, :2])
        memory = _once(work, memory, view, IncidentKind.LANDING, at, at, f"{name} landed.", p * 0.8, areas)
    drop = memory.drop
    if drop is not None:
        key = f"{IncidentKind.DROP.value}@{drop.at_us}"
        if key not in dict(memory.incidents):
            depth = distance_words(abs(drop.border_m))
            side = "inside" if drop.border_m < 0.0 else "outside"
            incident = work.incident(
                IncidentKind.DROP, drop.at_us, f"{name} released a load, {depth} {side} the line.",
                confidence=p * drop.probability, track=memory.track_id, areas=drop.areas,
                reasons_for=drop.reasons_for, reasons_against=drop.reasons_against,
                supersedes=_latest(memory, IncidentKind.DROP) or _latest(memory, IncidentKind.CROSSING),
            )  # fmt: skip
            memory = replace(memory, incidents=(*memory.incidents, (key, incident)))
    return memory


def _latest(memory: Memory, kind: IncidentKind) -> str | None:
    return next((i for key, i in reversed(memory.incidents) if key.startswith(f"{kind.value}@")), None)


def _once(
    work: Work,
    memory: Memory,
    view: View,
    kind: IncidentKind,
    key_us: int,
    at_us: int,
    sentence: str,
    confidence: float,
    areas: tuple[Area, ...] = (),
) -> Memory:
    key = f"{kind.value}@{key_us}"
    if any(known == key for known, _ in memory.incidents):
        return memory
    reasons = likeness_reasons(work.context, work.inputs.picture, view.seen, view.stats, view.i, view.weights, memory)
    earlier = {
        IncidentKind.CROSSING_PREDICTED: IncidentKind.APPROACH,
        IncidentKind.CROSSING: IncidentKind.CROSSING_PREDICTED,
        IncidentKind.RETURNED: IncidentKind.CROSSING,
        IncidentKind.LANDING: IncidentKind.HOVER,
    }.get(kind)
    incident = work.incident(
        kind, at_us, sentence, confidence=confidence, track=memory.track_id, areas=areas,
        reasons_for=reasons[0], reasons_against=reasons[1],
        supersedes=None if earlier is None else _latest(memory, earlier),
    )  # fmt: skip
    return replace(memory, incidents=(*memory.incidents[-30:], (key, incident)))


def _phase(work: Work, memory: Memory, view: View) -> Phase | None:
    """The most urgent thing true of this track now."""
    p, now = view.probability, work.now_us
    drop = memory.drop
    if drop is not None and now - drop.at_us < FORGET_US:
        is_home = memory.returned_at_us is not None and memory.returned_at_us > drop.at_us
        words = f"Released a load {distance_words(abs(drop.border_m))} inside at {clock(drop.at_us)}"
        words += "; the drone went home." if is_home else "."
        sure = memory.crossed_at_us is not None or (p >= ACT_NOW_PROBABILITY and memory.first_side >= 0)
        return Phase("drop", 1 if sure else 2, p * drop.probability, words,
                     "Who secures the drop area, and who cuts off the pick-up?", 0.0,
                     (drop.east_m, drop.north_m), drop.areas)  # fmt: skip
    if memory.returned_at_us is not None and memory.side > 0 and not _is_predicted(work, memory, view):
        return Phase("returned", 3, p, "It went back over the line; no release was seen.",
                     "Search its turning point, or close?", 0.0, (0.0, 0.0), ())  # fmt: skip
    if memory.crossed_at_us is not None and memory.side < 0:
        return _inside(work, memory, view)
    if _is_predicted(work, memory, view):
        return _coming(work, view)
    if memory.left_at_us is not None and memory.side > 0 and now - memory.left_at_us < 120_000_000:
        return Phase("left", 3, p, "It left our side over the line; it may come back loaded.",
                     "Watch for its return?", 0.0, (0.0, 0.0), ())  # fmt: skip
    return _hovering(work, memory, view)


def _is_predicted(work: Work, memory: Memory, view: View) -> bool:
    since = memory.predicted_since_us
    return (
        memory.side >= 0
        and since is not None
        and work.now_us - since >= PREDICTED_S * 1e6
        and bool(np.isfinite(view.seen.time_to_line_s[view.i]))
        and cross_probability(work, view) >= CROSS_PROBABILITY
    )


def _direction(work: Work, view: View) -> FloatArray:
    velocity = work.inputs.picture.velocity_enu_mps[view.row, :2]
    result: FloatArray = velocity / max(float(np.linalg.norm(velocity)), 0.1)
    return result


def _coming(work: Work, view: View) -> Phase:
    to_line = float(view.seen.time_to_line_s[view.i])
    place, covariance = _path(work, view, to_line)
    centre, total, (near, far) = expected_drop(place, _direction(work, view), 0.0, covariance)
    speed = max(float(view.seen.speed_mps[view.i]), 1.0)
    when = minutes_words(to_line + near / speed, to_line + far / speed)
    words = f"coming, over the line {minutes_words(to_line * 0.8, to_line * 1.2)}. "
    words += f"Usual drop area {near / 1000.0:.1f}–{far / 1000.0:.1f} km inside, {when}."
    return Phase("coming", 2, view.probability * cross_probability(work, view), words,
                 "Send a patrol towards the expected drop area now, or hold?", round(to_line / 60.0, 1),
                 (float(centre[0]), float(centre[1])),
                 areas_around(work.context.place, float(centre[0]), float(centre[1]), total))  # fmt: skip


def _inside(work: Work, memory: Memory, view: View) -> Phase:
    place, covariance = _path(work, view, 0.0)
    crossing = np.array(memory.crossing_border_m) if memory.crossing_border_m is not None else place
    flown = place - crossing
    depth = float(np.linalg.norm(flown))
    direction = flown / depth if depth > 100.0 else _direction(work, view)
    centre, total, (near, far) = expected_drop(crossing, direction, depth, covariance)
    speed = max(float(view.seen.speed_mps[view.i]), 3.0)
    sure = view.probability >= ACT_NOW_PROBABILITY and not memory.came_over
    confidence = view.probability * (0.7 if memory.came_over else 0.97)
    is_down = memory.landed_at_us is not None
    if is_down:
        areas = areas_around(work.context.place, float(place[0]), float(place[1]), covariance + np.eye(2) * 100.0)
        words = f"landed {distance_words(abs(float(view.seen.border_m[view.i])))} inside."
        return Phase("landed", 1 if sure else 2, confidence, words, "Who goes to the landing place?", 0.0,
                     (float(place[0]), float(place[1])), areas)  # fmt: skip
    hover = memory.hover
    if hover is not None and hover.ended_us is None and hover.slow_s >= MIN_SLOW_S:
        agl = max(float(view.seen.agl_m[view.i]), 0.0)
        middle, _, areas = release_area(work.context.place, float(place[0]), float(place[1]), agl, covariance)
        words = f"standing still {distance_words(abs(float(view.seen.border_m[view.i])))} inside: may release now."
        return Phase("still", 1 if sure else 2, confidence, words, "Send a patrol to the area below it?", 0.0,
                     (float(middle[0]), float(middle[1])), areas)  # fmt: skip
    when = minutes_words((near - depth) / speed, (far - depth) / speed)
    words = "entering" if float(view.seen.closing_mps[view.i]) > -1.0 else "inside, flying out"
    words += f". Usual drop area {distance_words(near)} to {distance_words(far)} inside, {when}."
    return Phase("inside", 1 if sure else 2, confidence, words,
                 "Send a patrol to the expected drop area, or to the cut-off?", round((near - depth) / speed / 60.0, 1),
                 (float(centre[0]), float(centre[1])),
                 areas_around(work.context.place, float(centre[0]), float(centre[1]), total))  # fmt: skip


def _hovering(work: Work, memory: Memory, view: View) -> Phase | None:
    hover, settings = memory.hover, work.context.place.site.alarms
    if hover is None or hover.ended_us is not None or hover.slow_s < settings.hover_s:
        return None
    distance = float(view.seen.border_m[view.i])
    east, north = hover.sum_east_m / hover.samples, hover.sum_north_m / hover.samples
    is_known = f"track:{memory.track_id}" in work.card_of_key
    if abs(distance) > HOVER_NEAR_M or (not is_known and _said_here(work, east, north)):
        return None
    if not is_known:
        work.hover_places.append((work.now_us, east, north))
    side = "outside" if distance > 0.0 else "inside"
    words = f"standing still {distance_words(abs(distance))} {side} the line."
    areas = areas_around(work.context.place, east, north, work.inputs.picture.covariance[view.row][:2, :2])
    return Phase("hover", 3, view.probability, words, "Keep a watch on it?", 0.0, (east, north), areas)


def _said_here(work: Work, east_m: float, north_m: float) -> bool:
    return any(np.hypot(east_m - e, north_m - n) < HOVER_SAME_M for _, e, n in work.hover_places)


def _card(work: Work, memory: Memory, view: View, phase: Phase) -> None:
    seen, i, picture = view.seen, view.i, work.inputs.picture
    claim = work.inputs.claims.get(int(picture.claim_key[view.row]))
    words = class_words(picture.class_probability[view.row], float(picture.rcs_dbsm[view.row]))
    says = identity_words(work.context, picture, seen, i, None if claim is None else claim_name(claim))
    speed, agl = float(seen.speed_mps[i]), float(seen.agl_m[i])
    start = f"{words[0].upper()}{words[1:]}, {says}, {speed:.0f} m/s, {max(round(agl / 5.0) * 5, 0)} m above ground"
    heard = f", heard or seen by {', '.join(memory.people)}" if memory.people else ""
    is_clause = phase.words[0].islower()
    sentence = f"{start}{heard}{', ' if is_clause else '. '}{phase.words}"
    reasons_for, reasons_against = likeness_reasons(work.context, picture, seen, view.stats, i, view.weights, memory)
    if view.identity is not None:
        verdict = view.identity.verdict.value
        reasons_for.append(Reason(text=f"its claim is {verdict}: {'; '.join(view.identity.reasons)}"))
    if memory.drop is not None and phase.name == "drop":
        reasons_for = [*memory.drop.reasons_for, *reasons_for]
        reasons_against = [*memory.drop.reasons_against, *reasons_against]
    size = phase.areas[-1].semi_major_m if phase.areas else 0.0
    propose(
        work,
        Proposal(
            key=f"track:{memory.track_id}",
            kind="drone",
            priority=phase.priority,
            sentence=sentence,
            confidence=phase.confidence,
            shown=Shown(phase.name, f"{words}|{says}|{heard}", speed, agl, phase.minutes, *phase.centre, size),
            reasons_for=tuple(reasons_for),
            reasons_against=tuple(reasons_against),
            not_seen=tuple(not_seen(work, seen, i)),
            to_decide=phase.to_decide,
            track_id=memory.track_id,
            incident_ids=tuple(incident for _, incident in memory.incidents[-8:]),
            areas=phase.areas,
            may_raise=phase.name != "returned" and view.probability >= work.context.place.site.alarms.min_confidence,
        ),
    )


def rest(work: Work, memory: Memory) -> None:
    """A track that ended: a drop stays the officer's business for half an hour, the rest runs out by itself."""
    if memory.drop is not None and work.now_us - memory.drop.at_us < FORGET_US:
        touch(work, f"track:{memory.track_id}")
