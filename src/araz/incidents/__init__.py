"""ROOM 4: what the tracks mean at the line, and what an officer must hear of it.

**Takes** the track picture, claims, bearings, people's reports, sensor health, officers' decisions.
**Gives** incidents and alarms with reasons for and against, and the edge records of tracks and bearings.
**Keeps** a second-by-second memory of likely drones, verdicts on claims, open reports and the ledger of alarms.
**May import** tracking, simulation, sensors, geography, vocabulary; numpy, scipy, msgspec.
**Never** decides for the officer, calls anything hostile, changes a record it gave away, or reads a clock.
"""

from araz.incidents._alarms import MAX_SHELVE_S
from araz.incidents._drill import DrillState, drill_step, marked, real_traffic
from araz.incidents._fall import Fall, fall, fall_offset_m, fall_time_s, release_area
from araz.incidents._figures import alarm_figures
from araz.incidents._launched import launch_wanted
from araz.incidents._people import cones_of
from araz.incidents._records import tracks_of
from araz.incidents._state import Inputs, State, is_due
from araz.incidents._step import init, step
from araz.incidents._weights import DROP_CUES, LIKENESS_CUES, weights_markdown

__all__ = [
    "DROP_CUES",
    "LIKENESS_CUES",
    "MAX_SHELVE_S",
    "DrillState",
    "Fall",
    "Inputs",
    "State",
    "alarm_figures",
    "cones_of",
    "drill_step",
    "fall",
    "fall_offset_m",
    "fall_time_s",
    "init",
    "is_due",
    "launch_wanted",
    "marked",
    "real_traffic",
    "release_area",
    "step",
    "tracks_of",
    "weights_markdown",
]
