"""The tracks "known now": computed again from the messages of a case alone, each moment judged by all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
import numpy as np

from araz import tracking
from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE
from araz.geography import ellipse_from_covariance
from araz.vocabulary import LATEST_TIME_US, FloatArray, IntArray, Message, Picture, Track

MATCH_M: Final = 150.0
"""A track computed again is the one on the screen when it was, in the middle, no farther from it than this."""

#: Trails are noted this often, well within the ten minutes after which the tracker forgets them.
NOTE_EVERY_US: Final = 10_000_000
#: A trail that is farther than this from all tracks of the case is not theirs.
FAR_M: Final = 500.0
#: Places compared between a trail and a track of the screen, at most, spread evenly.
COMPARED: Final = 200


def tracks_now(
    messages: Iterable[Message], track_ids: Sequence[str], pictures: Sequence[Picture], start_us: int
) -> list[dict[str, Any]]:
    """Return, for each track of the case, where it was as all messages of the case say it.

    A tracker begins anew ``start_us`` and its trails are smoothed (docs/smoothing.md). Numbers differ from the night's,
    so a trail is matched to a track of the screen by place (``MATCH_M``); one track may match several trails, in order.
    The same messages give the same numbers, bit for bit, on the same kind of processor with the same libraries.
    """
    wanted = set(track_ids)
    shown = [(p.at_us, t) for p in pictures for t in p.tracks if t.track_id in wanted]
    state, kept = _followed(messages, start_us, shown)
    if state is None:
        return []
    frame = state.line.place.frame
    smoothed = [tracking.smooth(kept[number]) for number in sorted(kept) if len(kept[number].at_us) > 1]
    out = []
    for track_id in track_ids:
        at_us, place = _enu([row for row in shown if row[1].track_id == track_id], frame)
        for trail in smoothed:
            found = _match(trail, at_us, place)
            if found is not None:
                out.append({"track_id": track_id, "trail": trail.number, **found, "points": _points(trail, frame)})
    return out


def _followed(
    messages: Iterable[Message], start_us: int, shown: Sequence[tuple[int, Track]]
) -> tuple[pipeline.PipelineState | None, dict[int, tracking.Trail]]:
    """The pipeline's state after the last message, and the trails by number, those forgotten since included."""
    state, trails, kept, noted_us = pipeline.init(), tracking.trails_init(), dict[int, tracking.Trail](), 0
    at_us, place = np.empty(0, np.int64), np.empty((0, 3))

    def follow(believed: tracking.State) -> None:
        nonlocal trails, noted_us
        trails = tracking.trail_step(trails, believed)
        if believed.at_us - noted_us > NOTE_EVERY_US:
            trails = _near(trails, at_us, place)
            kept.update(trails.trail)
            noted_us = believed.at_us

    for message in messages:
        if message.source != SITE_SOURCE and message.received_at_us < start_us:
            continue
        state, _ = pipeline.step(state, message, follow)
        if message.source == SITE_SOURCE:
            # Nobody asks the rules here, nor for a picture: only the tracks are wanted.
            never = replace(state.incidents, next_evaluation_us=LATEST_TIME_US)
            state = msgspec.structs.replace(state, rules_us=LATEST_TIME_US, incidents=never)
            at_us, place = _enu(shown, state.line.place.frame)
    if state is not None:
        for number in (*trails.trail, *trails.awaited):
            trail = tracking.trail_of(trails, state.tracking, number)
            if trail is not None:
                kept[number] = trail
    return state, kept


def _near(trails: tracking.Trails, at_us: IntArray, place: FloatArray) -> tracking.Trails:
    """Without the trails that ended far from every track of the case: birds elsewhere need not be followed."""

    def is_near(trail: tracking.Trail) -> bool:
        first, last = np.searchsorted(at_us, (trail.at_us[-1] - 5_000_000, trail.at_us[-1] + 5_000_000))
        if first == last:
            return True
        gap_m = np.hypot(*(place[first:last, :2] - trail.belief[-1, :2]).T)
        return bool(gap_m.min() < FAR_M)

    far = {number for number, trail in trails.trail.items() if not is_near(trail)}
    return replace(
        trails,
        trail={number: trail for number, trail in trails.trail.items() if number not in far},
        awaited={number: since for number, since in trails.awaited.items() if number not in far},
    )


def _enu(rows: Sequence[tuple[int, Track]], frame: Any) -> tuple[IntArray, FloatArray]:
    at_us = np.array([at for at, _ in rows], dtype=np.int64)
    if not rows:
        return at_us, np.empty((0, 3))
    place = frame.to_enu(
        [t.latitude_deg for _, t in rows], [t.longitude_deg for _, t in rows], [t.altitude_hae_m for _, t in rows]
    )
    return at_us, np.asarray(place)


def _match(trail: tracking.SmoothedTrail, at_us: IntArray, place: FloatArray) -> dict[str, Any] | None:
    inside = (at_us >= trail.at_us[0]) & (at_us <= trail.at_us[-1])
    if not inside.any():
        return None
    rows = np.flatnonzero(inside)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(COMPARED, len(rows))).astype(int))]
    mean = np.array([tracking.place_at(trail, int(t))[0] for t in at_us[rows]])
    gap_m = np.hypot(mean[:, 0] - place[rows, 0], mean[:, 1] - place[rows, 1])
    median_m = float(np.median(gap_m))
    if median_m > MATCH_M:
        return None
    return {"overlap_s": int(inside.sum()), "median_difference_m": median_m, "largest_difference_m": float(gap_m.max())}


def _points(trail: tracking.SmoothedTrail, frame: Any) -> list[dict[str, Any]]:
    latitude, longitude, hae = frame.to_geodetic(trail.mean[:, :3])
    points = []
    for k, at_us in enumerate(trail.at_us):
        major, minor, azimuth = ellipse_from_covariance(trail.covariance[k][:2, :2], 0.95)
        points.append(
            {
                "at_us": int(at_us),
                "latitude_deg": float(latitude[k]),
                "longitude_deg": float(longitude[k]),
                "altitude_hae_m": float(hae[k]),
                "velocity_enu_mps": [float(v) for v in trail.mean[k, 3:]],
                "ellipse_semi_major_m": float(major),
                "ellipse_semi_minor_m": float(minor),
                "ellipse_azimuth_deg": float(azimuth),
            }
        )
    return points
