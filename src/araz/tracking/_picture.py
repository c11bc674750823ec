"""The picture others see: one Gaussian a track, at the time asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from araz.tracking._classify import CLASS_COUNT
from araz.tracking._close import is_within_coast
from araz.tracking._gauss import ROW, WIDTH
from araz.tracking._kernel import kernel
from araz.tracking._look import survival
from araz.tracking._motion import Belief, predict
from araz.tracking._state import ECHO_AT, GAUSS_AT, State, Table, named
from araz.vocabulary import BoolArray, FloatArray, IntArray, TrackPicture


@kernel
def _covariances(gauss: FloatArray) -> FloatArray:
    """Full covariances [N, 6, 6] of rows [N, 27]."""
    cov = np.empty((len(gauss), 6, 6))
    for i in range(len(gauss)):
        for a in range(6):
            for b in range(a + 1):
                cov[i, a, b] = cov[i, b, a] = gauss[i, ROW[a] + b]
    return cov


def _gauss(real: FloatArray, count: int) -> FloatArray:
    """The Gaussians [N, 27] in ``Table.real``."""
    return real[GAUSS_AT * count : ECHO_AT * count].reshape(count, WIDTH)


def _rank(flag: BoolArray) -> IntArray:
    """Rows [N] of ``Table.lived``: in order for the confirmed, the last for all others."""
    return np.where(flag[0], np.cumsum(flag[0]) - 1, -1)


_COLUMNS: Final[dict[str, Callable[[int, IntArray, BoolArray, FloatArray, FloatArray], Any]]] = {
    "track_id": lambda count, whole, flag, real, lived: whole[1],
    "is_confirmed": lambda count, whole, flag, real, lived: flag[0],
    "existence": lambda count, whole, flag, real, lived: real[:count],
    "position_enu_m": lambda count, whole, flag, real, lived: _gauss(real, count)[:, :3],
    "velocity_enu_mps": lambda count, whole, flag, real, lived: _gauss(real, count)[:, 3:6],
    "covariance": lambda count, whole, flag, real, lived: _covariances(_gauss(real, count)),
    "class_probability": lambda count, whole, flag, real, lived: lived[_rank(flag), :CLASS_COUNT],
    "started_at_us": lambda count, whole, flag, real, lived: whole[2],
    "updated_at_us": lambda count, whole, flag, real, lived: whole[3],
    "update_count": lambda count, whole, flag, real, lived: whole[4],
    "sensor_mask": lambda count, whole, flag, real, lived: whole[5],
    "claim_key": lambda count, whole, flag, real, lived: whole[6],
    "rcs_dbsm": lambda count, whole, flag, real, lived: real[2 * count : GAUSS_AT * count],
    "hidden": lambda count, whole, flag, real, lived: flag[1],
    "habit": lambda count, whole, flag, real, lived: lived[_rank(flag), CLASS_COUNT:],
}


class _PictureOfTable(TrackPicture):
    """A picture that makes a column when it is first asked for: few readers want all fifteen of every scan.

    ``_of`` is what they are made of: the number of tracks and four arrays of the ``Table``. The columns are not to be
    written to, for nobody changes the state's arrays either.
    """

    __slots__ = ("_of",)

    def __getattr__(self, name: str) -> Any:
        make = _COLUMNS.get(name)
        if make is None:
            raise AttributeError(f"a TrackPicture has no {name!r}", name=name, obj=self)
        column = make(*self._of)
        column.setflags(False)
        object.__setattr__(self, name, column)
        return column


def picture_of(at_us: int, table: Table) -> TrackPicture:
    """The record for others, of tracks at ``at_us``."""
    picture = _PictureOfTable.__new__(_PictureOfTable)
    object.__setattr__(picture, "at_us", at_us)
    object.__setattr__(picture, "_of", (table.whole.shape[1], *table[1:5]))
    return picture


def predict_picture(state: State, at_us: int) -> TrackPicture:
    """The tracks of a state moved to another time, later or a little earlier; the state is not changed.

    Tracks nobody has observed for ``coast_max_s`` by then are left out, so the picture empties when every sensor dies.
    ``class_probability`` and the books are as at the last scan.
    """
    dt_s = (at_us - state.at_us) * 1e-6 if state.at_us else 0.0
    table, settings = state.now.table, state.settings
    half_life_s, coast_max_s = float(settings.survival_half_life_s), float(settings.coast_max_s)
    rows, existence = _left(table.whole, table.real, table.flag, at_us, dt_s, half_life_s, coast_max_s)
    if len(rows) < table.whole.shape[1]:
        table = take(table, rows)
    count, real = len(rows), table.real
    gauss = _gauss(real, count)
    if dt_s != 0.0:
        gauss = _moved(gauss, table.whole, table.modes, table.weight, dt_s)
    parts = (existence, real[count : GAUSS_AT * count], gauss, real[ECHO_AT * count :])
    return picture_of(at_us, table._replace(real=np.concatenate(parts, axis=None)))


@kernel
def _moved(gauss: FloatArray, whole: IntArray, modes: FloatArray, weight: FloatArray, dt_s: float) -> FloatArray:
    """The Gaussians [N, 27] of a table ``dt_s`` seconds on."""
    return predict(Belief(gauss, whole[7], modes, weight), whole[4], dt_s, 0).gauss


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
    rows = np.zeros(whole.shape[1], np.int64)
    count = 0
    for i in range(len(rows)):
        if is_within_coast(at_us - whole[3, i], whole[4, i], coast_max_s):
            rows[count] = i
            count += 1
    rows = rows[:count].copy()
    existence = real[rows]
    for k in range(count):
        existence[k] *= survival(max(dt_s, 0.0), flag[1, rows[k]], half_life_s)
    return rows, existence


def take(table: Table, rows: IntArray) -> Table:
    """The tracks at ``rows``, in that order, as new arrays."""
    tracks, whole = named(table), np.take(table.whole, rows, 1)
    has = whole[7] >= 0
    bank = whole[7, has]
    whole[7] = np.where(has, np.cumsum(has) - 1, -1)
    columns = (
        tracks.existence, tracks.birth_existence, tracks.rcs_dbsm, tracks.belief.gauss, tracks.echo, tracks.doubt,
    )  # fmt: skip
    lived = np.append(_rank(table.flag)[rows][table.flag[0, rows]], -1)
    return Table(
        table.lookers,
        whole,
        np.take(table.flag, rows, 1),
        np.concatenate([column[rows] for column in columns], axis=None),
        table.lived[lived],
        table.modes[bank],
        table.weight[bank],
    )
