"""The tracks "known now": computed again from the messages of a case alone, each moment judged by all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from araz import tracking
from araz.app import _pipeline as pipeline
from araz.app._aside import ASIDE_SOURCES
from araz.app._config import SITE_SOURCE
from araz.app._posts import passed
from araz.geography import ellipse_from_covariance
from araz.vocabulary import FloatArray, IntArray, Message, Picture, Rejected, Track

MATCH_M: Final = 150.0
"""A track computed again is the one on the screen when it was, in the middle, no farther from it than this."""

WARM_UP_US: Final = 180_000_000
"""The tracker runs this long before the first track of the case was shown, so that it knows clutter and neighbours."""
SETTLE_US: Final = 60_000_000
"""And this long after the last: what a tracker believes of a moment is settled half a minute later."""
#: So often it is asked of a track whether it is near; it is settled half a minute later, so none begins too late.
NOTE_EVERY_US: Final = 10_000_000
#: A track of the case counts as shown this long before and after it was.
SHOWN_US: Final = 5_000_000
#: Points told of a track, at most, spread evenly: a judge reads a line, not every look of every radar.
MOST_POINTS: Final = 600
#: A trail that is farther than this from all tracks of the case is not theirs.
FAR_M: Final = 500.0
#: Places compared between a trail and a track of the screen, at most, spread evenly.
COMPARED: Final = 200


def tracks_now(
    messages: Iterable[Message], track_ids: Sequence[str], pictures: Sequence[Picture]
) -> list[dict[str, Any]]:
    """Return, for each track of the case, where it was as all messages of the case say it.

    A tracker begins anew ``WARM_UP_US`` before the first of them was shown, hears the messages up to ``SETTLE_US``
    after the last, and its trails are smoothed (docs/smoothing.md). Numbers differ from the night's, so a trail is
    matched to a track of the screen by place (``MATCH_M``); one track may match several trails, in order.
    The same messages give the same numbers, bit for bit, on the same kind of processor with the same libraries.
    """
    wanted = set(track_ids)
    shown = [(p.at_us, t) for p in pictures for t in p.tracks if t.track_id in wanted]
    if not shown:
        return []
    state, trails = _followed(messages, shown)
    if state is None:
        return []
    frame = state.line.place.frame
    smoothed = [tracking.smooth(trail) for trail in trails]
    out = []
    for track_id in track_ids:
        at_us, place = _enu([row for row in shown if row[1].track_id == track_id], frame)
        for trail in smoothed:
            found = _match(trail, at_us, place)
            if found is not None:
                out.append({"track_id": track_id, "trail": trail.number, **found, "points": _points(trail, frame)})
    return out


class _Follower:
    """Keeps what the tracker believed of the tracks that come near those of the case, until it is looked back on.

    Shown the tracker's state after each look. A track is followed from when it is nearer than ``FAR_M`` to one of the
    case within ``SHOWN_US`` of it (its settled beliefs lag half a minute, so its beginning is there), until it is
    farther while one is shown.
    """

    def __init__(self, at_us: IntArray, place: FloatArray) -> None:
        self._at_us, self._place = at_us, place
        self._last: Any = None
        self._past: Sequence[Any] = ()
        self._noted_us = 0
        self._asked_us: dict[int, int] = {}
        self.rows: dict[int, list[tracking.BeliefRow]] = {}

    def __call__(self, believed: tracking.State) -> None:
        now_us, asked = believed.now.at_us, self._asked_us
        fresh = {
            number for number in believed.confirmed_number.tolist()
            if number not in self.rows and now_us - asked.get(number, 0) > NOTE_EVERY_US
        }  # fmt: skip
        if fresh:
            now = tracking.belief_rows(believed.now, fresh)
            self._asked_us |= dict.fromkeys(now, now_us)
            self.rows |= {number: [] for number, row in now.items() if self._is_near(row, if_none_shown=False)}
        for belief in tracking.settled(self._last, self._past, believed):
            for number, row in tracking.belief_rows(belief, self.rows).items():
                self.rows[number].append(row)
            self._last = belief
        self._past = believed.past
        if now_us - self._noted_us > NOTE_EVERY_US:
            self._noted_us = now_us
            far = [
                number for number, rows in self.rows.items() if rows and not self._is_near(rows[-1], if_none_shown=True)
            ]
            for number in far:
                del self.rows[number]

    def _is_near(self, row: tracking.BeliefRow, *, if_none_shown: bool) -> bool:
        first, last = np.searchsorted(self._at_us, (row.at_us - SHOWN_US, row.at_us + SHOWN_US))
        if first == last:
            return if_none_shown
        gap_m = np.hypot(*(self._place[first:last, :2] - row.place_enu_m[:2]).T)
        return bool(gap_m.min() < FAR_M)

    def trails(self, believed: tracking.State) -> list[tracking.Trail]:
        """The trails up to now, by number; one belief alone says nothing of before and after."""
        for belief in tracking.young_beliefs(believed):
            for number, row in tracking.belief_rows(belief, self.rows).items():
                self.rows[number].append(row)
        made = [tracking.trail_from(number, rows) for number, rows in sorted(self.rows.items()) if len(rows) > 1]
        return [trail for trail in made if len(trail.at_us) > 1]


def _followed(
    messages: Iterable[Message], shown: Sequence[tuple[int, Track]]
) -> tuple[pipeline.PipelineState | None, list[tracking.Trail]]:
    """The pipeline's state after the last message, and the trails near the case's tracks."""
    state, follower = pipeline.init(), _Follower(np.empty(0, np.int64), np.empty((0, 3)))
    start_us, end_us = shown[0][0] - WARM_UP_US, shown[-1][0] + SETTLE_US
    for message in messages:
        if message.source == SITE_SOURCE:
            state, _ = pipeline.step(state, message)
            follower = _Follower(*_enu(shown, state.line.place.frame))
        elif message.source in ASIDE_SOURCES or state is None:
            continue
        elif start_us <= message.received_at_us <= end_us:
            now_us = max(state.now_us, message.received_at_us)
            one = passed(message, state.line.site, now_us)
            if not isinstance(one, Rejected):
                state = pipeline.looked(state, one, now_us, follower).state
    return state, [] if state is None else follower.trails(state.tracking)


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
    rows = np.unique(np.linspace(0, len(trail.at_us) - 1, min(MOST_POINTS, len(trail.at_us))).astype(int))
    latitude, longitude, hae = frame.to_geodetic(trail.mean[rows, :3])
    points = []
    for i, k in enumerate(rows.tolist()):
        major, minor, azimuth = ellipse_from_covariance(trail.covariance[k][:2, :2], 0.95)
        points.append(
            {
                "at_us": int(trail.at_us[k]),
                "latitude_deg": float(latitude[i]),
                "longitude_deg": float(longitude[i]),
                "altitude_hae_m": float(hae[i]),
                "velocity_enu_mps": [float(v) for v in trail.mean[k, 3:]],
                "ellipse_semi_major_m": float(major),
                "ellipse_semi_minor_m": float(minor),
                "ellipse_azimuth_deg": float(azimuth),
            }
        )
    return points
