"""The certificate in words: what is guaranteed, what is proved, what binds, and where the next money helps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from araz.deployment._instance import Instance, detection, names_of
from araz.deployment._marginals import GoOn, always, solve_marginals
from araz.deployment._plan import Plan
from araz.deployment._response import marginal_response, response_table
from araz.vocabulary import FloatArray, phrase


def gap_text(gap: float) -> str:
    """A gap as it is: never rounded to nothing, "closed" only at exactly equal figures."""
    if gap == 0.0:
        return phrase("planned.gap-none")
    return phrase("planned.gap-unknown") if not np.isfinite(gap) else f"{100.0 * gap:.3g} %"


@dataclass(frozen=True, slots=True)
class NextMoney:
    """How far the bound falls, kg per sortie, for one more of each: the best new sensor, and a team in every window."""

    sensor: int | None
    sensor_gain_kg: float
    team_gain_kg: float


def next_money(instance: Instance, plan: Plan, *, candidates: int = 3, go_on: GoOn = always) -> NextMoney | None:
    """Solve the bound again with one more sensor (the few with the steepest first-order gain) and with one more team.

    First order: dz/dx_s = −Σ_a μ_a V_a (1 − d0_a) exp(−λ_a·x) λ_as f_a(y), μ the mixture that proves the bound. A new
    bound that is not lower is a gain of 0: the next money belongs elsewhere. None when ``go_on()`` says stop before all
    are solved: a bound that is not driven home cannot be compared.
    """

    def bound_kg(game: Instance, sensors_on: FloatArray) -> float:
        found = solve_marginals(game, detection(game, sensors_on), go_on=go_on)
        return found.bound_kg if found.converged else float("nan")

    here = bound_kg(instance, plan.sensors_on)
    unseen = 1.0 - detection(instance, plan.sensors_on)
    pull = plan.mixture * instance.at_stake_kg * unseen * plan.response[instance.response_row]
    slope = np.where(plan.sensors_on > 0.5, 0.0, instance.hazard.T @ pull)
    fell: dict[int, float] = {}
    for sensor in np.argsort(-slope)[:candidates]:
        if slope[sensor] > 0:
            x = plan.sensors_on.copy()
            x[sensor] = 1.0
            fell[int(sensor)] = here - bound_kg(instance, x)
    team = here - bound_kg(instance.with_(teams=instance.teams + 1), plan.sensors_on)
    if not np.isfinite([*fell.values(), team]).all():
        return None
    best = max(fell, key=fell.__getitem__) if fell and max(fell.values()) > 1e-6 else None
    return NextMoney(best, 0.0 if best is None else fell[best], team if team > 1e-6 else 0.0)


def certificate(instance: Instance, plan: Plan, money: NextMoney | None = None) -> list[str]:
    """Sentences that state the guarantee, the bound, the gap, what binds and where the next money helps."""
    nights = " × ".join(str(len(lottery.probability)) for lottery in plan.lotteries)
    kg, gap = f"{plan.guarantee_kg:.6g}", gap_text(plan.gap)
    out: list[str] = [
        phrase("planned.guarantee-many", kg=kg, nights=nights, sorties=instance.sorties)
        if instance.sorties > 1
        else phrase("planned.guarantee", kg=kg, nights=nights),
        phrase("planned.bound", kg=f"{plan.bound_kg:.6g}"),
        phrase("planned.gap", gap=gap)
        if plan.closed
        else phrase("planned.gap-open", gap=gap, tolerance=gap_text(plan.tolerance)),
        _worst_sentence(instance, plan),
    ]
    if money is not None:
        out.append(_money_sentence(instance, money))
    return out


def _worst_sentence(instance: Instance, plan: Plan) -> str:
    if plan.worst is None:
        return phrase("planned.nothing-binds")
    a = plan.worst
    seen = detection(instance, plan.sensors_on)[a]
    met = plan.response[instance.response_row[a]]
    craft = names_of(int(instance.aircraft.max()) + 1, instance.aircraft_names, "aircraft")[instance.aircraft[a]]
    return phrase(
        "planned.binds",
        craft=craft,
        km=f"{instance.cell_m[instance.crossing[a]] / 1e3:.1f}",
        window=int(instance.window[a]),
        seen=f"{seen:.2f}",
        met=f"{met:.2f}",
        help=_what_would_help(instance, plan, a),
    )


def _what_would_help(instance: Instance, plan: Plan, a: int) -> str:
    """What stands in the way of this one attack: a post, a site, or only how teams and money are shared out."""
    met = plan.response[instance.response_row[a]]
    everywhere = np.ones(instance.windows * instance.posts)
    nearest = float(marginal_response(response_table(instance), everywhere)[instance.response_row[a]])
    fully_seen = float(detection(instance, np.ones(instance.sensors))[a])
    seen = float(detection(instance, plan.sensors_on)[a])
    if nearest - met < 0.01 and fully_seen - seen < 0.01:
        return phrase("planned.help-new", most=f"{nearest:.2f}")
    if nearest - met < 0.01:
        return phrase("planned.help-sensor", most=f"{nearest:.2f}")
    if fully_seen - seen < 0.01:
        return phrase("planned.help-patrol")
    return phrase("planned.help-both")


def _money_sentence(instance: Instance, money: NextMoney) -> str:
    team = phrase("planned.team", kg=f"{money.team_gain_kg:.4g}")
    if money.sensor is None:
        return phrase("planned.money-team" if money.team_gain_kg > 0 else "planned.money-neither", team=team)
    name = names_of(instance.sensors, instance.sensor_names, "site")[money.sensor]
    km, kg = f"{instance.sensor_m[money.sensor] / 1e3:.1f}", f"{money.sensor_gain_kg:.4g}"
    first = money.sensor_gain_kg >= money.team_gain_kg
    return phrase("planned.money-sensor" if first else "planned.money-patrol", name=name, km=km, kg=kg, team=team)
