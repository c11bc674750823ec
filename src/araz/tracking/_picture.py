"""The picture others see: one Gaussian a track, at the time asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from araz.tracking._motion import collapse, predict_tracks
from araz.tracking._state import State, Tracks
from araz.vocabulary import BoolArray, FloatArray, IntArray, TrackPicture

KNOWN_UPDATES: Final = 10.0
"""A track with fewer updates is kept for their share of ``coast_max_s`` without another: twelve seconds of sixty for
one that was seen twice."""


def _own(array: Any) -> Any:
    """A read-only copy: the state's arrays stay out of others' hands."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def picture_of(at_us: int, tracks: Tracks, mean: FloatArray, cov: FloatArray) -> TrackPicture:
    """The record for others, of tracks whose moments at ``at_us`` are ``mean`` [N, 6], ``cov`` [N, 6, 6]."""
    return TrackPicture(
        at_us=at_us,
        track_id=_own(tracks.track_id),
        is_confirmed=_own(tracks.is_confirmed),
        existence=_own(tracks.existence),
        position_enu_m=_own(mean[:, :3]),
        velocity_enu_mps=_own(mean[:, 3:]),
        covariance=_own(cov),
        class_probability=_own(tracks.class_probability),
        started_at_us=_own(tracks.started_at_us),
        updated_at_us=_own(tracks.updated_at_us),
        update_count=_own(tracks.update_count),
        sensor_mask=_own(tracks.sensor_mask),
        claim_key=_own(tracks.claim_key),
        rcs_dbsm=_own(tracks.rcs_dbsm),
        hidden=_own(tracks.hidden),
    )


def survival(state: State, dt_s: float) -> FloatArray:
    """Chance [N] that each track is still there after ``dt_s`` seconds; terrain's shadow takes ten times as long."""
    half_life = np.where(state.tracks.hidden, 10.0, 1.0) * state.settings.survival_half_life_s
    return np.asarray(0.5 ** (dt_s / half_life))


def within_coast(state: State, at_us: int) -> BoolArray:
    """Which tracks [N] somebody observed within the last ``coast_max_s`` before ``at_us``; in part, if hardly known."""
    known = np.minimum(state.tracks.update_count / KNOWN_UPDATES, 1.0)
    return np.asarray(at_us - state.tracks.updated_at_us <= state.settings.coast_max_s * 1e6 * known)


def predict_picture(state: State, at_us: int) -> TrackPicture:
    """The tracks of a state moved to another time, later or a little earlier; the state is not changed.

    Tracks nobody has observed for ``coast_max_s`` by then are left out, so the picture empties when every sensor dies.
    ``class_probability`` and the books are as at the last scan.
    """
    keep = np.flatnonzero(within_coast(state, at_us))
    tracks = take(state.tracks, keep)
    dt_s = (at_us - state.at_us) * 1e-6 if state.at_us else 0.0
    mean, cov, weight = predict_tracks(tracks.mean, tracks.cov, tracks.weight, tracks.update_count, dt_s)
    if dt_s > 0.0:
        tracks = with_existence(tracks, tracks.existence * survival(state, dt_s)[keep])
    return picture_of(at_us, tracks, *collapse(mean, cov, weight))


def take(tracks: Tracks, rows: IntArray) -> Tracks:
    """The tracks at ``rows``, in that order, as new arrays."""
    return Tracks(*(getattr(tracks, name).take(rows, axis=0) for name in Tracks.__slots__))


def join(first: Tracks, second: Tracks) -> Tracks:
    """All tracks of both tables, as new arrays."""
    return Tracks(*(np.concatenate((getattr(first, name), getattr(second, name))) for name in Tracks.__slots__))


def with_existence(tracks: Tracks, existence: FloatArray) -> Tracks:
    """The same tracks with other probabilities of existence."""
    return replace(tracks, existence=existence)
