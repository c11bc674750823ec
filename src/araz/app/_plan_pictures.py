"""Pictures of the planner as SVG: the commander's cost curve and the season."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from araz.deployment import Change, Cover, Season, weekly_through_kg


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "araz", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def cost_curve_picture(curve: Sequence[tuple[float, Cover | None]]) -> str:
    """Cost against the promised guarantee: what was found, and the shaded part that is proved impossible."""
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.subplots()
    known = [(level, cover) for level, cover in curve if cover is not None]
    level = np.array([level for level, _ in known])
    axes.step(level, [cover.cost for _, cover in known], "o-", where="post", color="#145a96", label="layout found")
    axes.fill_between(level, [cover.least_cost for _, cover in known], color="#c8c8c8", label="proved impossible")
    axes.set(xlabel="promised: at most this many kg through per sortie", ylabel="cost of sensors", ylim=(0, None))
    axes.set_title("What a promise costs")
    axes.legend()
    return _svg(figure)


def season_picture(
    seasons: Sequence[Season], changes: Sequence[Change], ceiling_kg: float, title: str = "The season"
) -> str:
    """Weekly kilograms through per sortie of each policy, the proved ceiling and the season's events."""
    figure = Figure(figsize=(9, 4.8), layout="constrained")
    axes: Any = figure.subplots()
    for season in seasons:
        week = weekly_through_kg(season)
        axes.plot(np.arange(len(week)) * 7, week, label=season.policy, linewidth=1.4)
    axes.axhline(ceiling_kg, color="black", linestyle="--", linewidth=1, label="proved ceiling of the plan")
    for change in (one for one in changes if one.label):
        axes.axvline(change.night, color="#b43c28", linewidth=1)
        axes.annotate(change.label, (change.night, axes.get_ylim()[1]), rotation=90, va="top", ha="right", fontsize=8)
    axes.set(xlabel="night", ylabel="kg through per sortie, weekly", title=title, ylim=(0, None))
    axes.legend(fontsize=8)
    return _svg(figure)
