"""The scoreboard: one night's figures beside what was promised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A share of cases with its 95 % interval (Wilson); ``share`` None without a case."""

    hits: int
    cases: int
    share: float | None
    low: float | None
    high: float | None


class SortieScore(msgspec.Struct, frozen=True, kw_only=True):
    """One flight of one drone. Seconds; None where it never came to that."""

    actor_id: str
    class_name: str = msgspec.field(name="class")
    is_threat: bool
    airborne_s: float
    detectable_s: float
    time_in_track: float | None
    """Share of its detectable seconds with a confirmed track on it."""
    to_track_s: float | None
    """From the first moment a radar could see it to the first confirmed track on it."""
    alarm_due: bool
    """It came to our side, or was to within four minutes, while a radar could see it."""
    to_alarm_s: float | None
    """From the moment the alarm was due to the first alarm on a track that was on it; 0 when the alarm was earlier."""
    identity_switches: int
    tracks: int
    cep50_m: float | None
    r95_m: float | None


class DropScore(msgspec.Struct, frozen=True, kw_only=True):
    """One load that fell: found or not, how far the named place was, whether the areas held it."""

    actor_id: str
    at_us: int
    load_kg: float
    found: bool
    known_after_s: float | None
    centre_error_m: float | None
    in_50: bool | None
    in_90: bool | None
    area_90_m2: float | None


class Scoreboard(msgspec.Struct, frozen=True, kw_only=True):
    """What the night's events were worth against the truth; every figure None when nothing could be measured.

    docs/scoreboard.md defines each.
    """

    hours: float
    seconds_scored: int
    sorties: list[SortieScore]
    drops: list[DropScore]
    detection_per_sortie: Rate
    detection_per_second: Rate
    time_in_track: float | None
    false_tracks: int
    false_tracks_per_hour: float | None
    bird_tracks_per_hour: float | None
    redundant_share: float | None
    identity_switches: int
    identity_switches_per_sortie: float | None
    track_latency_p50_s: float | None
    track_latency_p95_s: float | None
    alarm_latency_p50_s: float | None
    alarm_latency_p95_s: float | None
    threats_alarmed: Rate
    position_cep50_m: float | None
    position_r95_m: float | None
    altitude_error_p50_m: float | None
    altitude_error_p95_m: float | None
    ellipse_coverage: float | None
    gospa_m: float | None
    gospa_horizontal_m: float | None
    alarms: int
    alarms_per_hour: float | None
    alarms_worst_ten_minutes: int
    share_of_time_in_flood: float | None
    nuisance_alarms: int
    nuisance_alarms_per_ten_hours: float | None
    drop_recall: Rate
    false_drops: int
    drop_centre_cep50_m: float | None
    drops_in_50: Rate
    drops_in_90: Rate
    spoofs_flagged: Rate
    honest_flagged: Rate
    silent_sensors_named: Rate


class Gate(NamedTuple):
    """One line of the table: what, its value, what was promised, whether the value keeps it."""

    label: str
    value: Callable[[Scoreboard], float | None]
    form: str
    target: str
    keeps: Callable[[float], bool] | None = None


def _share(rate: Rate) -> float | None:
    return rate.share


