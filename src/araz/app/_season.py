"""araz season: a year of nights, plan against smugglers who learn."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

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
    names_of,
    plan_policy,
    play_season,
    through_in,
    uniform_policy,
)


def run_season(
    instance: Path, plan: Path, nights: int, seed: int, smugglers: tuple[Crowd, ...], events: bool, audit: float,
    epsilon: float, as_json: bool, out: Path,
) -> int:  # fmt: skip
    """Play every policy against every smuggler, print the table and write a picture for each smuggler."""
    from araz.app._plan_pictures import season_picture

    game, certified = load_game(instance).instance, read_plan(plan)
    changes = season_changes(game, nights) if events else ()
    habit = (fixed_policy(game, certified.sensors_on), habit_nights(nights)) if events else None
    ceiling = ceiling_kg(game, audited_inclusion(game, certified, audit))
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for smuggler in smugglers:
        seasons = []
        for name, policy in panel(game, certified, audit, epsilon).items():
            begun = time.monotonic()
            season = play_season(
                game, certified.sensors_on, policy, smuggler, np.random.default_rng(seed), nights=nights,
                changes=changes, habit=habit, name=name,
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
        say("\n".join([*_event_lines(rows), _closing(rows, ceiling, out)]))
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
    """The story: a new deployment, a stretch closes, supply doubles, heavier drones come, then a new class flies alone.

    The class with the heaviest loads comes at its night; the last class of the instance is flown alone from its own
    night on. An instance with one class has neither.
    """
    cells, kinds = len(game.cell_m), int(game.aircraft.max()) + 1
    third, names = tuple(range(cells // 3, cells // 2)), names_of(kinds, game.aircraft_names, "class")
    loads = [game.value_kg[game.aircraft == k].max(initial=0.0) for k in range(kinds)]
    heavy, new = int(np.argmax(loads)), kinds - 1
    light = tuple(k for k in range(kinds) if k not in (heavy, new))
    heavy_at, new_at = round(0.65 * nights), round(0.8 * nights)
    changes = [
        Change(night=habit_nights(nights), label="new deployment"),
        Change(night=round(0.3 * nights), label="stretch closed", until_night=round(0.45 * nights), closed_cells=third),
        Change(night=round(0.5 * nights), label="supply doubles", until_night=round(0.6 * nights), supply=2.0),
    ]
    if light:
        changes.append(Change(night=0, label="", until_night=heavy_at, aircraft_only=light))
        changes.append(
            Change(night=heavy_at, label=f"{names[heavy]} comes", until_night=new_at, aircraft_only=(*light, heavy))
        )
    elif kinds > 1:
        changes.append(Change(night=0, label="", until_night=new_at, aircraft_only=tuple(range(new))))
    if kinds > 1:
        changes.append(Change(night=new_at, label=f"{names[new]} alone", aircraft_only=(new,)))
    return tuple(changes)


def habit_nights(nights: int) -> int:
    """Nights on which max-cover, the habit, stands before every policy."""
    return round(0.15 * nights)


#: Nights before and after an event that are compared.
SPAN = 28


def _row(game: Instance, plan: Plan, season: Season, changes: tuple[Change, ...]) -> dict[str, Any]:
    named = [change for change in changes if change.label and change.night < len(season.nights)]
    events = [_event(game, season, change) for change in named]
    half = None
    if season.habit_nights >= 7:
        before = through_in(season, season.habit_nights - SPAN, season.habit_nights)[0]
        half = half_life_nights(season, season.habit_nights, before)
    years = range(season.habit_nights, len(season.nights), 365)
    return {
        "smuggler": season.smuggler, "policy": season.policy, "through_kg": season.through_per_sortie(),
        "seized_kg": season.seized_kg(), "regret_kg": season.regret_per_sortie(),
        "exploitability_kg": exploitability_kg(game, season, plan.bound_kg),
        "interception_rate": season.interception_rate(),
        "events": events, "half_life_nights": half,
        "yearly_through_kg": [through_in(season, first, first + 365)[0] for first in years],
    }  # fmt: skip


def _event(game: Instance, season: Season, change: Change) -> dict[str, Any]:
    """Kilograms through before and after an event, and how much of the traffic moved to other stretches."""
    before, after = (through_in(season, change.night + by, change.night + by + SPAN) for by in (-SPAN, 0))
    return {
        "label": change.label, "night": change.night, "sortie_kg": [before[0], after[0]],
        "night_kg": [before[1], after[1]], "displacement": displacement(game, season, change.night, SPAN),
    }  # fmt: skip


def _line(row: dict[str, Any], seconds: float) -> str:
    half = row["half_life_nights"]
    return (
        f"{str(row['smuggler'])[:24]:>24} {row['policy']:>10}  through {row['through_kg']:6.2f} kg/sortie  regret "
        f"{row['regret_kg']:5.2f}  exploitable {row['exploitability_kg']:5.2f}  half-life "
        f"{'–' if half is None else f'{half:.0f}':>3}  caught {row['interception_rate']:.2f}  ({seconds:.0f} s)"
    )


def _event_lines(rows: list[dict[str, Any]]) -> list[str]:
    """What each event did to the plan, smuggler by smuggler: kg a sortie and a night, before and after; moved share."""
    out = []
    for row in (row for row in rows if row["policy"] == "plan"):
        for event in row["events"]:
            (a, b), (c, d) = event["sortie_kg"], event["night_kg"]
            out.append(
                f"{str(row['smuggler'])[:24]:>24} {event['label']:>16}  {a:6.2f} → {b:6.2f} kg/sortie  {c:6.1f} → "
                f"{d:6.1f} kg/night  moved {event['displacement']:.2f}"
            )
    return [f"What happened under the plan, {SPAN} nights before and after:", *out] if out else []


def _closing(rows: list[dict[str, Any]], ceiling: float, out: Path) -> str:
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
