"""araz season: a year of nights, plan against smugglers who learn."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import numpy as np

from araz.app._plan_files import read_plan
from araz.app._plan_site import load_game
from araz.app._rim import say
from araz.deployment import (
    RATE_MISLEADS,
    Change,
    Crowd,
    Instance,
    Plan,
    Policy,
    Season,
    Smuggler,
    audited_inclusion,
    blend_policy,
    ceiling_kg,
    chase_policy,
    displacement,
    exploitability_kg,
    fixed_policy,
    half_life_nights,
    lean_policy,
    plan_policy,
    play_season,
    uniform_policy,
    weekly_through_kg,
)

POLICIES = ("max-cover", "uniform", "chase", "plan", "lean", "blend")


def run_season(
    instance: Path, plan: Path, nights: int, seed: int, smugglers: tuple[Crowd, ...], events: bool, audit: float,
    epsilon: float, as_json: bool, out: Path,
) -> int:  # fmt: skip
    """Play every policy against every smuggler, print the table and write a picture for each smuggler."""
    from araz.app._plan_pictures import season_picture

    game, certified = load_game(instance).instance, read_plan(plan)
    changes = season_changes(game, nights) if events else ()
    ceiling = ceiling_kg(game, audited_inclusion(game, certified, audit))
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for smuggler in smugglers:
        seasons = []
        for name, policy in panel(game, certified, audit, epsilon).items():
            begun = time.monotonic()
            season = play_season(
                game, certified.sensors_on, policy, smuggler, np.random.default_rng(seed), nights=nights,
                changes=changes, name=name,
            )  # fmt: skip
            seasons.append(season)
            rows.append(_row(game, certified, season, changes))
            if not as_json:
                say(_line(rows[-1], time.monotonic() - begun))
        name = "crowd" if len(smuggler) == len(Smuggler) else seasons[0].smuggler
        picture = out / f"season-{name}.svg"
        picture.write_text(season_picture(seasons, changes, ceiling, f"Against: {seasons[0].smuggler}"))
    told = {"ceiling_kg": ceiling, "rows": rows}
    (out / "season.json").write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1))
    if as_json:
        from araz.app._seizures_keep import print_json

        print_json(told)
    else:
        say(_closing(rows, ceiling, out))
    return 0


def panel(game: Instance, plan: Plan, audit: float, epsilon: float) -> dict[str, Policy]:
    """Every policy of the table, on the same sensors."""
    x = plan.sensors_on
    own = plan_policy(game, plan, audit)
    return {
        "max-cover": fixed_policy(game, x),
        "uniform": uniform_policy(game, x),
        "chase": chase_policy(game, x),
        "plan": own,
        "lean": lean_policy(game, plan, epsilon=epsilon, audit_share=audit),
        "blend": blend_policy(game, x, [own, uniform_policy(game, x), chase_policy(game, x)]),
    }


def season_changes(game: Instance, nights: int) -> tuple[Change, ...]:
    """The year's story: a stretch closes, supply doubles for a while, then a new class of drone replaces the rest.

    The last class of the instance is the new one: not flown before its night, flown alone after it. An instance with
    one class has no such night.
    """
    cells, kinds = len(game.cell_m), int(game.aircraft.max()) + 1
    third = tuple(range(cells // 3, cells // 2))
    old = tuple(range(kinds - 1)) or (0,)

    def at(share: float) -> int:
        return round(share * nights)

    change = (
        Change(night=0, label="", until_night=at(0.7), aircraft_only=old),
        Change(
            night=round(0.25 * nights), label="stretch closed", until_night=round(0.45 * nights), closed_cells=third
        ),
        Change(night=round(0.5 * nights), label="supply doubles", until_night=round(0.65 * nights), supply=2.0),
        Change(night=round(0.7 * nights), label="silent drones", aircraft_only=(kinds - 1,)),
    )
    return change if kinds > 1 else change[1:3]


def _row(game: Instance, plan: Plan, season: Season, changes: tuple[Change, ...]) -> dict[str, object]:
    told = {change.label: displacement(game, season, change.night) for change in changes if change.label}
    before = weekly_through_kg(season)
    last = [change.night for change in changes if change.label]
    half = None
    if last and last[-1] // 7 - 1 >= 0 and len(before) > last[-1] // 7:
        half = half_life_nights(season, last[-1], float(before[last[-1] // 7 - 1]))
    return {
        "smuggler": season.smuggler, "policy": season.policy, "through_kg": season.through_per_sortie(),
        "seized_kg": season.seized_kg(), "regret_kg": season.regret_per_sortie(),
        "exploitability_kg": exploitability_kg(game, season, plan.bound_kg),
        "interception_rate": season.interception_rate(),
        "displacement": told, "half_life_nights": half,
    }  # fmt: skip


def _line(row: dict[str, object], seconds: float) -> str:
    return (
        f"{str(row['smuggler'])[:24]:>24} {row['policy']:>10}  through {row['through_kg']:6.2f} kg/sortie  regret "
        f"{row['regret_kg']:5.2f}  exploitable {row['exploitability_kg']:5.2f}  caught {row['interception_rate']:.2f}  "
        f"({seconds:.0f} s)"
    )


def _closing(rows: list[dict[str, object]], ceiling: float, out: Path) -> str:
    worst: dict[str, float] = {}
    for row in rows:
        name, through = str(row["policy"]), float(str(row["through_kg"]))
        worst[name] = max(worst.get(name, 0.0), through)
    told = ", ".join(f"{name} {value:.2f}" for name, value in sorted(worst.items(), key=lambda item: item[1]))
    return (
        f"Worst smuggler, kg through per sortie: {told}.\nProved ceiling of the plan with its random audits: "
        f"{ceiling:.2f} (no smuggler gets more through in the mean; one season scatters about it).\n{RATE_MISLEADS}\n"
        f"Pictures and season.json in {out}."
    )
