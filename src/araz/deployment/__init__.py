"""ROOM 7: where to stand and when, so that an opponent who learns gains nothing from it.

**Takes** an instance of the game as arrays: attacks, sensors, posts, teams and their limits; a seed or a Generator.
**Gives** certified randomised plans, the smuggler's answers to them, seasons played out, rosters of a night.
**Keeps** nothing.
**May import** intelligence and every room below it; numpy, numba, scipy, highspy.
**Never** opens a file, reads a clock, scores a person or sends anybody: the commander approves the plan.
"""

from araz.deployment._comb import Comb, comb_rosters
from araz.deployment._exploit import lean_plan, lean_policy
from araz.deployment._from_site import SiteGame, game_of_site
from araz.deployment._ground import Ground, ground_of
from araz.deployment._instance import Instance, Limits, detection, names_of
from araz.deployment._joint import Layout, layout_value
from araz.deployment._layout import Cover, cost_curve, fewest_sensors, plan_layout
from araz.deployment._limits import LimitsConflict, broken_limits, check_limits, name_teams, slots_of
from araz.deployment._made import Aircraft, evenly, made_instance
from araz.deployment._marginals import Marginals, solve_marginals
from araz.deployment._measures import (
    RATE_MISLEADS,
    crossing_entropy,
    crossing_shares,
    displacement,
    exploitability_kg,
    half_life_nights,
    through_in,
    weekly_through_kg,
)
from araz.deployment._opponents import Mind, Smuggler, choices, learn, new_mind, refit_suqr
from araz.deployment._plan import (
    Lottery,
    Plan,
    attack_payoff,
    ceiling_kg,
    cell_most,
    coverage_of,
    guarantee_in,
    lean_to,
    plan_patrols,
    unseen_kg,
)
from araz.deployment._roster import Roster, draw_roster, inclusion_rows, log_sha256, roster_rows, seal, sealed_bytes
from araz.deployment._season import (
    Change,
    Crowd,
    Night,
    Policy,
    Season,
    audited_inclusion,
    blend_policy,
    chase_policy,
    draw,
    fixed_policy,
    hedge_odds,
    plan_policy,
    play_season,
    random_placement,
    uniform_policy,
    uniform_response,
)
from araz.deployment._words import certificate, gap_text, next_money

__all__ = [
    "RATE_MISLEADS",
    "Aircraft",
    "Change",
    "Comb",
    "Cover",
    "Crowd",
    "Ground",
    "Instance",
    "Layout",
    "Limits",
    "LimitsConflict",
    "Lottery",
    "Marginals",
    "Mind",
    "Night",
    "Plan",
    "Policy",
    "Roster",
    "Season",
    "SiteGame",
    "Smuggler",
    "attack_payoff",
    "audited_inclusion",
    "blend_policy",
    "broken_limits",
    "ceiling_kg",
    "cell_most",
    "certificate",
    "chase_policy",
    "check_limits",
    "choices",
    "comb_rosters",
    "cost_curve",
    "coverage_of",
    "crossing_entropy",
    "crossing_shares",
    "detection",
    "displacement",
    "draw",
    "draw_roster",
    "evenly",
    "exploitability_kg",
    "fewest_sensors",
    "fixed_policy",
    "game_of_site",
    "gap_text",
    "ground_of",
    "guarantee_in",
    "half_life_nights",
    "hedge_odds",
    "inclusion_rows",
    "layout_value",
    "lean_plan",
    "lean_policy",
    "lean_to",
    "learn",
    "log_sha256",
    "made_instance",
    "name_teams",
    "names_of",
    "new_mind",
    "next_money",
    "plan_layout",
    "plan_patrols",
    "plan_policy",
    "play_season",
    "random_placement",
    "refit_suqr",
    "roster_rows",
    "seal",
    "sealed_bytes",
    "slots_of",
    "solve_marginals",
    "through_in",
    "uniform_policy",
    "uniform_response",
    "unseen_kg",
    "weekly_through_kg",
]
