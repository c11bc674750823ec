"""Pictures of the planner as SVG: the border with what crosses unseen, the cost curve and the season."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from araz.deployment import Change, Cover, Instance, Season, SiteGame, weekly_through_kg
from araz.vocabulary import FloatArray


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "araz", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def border_picture(
    instance: Instance,
    cell_kg: FloatArray,
    words: str,
    sensors_on: FloatArray,
    manned: FloatArray | None,
    site: SiteGame | None,
) -> str:
    """The border's cells coloured by kilograms [C], sensors that stand, posts as large as they are often manned [P].

    On the map where the game was cut from a site, else along the border. Cells that nothing crosses stay grey.
    """
    figure = Figure(figsize=(9, 6.5 if site else 3.2), layout="constrained")
    axes: Any = figure.subplots()
    if site is None:
        places = [np.column_stack([along, np.full(len(along), row)]) for along, row in (
            (instance.cell_m, 0.0), (instance.sensor_m, 1.0), (instance.post_m, -1.0))]  # fmt: skip
    else:
        places = [site.ground.cell_enu_m, site.sensor_enu_m, site.post_enu_m]
        axes.plot(*(site.ground.drop_enu_m.T / 1e3), "x", color="#a0a0a0", markersize=3, label="drop places")
        axes.set_aspect("equal")
    cells, sensors, posts = (place / [1e3, 1e3 if site else 1.0] for place in places)
    known = np.isfinite(cell_kg)
    axes.plot(*cells[~known].T, ".", color="#c8c8c8")
    seen = axes.scatter(*cells[known].T, c=cell_kg[known], cmap="viridis_r", vmin=0.0, s=22, marker="s")
    figure.colorbar(seen, ax=axes, label=words)
    on = sensors_on > 0.5
    axes.plot(*sensors[on].T, "^", color="#145a96", label="sensors that stand")
    axes.plot(*sensors[~on].T, "^", color="#145a96", fillstyle="none", markersize=4, label="places for more")
    size = np.full(len(posts), 20.0) if manned is None else 8.0 + 90.0 * manned
    axes.scatter(*posts.T, s=size, facecolors="none", edgecolors="#b43c28", label="posts, larger when manned more")
    axes.set(xlabel="km along the border" if site is None else "km east", ylabel="" if site is None else "km north")
    if site is None:
        axes.set(yticks=[-1, 0, 1], yticklabels=["posts", "border", "sensors"], ylim=(-1.8, 1.8))
    axes.legend(fontsize=7, loc="best")
    return _svg(figure)


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
    """Weekly kilograms through of each policy, per sortie and per night, the proved ceiling and the season's events."""
    figure = Figure(figsize=(9, 7.2), layout="constrained")
    axes: Any = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    for season in seasons:
        for row, a_night in enumerate((False, True)):
            week = weekly_through_kg(season, a_night=a_night)
            axes[row].plot(
                np.arange(len(week)) * 7 + 3.5, week, label=season.policy, zorder=3 if season.policy == "plan" else 2,
                linewidth=2.2 if season.policy == "plan" else 1.2,
            )  # fmt: skip
    axes[0].axhline(ceiling_kg, color="black", linestyle="--", linewidth=1, label="proved ceiling of the plan")
    for change in (one for one in changes if one.label):
        for axis in axes:
            axis.axvline(change.night, color="#b43c28", linewidth=1)
            if change.until_night is not None and (change.closed_cells or change.supply != 1.0):
                axis.axvspan(change.night, change.until_night, color="#b43c28", alpha=0.07)
        axes[0].annotate(
            change.label, (change.night, 1.02), xycoords=("data", "axes fraction"), fontsize=8, rotation=20
        )
    axes[0].set(ylabel="kg through per sortie, weekly", ylim=(0, None))
    axes[1].set(xlabel="night", ylabel="kg through a night, weekly", ylim=(0, None))
    figure.suptitle(title)
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=7)
    return _svg(figure)
