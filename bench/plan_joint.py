"""Sensors and patrols together: the bound over every layout of a budget, and the best layout found.

python bench/plan_joint.py [--cells N] --json
"""

from __future__ import annotations

import argparse
import json
import time

from araz.deployment import evenly, layout_value, made_instance, plan_layout

ROWS = [(500, 40), (1000, 40), (1000, 60), (1000, 100)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=60.0, help="CPU seconds")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = ROWS if given.cells is None else [(given.cells, max(2, round(0.06 * given.cells)))]
    for cells, budget in rows:
        for seed in range(1, given.seeds + 1):
            found = measure(cells, budget, seed, given.limit)
            print(json.dumps(found) if given.json else "  ".join(f"{k} {v}" for k, v in found.items()), flush=True)


def measure(cells: int, budget: int, seed: int, limit: float) -> dict[str, object]:
    instance = made_instance(cells, seed)
    begun = time.process_time()
    found = plan_layout(instance, budget, go_on=lambda: time.process_time() - begun < limit)
    return {
        "cells": cells, "sites": instance.sensors, "budget": budget, "seed": seed, "bound_kg": found.bound_kg,
        "layout_kg": found.value_kg, "gap": found.gap, "cost": found.cost, "cpu_s": time.process_time() - begun,
        "even_kg": layout_value(instance, evenly(instance, budget)),
    }  # fmt: skip


if __name__ == "__main__":
    main()
