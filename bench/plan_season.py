"""A year against smugglers who learn: every policy against every smuggler, and what leaning safely gains.

    python bench/plan_season.py [--cells 1000] [--nights 365] [--seeds 1] --json

All policies stand on the same sensors (a layout found with its bound), all in the same run. ``worst`` rows hold each
policy's worst smuggler beside the proved guarantee z + max cost.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from araz.deployment import (
    Smuggler,
    attack_payoff,
    blend_policy,
    chase_policy,
    fixed_policy,
    lean_policy,
    made_instance,
    plan_layout,
    plan_patrols,
    plan_policy,
    play_season,
    uniform_policy,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epsilon", type=float, default=0.05)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    def tell(row: dict[str, object]) -> None:
        print(json.dumps(row) if given.json else "  ".join(f"{k} {v}" for k, v in row.items()), flush=True)

    instance = made_instance(given.cells, 1)
    begun = time.process_time()
    layout = plan_layout(instance, 0.06 * given.cells, go_on=lambda: time.process_time() - begun < 60)
    x = layout.sensors_on
    plan = plan_patrols(instance, x)
    ceiling = plan.guarantee_kg + float(instance.cost_kg.max())
    worst: dict[str, float] = {}
    crowds = [*([(kind, 1.0)] for kind in Smuggler), [(kind, 1.0) for kind in Smuggler]]
    for crowd in crowds:
        who = crowd[0][0].value if len(crowd) == 1 else "all at once"
        policies = {
            "max-cover": fixed_policy(instance, x),
            "uniform": uniform_policy(instance, x),
            "chase": chase_policy(instance, x),
            "plan": plan_policy(instance, plan),
            "plan+audit": plan_policy(instance, plan, 0.1),
            "lean": lean_policy(instance, plan, epsilon=given.epsilon),
            "blend": blend_policy(
                instance, x, [plan_policy(instance, plan), uniform_policy(instance, x), chase_policy(instance, x)]
            ),
        }  # fmt: skip
        for name, policy in policies.items():
            found = [
                play_season(instance, x, policy, crowd, np.random.default_rng(seed), nights=given.nights, name=name)
                for seed in range(given.seeds)
            ]
            through = float(np.mean([season.through_per_sortie() for season in found]))
            worst[name] = max(worst.get(name, 0.0), through)
            row = {
                "smuggler": who, "policy": name, "through_kg": through,
                "interception_rate": float(np.mean([season.interception_rate() for season in found])),
                "regret_kg": float(np.mean([season.regret_per_sortie() for season in found])),
            }  # fmt: skip
            tell(row)
    for name, through in worst.items():
        tell({"smuggler": "worst", "policy": name, "through_kg": through, "guarantee_kg": ceiling})
    assert attack_payoff(instance, plan).max() <= plan.guarantee_kg + 1e-6


if __name__ == "__main__":
    main()
