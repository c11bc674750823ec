"""A drill in the air: one synthetic sortie, shown like a real one, gone at once when real traffic appears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np

from araz.geography import Place
from araz.incidents._cards import spoken
from araz.incidents._fall import areas_around
from araz.incidents._sentences import minutes_words
from araz.incidents._state import FORGET_US, State
from araz.incidents._work import track_name
from araz.vocabulary import (
    WATERMARK,
    Alarm,
    AlarmState,
    Decision,
    Drill,
    DrillOrder,
    Event,
    FloatArray,
    Incident,
    IncidentKind,
    Track,
    phrase,
    reason,
    said_of,
)

SPEED_MPS: Final = 14.0
AGL_M: Final = 70.0
OUTSIDE_M: Final = 2500.0
INSIDE_M: Final = 1200.0
HOVER_S: Final = 9.0
#: Followed this long before the card, as a real track is.
ALARM_AFTER_S: Final = 8.0
#: A likely drone seen within this time is real traffic.
LATELY_US: Final = 30_000_000
#: A little less than the second at which the rules look, so that none is left out.
EVERY_US: Final = 900_000
#: What happens to sensors is no traffic; everything else real ends a drill.
NO_TRAFFIC: Final = frozenset({IncidentKind.SENSOR_SILENT})


@dataclass(frozen=True, slots=True, eq=False)
class DrillState:
    """The drill that waits or flies, and what was last shown of it."""

    order: DrillOrder | None = None
    path: tuple[float, float, float, float] | None = None
    """Crossing point east, north, and the unit vector out of the country; None until it flies."""
    alarm: Alarm | None = None
    shown_us: int = 0


def real_traffic(state: State, events: Sequence[Event], now_us: int) -> str | None:
    """Why no drill may be flown now: an urgent alarm, a likely drone, a report, a new incident; None when quiet."""
    for card in state.cards.values():
        if card.alarm.state is AlarmState.ACTIVE and card.alarm.priority <= 2 and card.kind != "sensor":
            return phrase("drill-why.alarm", alarm=card.alarm.alarm_id)
    for memory in state.memories.values():
        if memory.likely_since_us is not None and now_us - memory.last_seen_us < LATELY_US:
            return phrase("drill-why.track", track=track_name(memory.track_id))
    if any(now_us - report.known_at_us < FORGET_US // 6 for report in state.reports):
        return phrase("drill-why.report")
    new = (one for one in events if isinstance(one, Incident) and one.kind not in NO_TRAFFIC)
    said = (phrase("drill-why.incident", incident=n.incident_id, kind=phrase(f"incident.{n.kind.value}")) for n in new)
    return next(said, None)


def drill_step(
    state: DrillState, place: Place, now_us: int, orders: Sequence[DrillOrder], decisions: Sequence[Decision],
    traffic: str | None,
) -> tuple[DrillState, list[Drill]]:  # fmt: skip
    """Fly the drill that is ordered; give what is to be shown of it.

    One drill at a time: a later order replaces one that has not begun. Ends with the officer's first decision, with the
    sortie's end, or at once with real traffic. **Frame** ENU at the site origin; time only from ``now_us``.
    """
    said: list[Drill] = []
    for asked in orders:
        if state.path is not None:
            said.append(_end(asked, now_us, "refused", phrase("drill-why.flying")))
        else:
            state = DrillState(order=asked)
    order = state.order
    if order is None or now_us < order.starts_at_us:
        return state, said
    if traffic is not None:
        ended = "refused" if state.path is None else "stopped"
        return DrillState(), [*said, _end(order, now_us, ended, phrase("drill-why.traffic", what=traffic))]
    for decision in decisions:
        if state.alarm is not None and decision.alarm_id == state.alarm.alarm_id:
            return DrillState(), [*said, _decided(order, state.alarm, decision, now_us)]
    if state.path is None:
        state = replace(state, path=_crossing(place, order.seed))
        if state.path is None:
            return DrillState(), [*said, _end(order, now_us, "refused", phrase("drill-why.no-line"))]
    if now_us - state.shown_us < EVERY_US:
        return state, said
    return _fly(replace(state, shown_us=now_us), order, place, now_us, said)


def _fly(
    state: DrillState, order: DrillOrder, place: Place, now_us: int, said: list[Drill]
) -> tuple[DrillState, list[Drill]]:
    assert state.path is not None
    flown_s = (now_us - order.starts_at_us) / 1e6
    along_m, speed_mps, is_home = _course(flown_s)
    if is_home:
        return DrillState(), [*said, _end(order, now_us, "missed", phrase("drill-why.missed"))]
    track = _track(order, place, state.path, along_m, speed_mps, now_us)
    if flown_s >= ALARM_AFTER_S:
        state = replace(state, alarm=_alarm(order, place, state, along_m, now_us))
    frame = Drill(drill_id=order.drill_id, at_us=now_us, state="running", why="", track=track, alarm=state.alarm)
    return state, [*said, frame]


def _end(order: DrillOrder, now_us: int, state: str, why: str) -> Drill:
    return Drill(drill_id=order.drill_id, at_us=now_us, state=state, why=str(why), why_said=said_of(why))


def _decided(order: DrillOrder, alarm: Alarm, decision: Decision, now_us: int) -> Drill:
    waited_s = (decision.at_us - alarm.raised_at_us) / 1e6
    action = phrase(f"outcome.{decision.action.value}")
    return msgspec.structs.replace(
        _end(order, now_us, "decided", phrase("drill-why.decided", action=action, seconds=f"{waited_s:.0f}")),
        decision=decision, decision_s=max(0.0, waited_s),
    )  # fmt: skip


def _crossing(place: Place, seed: int) -> tuple[float, float, float, float] | None:
    """A point on the line drawn by the seed, and the direction out of the country there."""
    rng = np.random.default_rng(seed)
    for _ in range(60):
        point = rng.uniform(-8000.0, 8000.0, 2)
        for _ in range(6):
            out = _outward(place, point)
            point = point - _distance(place, point) * out
        is_straight = abs(_distance(place, point + OUTSIDE_M * out) - OUTSIDE_M) < 0.3 * OUTSIDE_M
        if abs(_distance(place, point)) < 20.0 and is_straight and np.max(np.abs(point)) < 9000.0:
            return float(point[0]), float(point[1]), float(out[0]), float(out[1])
    return None


def _distance(place: Place, point: FloatArray) -> float:
    return float(np.asarray(place.border.signed_distance_m(point[:1], point[1:2]))[0])


def _outward(place: Place, point: FloatArray) -> FloatArray:
    """Unit gradient of the signed distance, by differences of 20 m."""
    step = np.eye(2) * 10.0
    slope = np.array([_distance(place, point + d) - _distance(place, point - d) for d in step])
    size = float(np.hypot(*slope))
    return slope / size if size > 0.0 else np.array([0.0, 1.0])


def _course(flown_s: float) -> tuple[float, float, bool]:
    """Metres outside the line (negative inside), speed inward (negative on the way home), and whether it is over."""
    there_s = (OUTSIDE_M + INSIDE_M) / SPEED_MPS
    if flown_s < there_s:
        return OUTSIDE_M - SPEED_MPS * flown_s, SPEED_MPS, False
    home_s = flown_s - there_s - HOVER_S
    if home_s < 0.0:
        return -INSIDE_M, 0.0, False
    return -INSIDE_M + SPEED_MPS * home_s, -SPEED_MPS, home_s > there_s


def _track(
    order: DrillOrder, place: Place, path: tuple[float, float, float, float], along_m: float, speed: float, now_us: int
) -> Track:
    east, north = path[0] + along_m * path[2], path[1] + along_m * path[3]
    ground = float(np.asarray(place.terrain.ground_up_m(np.array([east]), np.array([north])))[0])
    latitude, longitude, hae = place.frame.to_geodetic(np.array([[east, north, ground + AGL_M]]))
    course = float(np.degrees(np.arctan2(-np.sign(speed) * path[2], -np.sign(speed) * path[3])) % 360.0)
    return Track(
        track_id=order.drill_id, latitude_deg=float(latitude[0]), longitude_deg=float(longitude[0]),
        altitude_hae_m=float(hae[0]), altitude_amsl_m=float(hae[0]) - place.site.geoid_undulation_m,
        altitude_agl_m=AGL_M, altitude_sigma_m=12.0, speed_mps=abs(speed), course_deg=course, climb_mps=0.0,
        ellipse_semi_major_m=60.0, ellipse_semi_minor_m=35.0, ellipse_azimuth_deg=course, existence=0.98,
        is_confirmed=True, class_name="multirotor", class_probability=0.8, started_at_us=order.starts_at_us,
        updated_at_us=now_us, sensors=[], border_distance_m=along_m,
    )  # fmt: skip


def _alarm(order: DrillOrder, place: Place, state: DrillState, along_m: float, now_us: int) -> Alarm:
    """The drill's card: a predicted crossing, priority 1 once it is over the line."""
    assert state.path is not None
    is_in = along_m < 0.0
    old = state.alarm
    if old is not None and (old.priority == 1) == is_in:
        return old
    drop = (state.path[0] - INSIDE_M * state.path[2], state.path[1] - INSIDE_M * state.path[3])
    said = {"speed": f"{SPEED_MPS:.0f}", "height": f"{AGL_M:.0f}"}
    sentence = (
        phrase("card.drill-inside", **said)
        if is_in
        else phrase("card.drill-coming", crosses=minutes_words(60.0, 240.0), **said)
    )
    return Alarm(
        alarm_id=order.drill_id, revision=1 if old is None else old.revision + 1, priority=1 if is_in else 2,
        state=AlarmState.ACTIVE, raised_at_us=now_us if old is None else old.raised_at_us, changed_at_us=now_us,
        **spoken(sentence, phrase("ask.drill"), [phrase("unseen.drill")]), confidence=0.9, track_id=order.drill_id,
        reasons_for=[reason(phrase("like.straight"), 2.1), reason(phrase("like.toward"))],
        reasons_against=[reason(phrase("unseen.bearing"), -0.3)],
        areas=list(areas_around(place, *drop, np.diag([180.0**2, 140.0**2]))),
    )  # fmt: skip


def marked(order: DrillOrder) -> DrillOrder:
    """The order with the watermark in its id, whatever it was called."""
    if order.drill_id.startswith(WATERMARK):
        return order
    return msgspec.structs.replace(order, drill_id=WATERMARK + order.drill_id)