GATES: Final[Sequence[Gate]] = (
    Gate("drone sorties found", lambda b: _share(b.detection_per_sortie), ".2f", "≥ 0.90", lambda v: v >= 0.90),
    Gate(
        "detectable drone seconds in track",
        lambda b: _share(b.detection_per_second),
        ".3f",
        "≥ 0.90",
        lambda v: v >= 0.9,
    ),
    Gate("false tracks per hour", lambda b: b.false_tracks_per_hour, ".2f", "told with the two above"),
    Gate("bird tracks per hour", lambda b: b.bird_tracks_per_hour, ".2f", "no alarm from them"),
    Gate("second tracks on one thing", lambda b: b.redundant_share, ".3f", "≤ 0.05", lambda v: v <= 0.05),
    Gate(
        "identity switches per sortie", lambda b: b.identity_switches_per_sortie, ".2f", "≤ 0.05", lambda v: v <= 0.05
    ),
    Gate("detectable to track, median (s)", lambda b: b.track_latency_p50_s, ".1f", ""),
    Gate("detectable to track, p95 (s)", lambda b: b.track_latency_p95_s, ".1f", ""),
    Gate("threats that got an alarm", lambda b: _share(b.threats_alarmed), ".2f", "≥ 0.90", lambda v: v >= 0.90),
    Gate("alarm due to alarm, median (s)", lambda b: b.alarm_latency_p50_s, ".1f", ""),
    Gate("alarm due to alarm, p95 (s)", lambda b: b.alarm_latency_p95_s, ".1f", "≤ 8", lambda v: v <= 8),
    Gate("position CEP50 (m)", lambda b: b.position_cep50_m, ".1f", "≤ 25", lambda v: v <= 25),
    Gate("position R95 (m)", lambda b: b.position_r95_m, ".1f", "≤ 75", lambda v: v <= 75),
    Gate("height error, median (m)", lambda b: b.altitude_error_p50_m, ".1f", ""),
    Gate("height error, p95 (m)", lambda b: b.altitude_error_p95_m, ".1f", ""),
    Gate(
        "95 % ellipse holds the truth", lambda b: b.ellipse_coverage, ".3f", "0.90 to 0.97", lambda v: 0.9 <= v <= 0.97
    ),
    Gate("GOSPA, c = 50 m (m)", lambda b: b.gospa_m, ".1f", ""),
    Gate("GOSPA on the ground plane (m)", lambda b: b.gospa_horizontal_m, ".1f", ""),
    Gate("alarms per hour", lambda b: b.alarms_per_hour, ".2f", "≤ 3", lambda v: v <= 3),
    Gate("alarms in the worst ten minutes", lambda b: b.alarms_worst_ten_minutes, ".0f", "≤ 10", lambda v: v <= 10),
    Gate("share of time in flood", lambda b: b.share_of_time_in_flood, ".3f", "< 0.01", lambda v: v < 0.01),
    Gate("nuisance alarms per ten hours", lambda b: b.nuisance_alarms_per_ten_hours, ".1f", "≤ 6", lambda v: v <= 6),
    Gate("drops found", lambda b: _share(b.drop_recall), ".2f", "≥ 0.85", lambda v: v >= 0.85),
    Gate("false drops", lambda b: b.false_drops, ".0f", "≤ 0.05 a track"),
    Gate("drop centre error CEP50 (m)", lambda b: b.drop_centre_cep50_m, ".1f", "≤ 60", lambda v: v <= 60),
    Gate("drops inside the 50 % area", lambda b: _share(b.drops_in_50), ".2f", "about 0.5"),
    Gate("drops inside the 90 % area", lambda b: _share(b.drops_in_90), ".2f", "about 0.9"),
    Gate("false identities flagged", lambda b: _share(b.spoofs_flagged), ".2f", "≥ 0.95", lambda v: v >= 0.95),
    Gate("honest identities flagged", lambda b: _share(b.honest_flagged), ".3f", "≤ 0.01", lambda v: v <= 0.01),
    Gate("silent sensors named", lambda b: _share(b.silent_sensors_named), ".2f", "all", lambda v: v >= 1),
)


def scoreboard_table(board: Scoreboard) -> str:
    """Return the board as plain text: each figure, the published target, and a word where the target is missed.

    Below it every sortie and every drop. ``–`` is: nothing to measure.
    """
    lines = [f"{'':38}{'measured':>12}   {'target':24}", "-" * 88]
    for gate in GATES:
        value = gate.value(board)
        shown = "–" if value is None else format(value, gate.form)
        verdict = "" if value is None or gate.keeps is None else ("kept" if gate.keeps(value) else "MISSED")
        lines.append(f"{gate.label:38}{shown:>12}   {gate.target:24}{verdict}".rstrip())
    r = board.detection_per_sortie
    if r.share is not None:
        lines.append(
            f"sorties: {r.hits} of {r.cases}, 95 % interval {r.low:.2f} to {r.high:.2f}; {board.hours:.2f} h scored"
        )
    if board.sorties:
        lines += [
            "",
            f"{'sortie':22}{'detectable s':>13}{'in track':>10}{'to track s':>12}{'to alarm s':>12}"
            f"{'ids':>5}{'CEP50 m':>9}",
        ]
        lines += [_sortie(sortie) for sortie in board.sorties]
    if board.drops:
        lines += [
            "",
            f"{'drop by':22}{'load kg':>13}{'found':>10}{'after s':>12}{'error m':>12}{'in 50':>7}{'in 90':>7}",
        ]
        lines += [_drop(drop) for drop in board.drops]
    return "\n".join(lines)


def _sortie(sortie: SortieScore) -> str:
    name = sortie.actor_id + ("" if sortie.is_threat else " (friend)")
    return (
        f"{name:22}{sortie.detectable_s:13.0f}{_text(sortie.time_in_track, '.2f'):>10}"
        f"{_text(sortie.to_track_s, '.1f'):>12}{_text(sortie.to_alarm_s, '.1f'):>12}{sortie.tracks:5d}"
        f"{_text(sortie.cep50_m, '.1f'):>9}"
    )


def _drop(drop: DropScore) -> str:
    words = {None: "–", True: "yes", False: "no"}
    return (
        f"{drop.actor_id:22}{drop.load_kg:13.1f}{words[drop.found]:>10}{_text(drop.known_after_s, '.0f'):>12}"
        f"{_text(drop.centre_error_m, '.0f'):>12}{words[drop.in_50]:>7}{words[drop.in_90]:>7}"
    )


def _text(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
