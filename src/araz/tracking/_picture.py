"""The picture others see: one Gaussian a track, at the time asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from araz.tracking._close import is_within_coast
from araz.tracking._gauss import ROW
from araz.tracking._kernel import kernel
from araz.tracking._look import survival
from araz.tracking._motion import Belief, predict
from araz.tracking._state import State, Table
from araz.vocabulary import BoolArray, FloatArray, IntArray, TrackPicture


def _shown(array: Any) -> Any:
    """The same numbers, not to be written to: nobody changes the state's arrays either."""
    view = array.view()
    view.setflags(False)
    return view


@kernel
def places(gauss: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
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


def picture_of(at_us: int, table: Table, shown: tuple[FloatArray, FloatArray, FloatArray]) -> TrackPicture:
    """The record for others, of tracks at ``at_us``; ``shown`` are their ``places``."""
    position, velocity, cov = shown
    # The rows of what is not to be written to are not either.
    whole, real, flag = _shown(table.whole), _shown(table.real), _shown(table.flag)
    return TrackPicture(
        at_us=at_us,
        track_id=whole[1],
        is_confirmed=flag[0],
        existence=real[0],
        position_enu_m=_shown(position),
        velocity_enu_mps=_shown(velocity),
        covariance=_shown(cov),
        class_probability=_shown(table.class_probability),
        started_at_us=whole[2],
        updated_at_us=whole[3],
        update_count=whole[4],
        sensor_mask=whole[5],
        claim_key=whole[6],
        rcs_dbsm=real[2],
        hidden=flag[1],
        habit=_shown(table.habit),
    )


def predict_picture(state: State, at_us: int) -> TrackPicture:
    """The tracks of a state moved to another time, later or a little earlier; the state is not changed.

    Tracks nobody has observed for ``coast_max_s`` by then are left out, so the picture empties when every sensor dies.
    ``class_probability`` and the books are as at the last scan.
    """
    dt_s = (at_us - state.at_us) * 1e-6 if state.at_us else 0.0
    table, knobs = state.now.table, state.knobs
    rows, existence = _left(table.whole, table.real, table.flag, at_us, dt_s, knobs.half_life_s, knobs.coast_max_s)
    if len(rows) < len(table.gauss):
        table = take(table, rows)
    belief = (table.gauss, table.bank, table.modes, table.weight)
    shown = places(table.gauss) if dt_s == 0.0 else _moved(*belief, table.whole[4], dt_s)
    return picture_of(at_us, table._replace(real=np.stack((existence, *table.real[1:]))), shown)


@kernel
def _moved(
    gauss: FloatArray, bank: IntArray, modes: FloatArray, weight: FloatArray, update_count: IntArray, dt_s: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """``places`` of a belief ``dt_s`` seconds on."""
    return places(predict(Belief(gauss, bank, modes, weight), update_count, dt_s, 0).gauss)


@kernel
def _left(
    whole: IntArray,
    real: FloatArray,
    flag: BoolArray,
    at_us: int,
    dt_s: float,
    half_life_s: float,
    coast_max_s: float,
) -> tuple[IntArray, FloatArray]:
    """Rows still shown at ``at_us``, with their existence then."""
    rows = np.zeros(real.shape[1], np.int64)
    count = 0
    for i in range(len(rows)):
        if is_within_coast(at_us - whole[3, i], whole[4, i], coast_max_s):
            rows[count] = i
            count += 1
    rows = rows[:count].copy()
    existence = real[0][rows]
    for k in range(count):
        existence[k] *= survival(max(dt_s, 0.0), flag[1, rows[k]], half_life_s)
    return rows, existence


def take(table: Table, rows: IntArray) -> Table:
    """The tracks at ``rows``, in that order, as new arrays."""
    bank = table.bank[rows]
    has = bank >= 0
    return Table(
        np.take(table.whole, rows, 1),
        np.take(table.real, rows, 1),
        np.take(table.flag, rows, 1),
        table.gauss[rows],
        np.where(has, np.cumsum(has) - 1, -1),
        table.modes[bank[has]],
        table.weight[bank[has]],
        table.class_probability[rows],
        table.echo[rows],
        table.doubt[rows],
        table.habit[rows],
    )
