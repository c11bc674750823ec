"""A course: where one thing was at every moment of the night, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from araz.vocabulary import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Positions and velocities on an even clock; ENU metres at the site origin, seconds of the night.

    **Shapes** ``position_enu_m`` and ``velocity_enu_mps`` [N, 3], sample i at ``start_s + i * step_s``.
    """

    start_s: float
    step_s: float
    position_enu_m: FloatArray
    velocity_enu_mps: FloatArray

    @property
    def end_s(self) -> float:
        """Time of the last sample."""
        return self.start_s + self.step_s * (len(self.position_enu_m) - 1)

    def alive(self, at_s: FloatArray) -> BoolArray:
        """Whether it exists at each time [K]."""
        return np.asarray((at_s >= self.start_s) & (at_s <= self.end_s), dtype=np.bool_)

    def at(self, at_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Position and velocity at times [K], linear between samples, held at the ends → two [K, 3]."""
        index = np.clip((np.asarray(at_s) - self.start_s) / self.step_s, 0.0, len(self.position_enu_m) - 1.0)
        low = np.minimum(index.astype(np.int64), len(self.position_enu_m) - 2)
        low = np.maximum(low, 0)
        high = np.minimum(low + 1, len(self.position_enu_m) - 1)
        part = (index - low)[:, None]
        position = self.position_enu_m[low] * (1 - part) + self.position_enu_m[high] * part
        velocity = self.velocity_enu_mps[low] * (1 - part) + self.velocity_enu_mps[high] * part
        return position, velocity

    def cut(self, until_s: float) -> Course:
        """Return the course up to a time, with at least one sample."""
        keep = max(1, int((until_s - self.start_s) / self.step_s + 1e-9) + 1)
        return Course(self.start_s, self.step_s, self.position_enu_m[:keep], self.velocity_enu_mps[:keep])
