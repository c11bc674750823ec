"""ROOM 3: scans become tracks.

**Takes** a sensor table once, then one Scan at a time.
**Gives** TrackEvents (picture, lifecycle, who moved whom), a picture at any time asked for; sensors' constant errors.
**Keeps** a State: tracks, learned clutter, counters; a RegistrationState: sensors' errors; frozen values.
**May import** vocabulary, geography, sensors; numpy, numba, scipy.
**Never** reads a clock, a file or truth; makes no Python object for a track or a detection.
"""

from araz.tracking._batch import TrackTable, track, track_polar
from araz.tracking._explain import ClassReason, class_log_odds, explain_class
from araz.tracking._launch import LaunchArea, launch_area
from araz.tracking._memory import keep_memory
from araz.tracking._picture import predict_picture
from araz.tracking._reappear import HOLDS as REAPPEARANCE_HOLDS
from araz.tracking._reappear import Reappearance, reappearances
from araz.tracking._registration import registration_correct, registration_step
from araz.tracking._registration_state import RegistrationState, registration_init
from araz.tracking._smooth import SmoothedTrail, Trail, place_at, smooth
from araz.tracking._state import State, Tracks, init
from araz.tracking._step import step
from araz.tracking._trail import (
    BeliefRow,
    Trails,
    belief_rows,
    settled,
    trail_from,
    trail_of,
    trail_step,
    trails_init,
    young_beliefs,
)

__all__ = [
    "REAPPEARANCE_HOLDS",
    "BeliefRow",
    "ClassReason",
    "LaunchArea",
    "Reappearance",
    "RegistrationState",
    "SmoothedTrail",
    "State",
    "TrackTable",
    "Tracks",
    "Trail",
    "Trails",
    "belief_rows",
    "class_log_odds",
    "explain_class",
    "init",
    "keep_memory",
    "launch_area",
    "place_at",
    "predict_picture",
    "reappearances",
    "registration_correct",
    "registration_init",
    "registration_step",
    "settled",
    "smooth",
    "step",
    "track",
    "track_polar",
    "trail_from",
    "trail_of",
    "trail_step",
    "trails_init",
    "young_beliefs",
]
