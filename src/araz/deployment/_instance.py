"""The game as arrays: what the smuggler may fly, what could see it, who could be there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from araz.vocabulary import FloatArray, IntArray, frozen_array


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a team can be asked to do in one night; None: no such limit."""

    max_move_m: float | None = None
    """A team on duty changes its post by at most this far along the border from one window to the next."""
    duty_windows: int | None = None
    """Windows in a row a team may be on duty; after them it rests (which includes the drive to its next post)."""
    rest_windows: int = 1
    """Windows of rest that must follow a stretch of duty before the next one."""
    pool: int | None = None
    """Teams that exist, on duty or resting; None: as many as the rotation needs."""

    def __post_init__(self) -> None:
        if self.max_move_m is not None and not self.max_move_m >= 0:
            raise ValueError(f"max_move_m is {self.max_move_m}; give metres from 0, or None for no limit.")
        if self.duty_windows is not None and self.duty_windows < 1:
            raise ValueError(f"duty_windows is {self.duty_windows}; a team must be allowed at least 1 window.")
        if self.rest_windows < 1:
            raise ValueError(f"rest_windows is {self.rest_windows}; give at least 1, or duty_windows None.")
        if self.pool is not None and self.pool < 0:
            raise ValueError(f"pool is {self.pool}; give the number of teams, from 0.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Instance:
    """One border, one night: A attacks, S candidate sensors, P posts, W windows, R response rows.

    Attack a = (launch, crossing cell, drop, aircraft, window) carries ``value_kg`` V_a (value-weighted kilograms times
    the chance that it is collected when nobody comes), costs the smuggler ``cost_kg`` c_a and is seen with
    D_a(x) = 1 − (1 − ``base_detection``_a) exp(−Σ_s ``hazard``_as x_s). A team at post p reaches its drop in time with
    ``response`` [row of a, p] = q_pa. When it is caught the smuggler loses V_a + ``penalty_kg``_a.
    ``sorties`` aircraft may come at once, to share the teams between them. Metres are along the border line.
    Fails with ValueError when shapes, ranges or indices do not fit together.
    """

    value_kg: FloatArray
    cost_kg: FloatArray
    base_detection: FloatArray
    crossing: IntArray
    window: IntArray
    aircraft: IntArray
    drop: IntArray
    launch: IntArray
    hazard: csr_array
    response_row: IntArray
    response: csr_array
    row_window: IntArray
    cell_m: FloatArray
    post_m: FloatArray
    sensor_m: FloatArray
    sensor_cost: FloatArray
    teams: IntArray
    limits: Limits = Limits()
    sorties: int = 1
    penalty_kg: FloatArray | None = None
    aircraft_names: tuple[str, ...] = ()
    post_names: tuple[str, ...] = ()
    sensor_names: tuple[str, ...] = ()
    at_stake_kg: FloatArray = field(init=False, repr=False)
    net_kg: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("value_kg", "cost_kg", "base_detection", "cell_m", "post_m", "sensor_m", "sensor_cost"):
            _keep(self, name, getattr(self, name), np.float64)
        for name in ("crossing", "window", "aircraft", "drop", "launch", "response_row", "row_window", "teams"):
            _keep(self, name, getattr(self, name), np.int64)
        if self.penalty_kg is not None:
            _keep(self, "penalty_kg", np.broadcast_to(self.penalty_kg, self.value_kg.shape), np.float64)
        object.__setattr__(self, "hazard", _sparse(self.hazard))
        object.__setattr__(self, "response", _sparse(self.response))
        _check_shapes(self)
        _check_values(self)
        penalty = 0.0 if self.penalty_kg is None else self.penalty_kg
        _keep(self, "at_stake_kg", self.value_kg + penalty, np.float64)
        _keep(self, "net_kg", self.value_kg - self.cost_kg, np.float64)

    @property
    def attacks(self) -> int:
        """Number of attacks A."""
        return len(self.value_kg)

    @property
    def posts(self) -> int:
        """Number of posts P."""
        return len(self.post_m)

    @property
    def windows(self) -> int:
        """Number of windows W."""
        return len(self.teams)

    @property
    def sensors(self) -> int:
        """Number of candidate sensors S."""
        return len(self.sensor_m)

    def with_(self, **changes: Any) -> Instance:
        """Return a copy with some fields changed, checked again."""
        return replace(self, **changes)


def detection(instance: Instance, sensors_on: ArrayLike | None = None) -> FloatArray:
    """Chance [A] that each attack is seen when the sensors x [S] (0 to 1, None: none) stand.

    D_a(x) = 1 − (1 − d0_a) exp(−Σ_s λ_as x_s). Fails with ValueError on a wrong length or a value outside 0 to 1.
    """
    x = sensor_choice(instance, sensors_on)
    return np.asarray(1.0 - (1.0 - instance.base_detection) * np.exp(-(instance.hazard @ x)), dtype=np.float64)


def sensor_choice(instance: Instance, sensors_on: ArrayLike | None) -> FloatArray:
    """Return x [S] as floats, zeros for None; ValueError when it is not one number from 0 to 1 a sensor."""
    if sensors_on is None:
        return np.zeros(instance.sensors)
    x = np.asarray(sensors_on, dtype=np.float64)
    if x.shape != (instance.sensors,) or not np.all((x >= 0) & (x <= 1)):
        raise ValueError(f"sensors_on needs {instance.sensors} values from 0 to 1, one a candidate site.")
    return x


def _keep(instance: Instance, name: str, value: ArrayLike, kind: type) -> None:
    object.__setattr__(instance, name, frozen_array(np.array(value, dtype=kind), kind))


def _sparse(matrix: Any) -> csr_array:
    out = csr_array(matrix, dtype=np.float64)
    out.sum_duplicates()
    out.eliminate_zeros()
    return out


def _check_shapes(it: Instance) -> None:
    count = len(it.value_kg)
    for name in ("cost_kg", "base_detection", "crossing", "window", "aircraft", "drop", "launch", "response_row"):
        if getattr(it, name).shape != (count,):
            raise ValueError(f"{name} has shape {getattr(it, name).shape}; every attack needs one: ({count},).")
    if it.hazard.shape != (count, len(it.sensor_m)):
        raise ValueError(f"hazard is {it.hazard.shape}; it needs {(count, len(it.sensor_m))} (attacks, sensors).")
    if it.response.shape != (len(it.row_window), len(it.post_m)):
        raise ValueError(
            f"response is {it.response.shape}; it needs {(len(it.row_window), len(it.post_m))} (rows, posts)."
        )
    if it.sensor_cost.shape != it.sensor_m.shape:
        raise ValueError(f"sensor_cost has {it.sensor_cost.size} values for {it.sensor_m.size} sensors.")
    for name, index, size in (
        ("crossing", it.crossing, len(it.cell_m)),
        ("window", it.window, len(it.teams)),
        ("response_row", it.response_row, len(it.row_window)),
        ("row_window", it.row_window, len(it.teams)),
        ("aircraft", it.aircraft, len(it.aircraft_names) or int(it.aircraft.max(initial=0)) + 1),
    ):
        if index.size and not (index.min() >= 0 and index.max() < size):
            raise ValueError(f"{name} names {index.min()} to {index.max()}; there are {size}, counted from 0.")
    if np.any(it.row_window[it.response_row] != it.window):
        raise ValueError("An attack's response row must belong to the attack's own window.")
    for name, items in (("post_names", it.posts), ("sensor_names", it.sensors)):
        if getattr(it, name) and len(getattr(it, name)) != items:
            raise ValueError(f"{name} must name every one of {items}, or none.")


def _check_values(it: Instance) -> None:
    for name in ("value_kg", "cost_kg", "base_detection", "cell_m", "post_m", "sensor_m", "sensor_cost"):
        if not np.all(np.isfinite(getattr(it, name))):
            raise ValueError(f"{name} holds a value that is not finite; leave out what is unknown.")
    for name in ("value_kg", "sensor_cost", "teams"):
        if np.any(getattr(it, name) < 0):
            raise ValueError(f"{name} must not be below 0.")
    if it.penalty_kg is not None and np.any(~(it.penalty_kg >= 0)):
        raise ValueError("penalty_kg must not be below 0.")
    if np.any((it.base_detection < 0) | (it.base_detection > 1)):
        raise ValueError("base_detection is a probability, 0 to 1.")
    if it.response.nnz and not np.all((it.response.data >= 0) & (it.response.data <= 1)):
        raise ValueError("response holds probabilities, 0 to 1.")
    if it.hazard.nnz and not np.all((it.hazard.data >= 0) & np.isfinite(it.hazard.data)):
        raise ValueError("hazard must be finite and not below 0.")
    if it.sorties < 1:
        raise ValueError(f"sorties is {it.sorties}; at least 1 aircraft comes.")
    if it.windows == 0 or it.attacks == 0:
        raise ValueError("An instance needs at least one window and one attack.")


def place_of(instance: Instance) -> IntArray:
    """Number [A] of each attack's window and crossing: attacks with the same number are ways over the same place."""
    return instance.window * len(instance.cell_m) + instance.crossing


def names_of(count: int, names: tuple[str, ...], word: str) -> tuple[str, ...]:
    """Return the names given, or ``word 1`` and so on."""
    return names or tuple(f"{word} {k + 1}" for k in range(count))
