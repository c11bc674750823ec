"""How large a border is planned, how well and how quickly.

    python bench/plan_scale.py --cells N [--sensors S] [--teams K] [--seed 1] [--move KM] [--sorties M] --json

Prints ``cells, attacks, guarantee_kg, bound_kg, gap, cpu_s`` for a seeded made instance (araz.deployment.made_instance)
with evenly spaced sensors; ``spread_cpu_s`` is what making the plan good everywhere costs on top. ``--table`` runs the
rows of docs/measured.md, those with every candidate site equipped being the hard ones: there the teams bind.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from araz.deployment import Instance, Limits, Plan, broken_limits, evenly, made_instance, plan_patrols

DEFAULT_SENSORS = {500: 40, 1000: 120, 2000: 120, 5000: 200}
TABLE = [
    {"cells": 500, "sensors": 40},
    {"cells": 1000, "sensors": 60},
    {"cells": 1000, "sensors": 120},
    {"cells": 1000, "sensors": 120, "move": 40.0, "sorties": 2},
    {"cells": 2000, "sensors": 120},
    {"cells": 2000, "sensors": 200, "move": 40.0, "sorties": 2},
    {"cells": 2000, "sensors": 400, "teams": 30},
    {"cells": 5000, "sensors": 200},
    {"cells": 5000, "sensors": 200, "move": 40.0, "sorties": 2},
    {"cells": 5000, "sensors": 1000, "teams": 60},
]


def measure(
    cells: int, sensors: int, teams: int | None, seed: int, move: float | None, sorties: int, limit: float
) -> dict:
    limits = Limits(max_move_m=None if move is None else move * 1e3)
    instance = made_instance(cells, seed, teams=teams, limits=limits, sorties=sorties)
    x = evenly(instance, sensors)
    begun = time.process_time()
    plan = plan_patrols(instance, x, spread=False, go_on=lambda: time.process_time() - begun < limit)
    cpu = time.process_time() - begun
    again = time.process_time()
    spread = plan_patrols(instance, x, go_on=lambda: time.process_time() - again < limit)
    return {
        "cells": cells, "attacks": instance.attacks, "posts": instance.posts, "teams": int(instance.teams[0]),
        "sensors": sensors, "move_km": move, "sorties": sorties, "seed": seed,
        "guarantee_kg": plan.guarantee_kg, "bound_kg": plan.bound_kg, "gap": plan.gap, "cpu_s": cpu,
        "spread_gap": spread.gap, "spread_cpu_s": time.process_time() - again,
        "broken_limits": sum(broken(instance, spread)),
    }  # fmt: skip


def broken(instance: Instance, plan: Plan) -> list[int]:
    """Count the limits broken by the rosters of a plan: every one of them where windows move together."""
    nights = max(len(lottery.probability) for lottery in plan.lotteries)
    out = []
    for k in range(nights):
        night = np.zeros((instance.windows, instance.posts))
        for lottery in plan.lotteries:
            night[lottery.windows] = lottery.placement[k % len(lottery.probability)]
        out.append(len(broken_limits(instance, night)))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--sensors", type=int)
    parser.add_argument("--teams", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--move", type=float, help="km a team may move between windows")
    parser.add_argument("--sorties", type=int, default=1)
    parser.add_argument("--limit", type=float, default=60.0, help="CPU seconds after which a plan stops improving")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    wanted = TABLE if given.table else [vars(given)]
    for row in wanted:
        cells = int(row["cells"])
        sensors = row.get("sensors")
        if sensors is None:
            sensors = DEFAULT_SENSORS.get(cells, max(2, round(0.06 * cells)))
        found = measure(
            cells, min(sensors, max(2, cells // 5)), row.get("teams"), given.seed, row.get("move"),
            row.get("sorties", 1), given.limit,
        )  # fmt: skip
        print(json.dumps(found) if given.json else "  ".join(f"{k} {v}" for k, v in found.items()), flush=True)


if __name__ == "__main__":
    main()
