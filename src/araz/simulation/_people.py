"""People as sensors: a patrol that hears, sees or finds something and presses a button."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from araz.sensors import encode_report
from araz.simulation._bodies import Body
from araz.simulation._post import SOUND_MPS, Arrival, Post, own_direction_deg, received, seen, to_polar
from araz.simulation._scenario import PatrolReport
from araz.vocabulary import FloatArray, PeopleReport, ReportKind

#: A person hears at least this well inside the range at which a microphone array does.
EAR_SHARE = 1.0


class Press(NamedTuple):
    """One press of a button: when, by whom, of what kind."""

    at_s: float
    report: PatrolReport
    body: Body
    azimuth_rad: float


def presses(post: Post, bodies: Sequence[Body], reports: Sequence[PatrolReport]) -> list[Press]:
    """The first moment each report's actor can be heard or seen from the reporter's place, plus the delay."""
    out = []
    for report in reports:
        origin = _place_of(post, report)
        candidates = [body for body in bodies if body.actor.id == report.actor and body.is_real]
        moments = [
            (moment[0], body, moment[1]) for body in candidates if (moment := _first(post, body, report, origin))
        ]
        for at_s, body, azimuth in sorted(moments, key=lambda item: (item[0], item[1].body_id))[:1]:
            if at_s + report.delay_s < post.duration_s:
                out.append(Press(at_s + report.delay_s, report, body, azimuth))
    return sorted(out, key=lambda press: press.at_s)


def people_messages(post: Post, pressed: Sequence[Press]) -> Iterator[Arrival]:
    """The reports on the wire; a bearing carries the honest error of a pointing person."""
    arrivals = received(post, np.array([press.at_s for press in pressed]))
    for number, (at_us, press) in enumerate(zip(arrivals, pressed, strict=True), 1):
        report = press.report
        sigma = report.azimuth_sigma_deg
        pointed, _ = own_direction_deg(post, np.array([press.azimuth_rad]), np.array([np.nan]))
        azimuth = (float(pointed[0]) + post.rng.normal(0.0, sigma)) % 360.0
        record = PeopleReport(
            kind=report.kind,
            reporter=report.reporter,
            report_id=f"{report.reporter}-{number}".replace(" ", "-").lower(),
            latitude_deg=report.latitude_deg,
            longitude_deg=report.longitude_deg,
            text=report.text,
        )
        with_bearing = report.has_bearing and report.kind != ReportKind.NOTHING
        payload = encode_report(
            record,
            post.stamp_us(press.at_s),
            azimuth_deg=round(float(azimuth), 1) if with_bearing else None,
            azimuth_sigma_deg=sigma if with_bearing else None,
        )
        yield Arrival(at_us, post.feed.id, payload)


def _place_of(post: Post, report: PatrolReport) -> FloatArray:
    where = post.place.frame.to_enu(report.latitude_deg, report.longitude_deg, post.place.site.origin_hae_m)[0]
    up = float(post.place.terrain.ground_up_m(where[:1], where[1:2])[0]) + 1.7
    return np.array([where[0], where[1], up])


def _first(post: Post, body: Body, report: PatrolReport, origin: FloatArray) -> tuple[float, float] | None:
    """(seconds, azimuth in site axes) at which the actor first is near enough; sound comes late, from where it was."""
    at_s = np.arange(body.course.start_s, min(body.course.end_s, post.duration_s), 1.0)
    if not len(at_s):
        return None
    position, velocity = body.course.at(at_s)
    polar = to_polar(origin, position, velocity)
    near = np.asarray(polar.range_m <= report.within_m, dtype=np.bool_)
    if report.kind == ReportKind.HEARD:
        near &= polar.range_m <= body.acoustic_range_m * EAR_SHARE
        delay = polar.range_m / SOUND_MPS
    else:
        near = seen(post.place, origin, position, near)
        delay = np.zeros(len(at_s))
    index = np.flatnonzero(near)
    if not len(index):
        return None
    return float(at_s[index[0]] + delay[index[0]]), float(polar.azimuth_rad[index[0]])
