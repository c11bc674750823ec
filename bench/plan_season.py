"""A year against smugglers who learn: every policy against every smuggler, and what leaning safely gains.

    python bench/plan_season.py [--cells 300] [--nights 365] [--borders 2] [--seeds 5] --json

All policies stand on the same sensors (a layout found with its bound), all in the same run. Figures are means over
seeds with half of a 95 % interval (Student's t). ``proved``: what no smuggler gets through in the mean, where a policy
has such a ceiling. ``kept`` judges by the worse end of the interval.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict

import numpy as np
from scipy.stats import t as student

from araz.app._season import panel
from araz.deployment import (
    Plan,
    Smuggler,
    audited_inclusion,
    ceiling_kg,
    detection,
    lean_policy,
    made_instance,
    plan_layout,
    plan_patrols,
    plan_policy,
    play_season,
    uniform_response,
)

#: Who sees only his own sorties learns least of the patrols.
WEAK = "bandit"
CROWDS = {**{kind.value: [(kind, 1.0)] for kind in Smuggler}, "all at once": [(kind, 1.0) for kind in Smuggler]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=300)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--borders", type=int, default=2, help="made borders, each with a layout and a plan of its own")
    parser.add_argument("--seeds", type=int, default=5, help="years of each policy against each smuggler")
    parser.add_argument("--epsilon", type=float, default=0.05)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for border in range(1, given.borders + 1):
        for row in measure(border, given.cells, given.nights, given.seeds, given.epsilon):
            told = {"border": border, **row}
            print(json.dumps(told) if given.json else "  ".join(f"{k} {v}" for k, v in told.items()), flush=True)


def measure(border: int, cells: int, nights: int, seeds: int, epsilon: float) -> list[dict[str, object]]:
    """Every figure of one border as rows, the promises among them."""
    instance = made_instance(cells, border)
    begun = time.process_time()
    x = plan_layout(instance, 0.06 * cells, go_on=lambda: time.process_time() - begun < 60).sensors_on
    plan = plan_patrols(instance, x)
    leant: list[Plan] = []
    policies = {
        **panel(instance, plan, 0.0, epsilon),
        "plan+audit": plan_policy(instance, plan, 0.1),
        "lean": lean_policy(instance, plan, epsilon=epsilon, told=leant.append),
    }
    figures: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(lambda: defaultdict(dict))
    for who, crowd in CROWDS.items():
        for name, policy in policies.items():
            found = [
                play_season(instance, x, policy, crowd, np.random.default_rng(seed), nights=nights, name=name)
                for seed in range(seeds)
            ]
            figures[who]["kg through"][name] = [season.through_per_sortie() for season in found]
            figures[who]["share caught"][name] = [season.interception_rate() for season in found]
            figures[who]["kg regret"][name] = [season.regret_per_sortie() for season in found]
    for name in policies:
        each = [figures[who]["kg through"][name] for who in CROWDS]
        figures["worst"]["kg through"][name] = np.max(each, axis=0).tolist()
    rows = [
        {"smuggler": who, "figure": what, **{name: _told(values) for name, values in by_policy.items()}}
        for who, by_figure in figures.items()
        for what, by_policy in by_figure.items()
    ]
    sides = {
        "uniform": detection(instance, x) * uniform_response(instance)[instance.response_row],
        "plan": audited_inclusion(instance, plan, 0.0),
        "plan+audit": audited_inclusion(instance, plan, 0.1),
    }
    proved = {name: ceiling_kg(instance, inclusion) for name, inclusion in sides.items()}
    proved["lean"] = max(ceiling_kg(instance, audited_inclusion(instance, one, 0.0)) for one in [plan, *leant])
    rows.append({"smuggler": "any", "figure": "kg proved", **{name: f"{kg:.2f}" for name, kg in proved.items()}})
    return [*rows, *_promises(figures, proved["plan"], plan, leant, epsilon)]


def _promises(
    figures: dict[str, dict[str, dict[str, list[float]]]], proved_kg: float, plan: Plan, leant: list[Plan],
    epsilon: float,
) -> list[dict[str, object]]:  # fmt: skip
    """The two rows of the promise: within 2 % of what is proved; better than uniform, within ε of the guarantee."""
    worst = figures["worst"]["kg through"]
    ratio = np.array(worst["plan"]) / proved_kg - 1.0
    rival = min(("max-cover", "uniform", "chase"), key=lambda name: np.mean(worst[name]))
    less, around = _mean_half(np.array(worst["plan"]) - np.array(worst[rival]))
    weak = figures[WEAK]["kg through"]
    gain = np.array(weak["lean"]) - np.array(weak["uniform"])
    given_up = max(one.guarantee_kg for one in leant) / plan.guarantee_kg - 1.0 if leant else 0.0
    mean, half = _mean_half(ratio)
    better, part = _mean_half(gain)
    return [
        {
            "smuggler": "worst", "figure": "over what is proved", "plan": f"{mean:+.1%} ± {half:.1%}",
            "to_reach": "at most +2 %", "kept": mean + half <= 0.02,
        },
        {
            "smuggler": "worst", "figure": f"plan less {rival}, kg", "plan": f"{less:+.2f} ± {around:.2g}",
            "to_reach": "below 0", "kept": less + around < 0.0,
        },
        {
            "smuggler": WEAK, "figure": "lean less uniform, kg", "lean": f"{better:+.2f} ± {part:.2f}",
            "to_reach": "below 0", "kept": better + part < 0.0,
        },
        {
            "smuggler": "any", "figure": "guarantee given up", "lean": f"{given_up:.1%}",
            "to_reach": f"at most {epsilon:.0%}", "kept": given_up <= epsilon + 1e-6,
        },
    ]  # fmt: skip


def _mean_half(values: np.ndarray) -> tuple[float, float]:
    """Mean and half of its 95 % interval; infinite for a single value."""
    if len(values) < 2:
        return float(np.mean(values)), float("inf")
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return float(np.mean(values)), float(student.ppf(0.975, len(values) - 1)) * error


def _told(values: list[float]) -> str:
    mean, half = _mean_half(np.array(values))
    return f"{mean:.3g} ± {half:.2g}" if np.isfinite(half) else f"{mean:.3g}"


if __name__ == "__main__":
    main()
