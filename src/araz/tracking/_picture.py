"""The picture others see: one Gaussian a track, at the time asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from araz.tracking._close import is_within_coast
from araz.tracking._gauss import ROW
from araz.tracking._kernel import kernel
from araz.tracking._look import survival
from araz.tracking._motion import Belief, predict
from araz.tracking._state import State, Tracks
from araz.vocabulary import FloatArray, IntArray, TrackPicture


def _shown(array: Any) -> Any:
    """The same numbers, not to be written to: nobody changes the state's arrays either."""
    view = array.view()
    view.setflags(False)
    return view


@kernel
def _places(gauss: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Positions and velocities [N, 3] and full covariances [N, 6, 6] of rows [N, 27]."""
    position, velocity = np.empty((len(gauss), 3)), np.empty((len(gauss), 3))
    cov = np.empty((len(gauss), 6, 6))
    for i in range(len(gauss)):
        for axis in range(3):
            position[i, axis], velocity[i, axis] = gauss[i, axis], gauss[i, 3 + axis]
        for a in range(6):
            for b in range(a + 1):
                cov[i, a, b] = cov[i, b, a] = gauss[i, ROW[a] + b]
    return position, velocity, cov


def picture_of(at_us: int, tracks: Tracks) -> TrackPicture:
    """The record for others, of tracks at ``at_us``."""
    position, velocity, cov = _places(tracks.belief.gauss)
    return TrackPicture(
        at_us=at_us,
        track_id=_shown(tracks.number),
        is_confirmed=_shown(tracks.is_confirmed),
        existence=_shown(tracks.existence),
        position_enu_m=_shown(position),
        velocity_enu_mps=_shown(velocity),
        covariance=_shown(cov),
        class_probability=_shown(tracks.class_probability),
        started_at_us=_shown(tracks.started_at_us),
        updated_at_us=_shown(tracks.updated_at_us),
        update_count=_shown(tracks.update_count),
        sensor_mask=_shown(tracks.sensor_mask),
        claim_key=_shown(tracks.claim_key),
        rcs_dbsm=_shown(tracks.rcs_dbsm),
        hidden=_shown(tracks.hidden),
        habit=_shown(tracks.habit),
    )


def predict_picture(state: State, at_us: int) -> TrackPicture:
    """The tracks of a state moved to another time, later or a little earlier; the state is not changed.

    Tracks nobody has observed for ``coast_max_s`` by then are left out, so the picture empties when every sensor dies.
    ``class_probability`` and the books are as at the last scan.
    """
    dt_s = (at_us - state.at_us) * 1e-6 if state.at_us else 0.0
    settings = state.settings
    rows, existence = _left(
        state.tracks, at_us, dt_s, float(settings.survival_half_life_s), float(settings.coast_max_s)
    )
    tracks = state.tracks if len(rows) == len(state.tracks.track_id) else take(state.tracks, rows)
    belief = predict(tracks.belief, tracks.update_count, dt_s, 0) if dt_s != 0.0 else tracks.belief
    return picture_of(at_us, tracks._replace(existence=existence, belief=belief))


@kernel
def _left(
    tracks: Tracks, at_us: int, dt_s: float, half_life_s: float, coast_max_s: float
) -> tuple[IntArray, FloatArray]:
    """Rows still shown at ``at_us``, with their existence then."""
    rows = np.zeros(len(tracks.existence), np.int64)
    count = 0
    for i in range(len(rows)):
        if is_within_coast(at_us - tracks.updated_at_us[i], tracks.update_count[i], coast_max_s):
            rows[count] = i
            count += 1
    rows = rows[:count].copy()
    existence = tracks.existence[rows]
    for k in range(count):
        existence[k] *= survival(max(dt_s, 0.0), tracks.hidden[rows[k]], half_life_s)
    return rows, existence


def take(tracks: Tracks, rows: IntArray) -> Tracks:
    """The tracks at ``rows``, in that order, as new arrays."""
    old = tracks.belief
    bank = old.bank[rows]
    has = bank >= 0
    belief = Belief(old.gauss[rows], np.where(has, np.cumsum(has) - 1, -1), old.modes[bank[has]], old.weight[bank[has]])
    columns: dict[str, Any] = {name: column[rows] for name, column in tracks._asdict().items() if name != "belief"}
    return Tracks(belief=belief, **columns)
