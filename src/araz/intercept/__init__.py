"""ROOM 5a: who of ours gets there, and before whom.

**Takes** a place, the patrols, an alarm with its drop area, the time now.
**Gives** at most five ranked options: to the drop area or to a cut-off point, each with its chance and a sentence.
**Keeps** nothing.
**May import** incidents and every room below it; numpy, scipy.
**Never** sends anybody: the officer decides.
"""

from araz.intercept._crew import Assumptions, probability_in_time
from araz.intercept._options import rank_options

__all__ = ["Assumptions", "probability_in_time", "rank_options"]
