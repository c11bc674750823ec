"""ROOM 5a: who of ours gets there, and before whom.

**Takes** a place, the patrols, an alarm with its drop area, the time now; which squares were searched.
**Gives** at most five ranked options: to the drop area or to a cut-off point, each with its chance and a sentence; the
squares of a drop area with the chance that the load lies in each, given where it was looked for.
**Keeps** nothing.
**May import** incidents and every room below it; numpy, scipy.
**Never** sends anybody: the officer decides.
"""

from araz.intercept._crew import Assumptions, probabilities_in_time, probability_in_time
from araz.intercept._options import rank_for_group, rank_options
from araz.intercept._search import WALKED_ONCE, SearchGrid, Square, search, search_grid, square_name, square_of

__all__ = [
    "WALKED_ONCE",
    "Assumptions",
    "SearchGrid",
    "Square",
    "probabilities_in_time",
    "probability_in_time",
    "rank_for_group",
    "rank_options",
    "search",
    "search_grid",
    "square_name",
    "square_of",
]
