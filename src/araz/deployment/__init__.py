"""ROOM 7: where to stand and when, so that an opponent who learns gains nothing from it.

**Takes** an instance of the game as arrays: attacks, sensors, posts, teams and their limits; a seed or a Generator.
**Gives** certified randomised plans, the smuggler's answers to them, seasons played out, rosters of a night.
**Keeps** nothing.
**May import** intelligence and every room below it; numpy, scipy, highspy.
**Never** opens a file, reads a clock, scores a person or sends anybody: the commander approves the plan.
"""

from araz.deployment._comb import Comb, comb_rosters
from araz.deployment._instance import Instance, Limits, detection
from araz.deployment._limits import LimitsConflict, broken_limits, check_limits, name_teams, slots_of
from araz.deployment._made import AIRCRAFT, Aircraft, evenly, made_instance
from araz.deployment._marginals import Marginals, solve_marginals
from araz.deployment._plan import Lottery, Plan, attack_payoff, coverage_of, expected_response, plan_patrols
from araz.deployment._words import certificate, gap_text, next_money

__all__ = [
    "AIRCRAFT",
    "Aircraft",
    "Comb",
    "Instance",
    "Limits",
    "LimitsConflict",
    "Lottery",
    "Marginals",
    "Plan",
    "attack_payoff",
    "broken_limits",
    "certificate",
    "check_limits",
    "comb_rosters",
    "coverage_of",
    "detection",
    "evenly",
    "expected_response",
    "gap_text",
    "made_instance",
    "name_teams",
    "next_money",
    "plan_patrols",
    "slots_of",
    "solve_marginals",
]
