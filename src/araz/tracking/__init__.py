"""ROOM 3: scans become tracks.

**Takes** a sensor table once, then one Scan at a time.
**Gives** TrackEvents (picture, lifecycle, who moved whom) and a picture at any time asked for.
**Keeps** a State: tracks, learned clutter, counters; a frozen value.
**May import** vocabulary, geography, sensors; numpy, numba, scipy.
**Never** reads a clock, a file or truth; makes no Python object for a track or a detection.
"""

from araz.tracking._batch import TrackTable, track, track_polar
from araz.tracking._picture import predict_picture
from araz.tracking._state import State, Tracks, init
from araz.tracking._step import step
from araz.tracking._warm import warm

__all__ = ["State", "TrackTable", "Tracks", "init", "predict_picture", "step", "track", "track_polar", "warm"]
