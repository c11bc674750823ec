"""araz plan …: instances, patrols, sensors, the cost curve and the roster of tonight."""

from __future__ import annotations

import json
import secrets
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
import numpy as np
from cyclopts import Parameter

from araz.app._rim import say, wall_clock_us
from araz.vocabulary import PlanCorner

if TYPE_CHECKING:
    from araz.app._plan_site import Game
    from araz.deployment import Plan, Smuggler
    from araz.vocabulary import FloatArray

plan_app = cyclopts.App(name="plan", help="Sensors and patrols against an opponent who learns, with a certificate.")

InstanceFile = Annotated[
    Path, Parameter(help="Instance file (.npz) of araz plan example or site, a SITE.toml, or a shipped site's name.")
]
AtCorner = Annotated[PlanCorner, Parameter(help="For a site: which end of every interval is taken.")]
Seconds = Annotated[float, Parameter(help="Seconds of work after which the best so far is printed with its gap.")]


@plan_app.command
def example(
    *, cells: int = 300, seed: int = 1, teams: int | None = None, move_km: float | None = None,
    duty_windows: int | None = None, pool: int | None = None, sorties: int = 1,
    out: Path = Path("out/plan/instance.npz"),
) -> int:  # fmt: skip
    """Write a made border of 700 km: fractal relief, roads, towns, three kinds of drone. Nothing in it is surveyed.

    Example: araz plan example --cells 500 --move-km 40 --out out/plan/instance.npz
    """
    from araz.app._plan_files import ready, write_instance
    from araz.deployment import Limits, made_instance

    limits = Limits(max_move_m=None if move_km is None else move_km * 1e3, duty_windows=duty_windows, pool=pool)
    instance = made_instance(cells, seed, teams=teams, limits=limits, sorties=sorties)
    out = ready(out)
    write_instance(instance, out)
    say(
        f"{out}: {cells} cells, {instance.attacks} attacks, {instance.posts} posts, {instance.teams[0]} teams in "
        f"{instance.windows} windows, {instance.sensors} candidate sites"
    )
    return 0


@plan_app.command
def site(site_file: Path, *, corner: AtCorner = PlanCorner.LIKELY, out: Path = Path("out/plan/instance.npz")) -> int:
    """Cut the game from a site: its line, roads, sensors, posts and [planning]; say what was assumed; draw it.

    Example: araz plan site horadiz --corner worst --out out/plan/worst.npz
    """
    from araz.app._plan_files import ready, write_instance
    from araz.app._plan_site import load_game

    game = load_game(site_file, corner)
    if game.site is None:
        raise ValueError(f"{site_file} is an instance already; give a site file or the name of a shipped site.")
    instance = game.instance
    out = ready(out)
    write_instance(instance, out)
    picture = _draw(game, game.site.standing, None, out)
    say(
        f"{out}: {len(instance.cell_m)} cells, {instance.attacks} attacks, {instance.posts} posts, "
        f"{instance.teams[0]} teams in {instance.windows} windows, {int(game.site.standing.sum())} sensors standing, "
        f"{instance.sensors - int(game.site.standing.sum())} places for more ({corner} values)."
    )
    say("\n".join([*game.site.assumed, f"Picture: {picture}"]))
    return 0


@plan_app.command
def patrols(
    instance: InstanceFile, *, layout: Annotated[Path | None, Parameter(help="Layout from araz plan sensors.")] = None,
    sensors: Annotated[int | None, Parameter(help="Without a layout: this many sites, evenly.")] = None,
    corner: AtCorner = PlanCorner.LIKELY,
    tolerance: float = 1e-3, seconds: Seconds = 60.0, money: bool = True,
    as_json: Annotated[bool, Parameter(name="--json", help="For machines.")] = False,
    out: Path = Path("out/plan/plan.npz"),
) -> int:  # fmt: skip
    """Randomise the patrols for given sensors and print the certificate: guarantee, bound, gap, what binds.

    Example: araz plan patrols out/plan/instance.npz --sensors 40
             araz plan patrols horadiz --corner worst
    """
    from araz.app._plan_files import ready, write_plan
    from araz.app._plan_site import load_game, worst_sentence
    from araz.deployment import certificate, next_money, plan_patrols

    loaded = load_game(instance, corner)
    game = loaded.instance
    x = _layout_of(loaded, layout, sensors)
    begun = time.monotonic()
    _tell(f"planning {game.attacks} attacks against {game.posts} posts …")

    def go_on() -> bool:
        return time.monotonic() - begun < seconds

    plan = plan_patrols(game, x, tolerance=tolerance, go_on=go_on)
    out = ready(out)
    write_plan(plan, out)
    helps = next_money(game, plan, go_on=go_on) if money else None
    words = certificate(game, plan, helps)
    if money and helps is None:
        words.append(f"Next money: not worked out in {seconds:g} s; give more --seconds.")
    if loaded.site is not None:
        words += [worst_sentence(loaded, plan)] if corner is PlanCorner.LIKELY else []
        words += loaded.site.assumed
    picture = _draw(loaded, x, plan, out)
    if as_json:
        from araz.app._seizures_keep import print_json

        figures = {"guarantee_kg": plan.guarantee_kg, "bound_kg": plan.bound_kg, "gap": plan.gap}
        print_json({**figures, "closed": plan.closed, "words": words})
    else:
        say("\n".join([*words, f"Written to {out}, drawn in {picture}."]))
    return 0


def _layout_of(game: Game, layout: Path | None, sensors: int | None) -> FloatArray:
    """Which sensors stand: as the layout says, else a site's own, else so many of the candidates evenly."""
    from araz.app._plan_files import read_layout
    from araz.deployment import evenly

    if layout is not None:
        return read_layout(layout)
    if game.site is not None:
        if sensors is not None:
            raise ValueError("A site's own sensors stand; choose more with araz plan sensors and give its --layout.")
        return game.site.standing
    return evenly(game.instance, round(0.4 * game.instance.sensors) if sensors is None else sensors)


def _draw(game: Game, sensors_on: FloatArray, plan: Plan | None, out: Path) -> Path:
    """The picture beside a result: what every cell brings against the plan, or what crosses it unseen."""
    from araz.app._plan_pictures import border_picture
    from araz.deployment import attack_payoff, cell_most, coverage_of, unseen_kg

    it = game.instance
    if plan is None:
        kg, words, manned = cell_most(it, unseen_kg(it, sensors_on)), "kg that cross unseen", None
    else:
        kg = np.maximum(cell_most(it, attack_payoff(it, plan)), 0.0)
        words, manned = "kg a sortie brings its sender, worst window", coverage_of(it, plan).mean(axis=0)
    picture = out.with_suffix(".svg")
    picture.write_text(border_picture(it, kg, words, sensors_on, manned, game.site))
    return picture


@plan_app.command(name="sensors")
def sensors_(
    instance: InstanceFile, *, budget: float, corner: AtCorner = PlanCorner.LIKELY, seconds: Seconds = 60.0,
    out: Path = Path("out/plan/layout.json"),
) -> int:  # fmt: skip
    """Choose sensors within a budget, with a bound over every layout that money can buy.

    Example: araz plan sensors horadiz --budget 12
    """
    from araz.app._plan_site import load_game
    from araz.deployment import gap_text, plan_layout

    loaded = load_game(instance, corner)
    game = loaded.instance
    begun = time.monotonic()
    _tell(f"choosing among {game.sensors} sites …")
    found = plan_layout(game, budget, go_on=lambda: time.monotonic() - begun < seconds)
    out.parent.mkdir(parents=True, exist_ok=True)
    figures = {"cost": found.cost, "value_kg": found.value_kg, "bound_kg": found.bound_kg}
    out.write_text(json.dumps({"sensors_on": found.sensors_on.tolist(), **figures}))
    say(
        f"Layout of cost {found.cost:g} (budget {budget:g}): patrols can hold every attack to {found.value_kg:.6g} kg."
        f"\nBound over all layouts of this budget: {found.bound_kg:.6g} kg. Gap: {gap_text(found.gap)}."
        f"\n{_names(game.sensor_names, found.sensors_on)}"
        f"Written to {out}, drawn in {_draw(loaded, found.sensors_on, None, out)}; araz plan patrols --layout {out} "
        "gives the rosters and their certificate."
    )
    return 0


def _names(names: tuple[str, ...], sensors_on: FloatArray) -> str:
    """One line that names what stands, where sites have names."""
    return f"Stands: {', '.join(n for n, on in zip(names, sensors_on, strict=True) if on > 0.5)}.\n" if names else ""


@plan_app.command
def curve(
    instance: InstanceFile, *, corner: AtCorner = PlanCorner.LIKELY, points: int = 6, seconds: Seconds = 120.0,
    out: Path = Path("out/plan/curve.svg"),
) -> int:  # fmt: skip
    """Draw the commander's cost curve: the fewest sensors for each promised guarantee, and the least proved needed.

    Example: araz plan curve out/plan/instance.npz --points 6
    """
    from araz.app._plan_pictures import cost_curve_picture
    from araz.app._plan_site import load_game
    from araz.deployment import cost_curve, layout_value

    if points < 2:
        raise ValueError(f"points is {points}; a curve has at least 2.")
    game = load_game(instance, corner).instance
    begun = time.monotonic()
    best = layout_value(game, np.ones(game.sensors))
    worst = layout_value(game, np.zeros(game.sensors))
    levels = np.linspace(best * 1.01, worst, points)
    found = []
    for level, cover in cost_curve(game, levels, go_on=lambda: time.monotonic() - begun < seconds):
        found.append((level, cover))
        if cover is not None:
            say(f"{level:8.3f} kg: {cover.cost:g} found, at least {cover.least_cost:.3g} needed")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(cost_curve_picture(found))
    say(f"Picture: {out}")
    return 0


@plan_app.command
def roster(
    instance: InstanceFile, plan: Annotated[Path, Parameter(help="Plan file from araz plan patrols.")], *,
    night: Annotated[str, Parameter(help="Date of the night, YYYY-MM-DD (begins 18:00 UTC unless --from).")],
    from_hour_utc: float = 18.0, window_hours: float = 3.0, audit: float = 0.1,
    seed: Annotated[int | None, Parameter(help="Only to repeat a draw; by default the system's randomness.")] = None,
    places: Annotated[
        Path | None, Parameter(help="JSON of post name: [longitude, latitude], for TAK; a site knows its own.")
    ] = None,
    corner: AtCorner = PlanCorner.LIKELY,
    out: Path = Path("out/plan/rosters"),
) -> int:  # fmt: skip
    """Draw tonight's roster, seal it before the shift and write it for the posts: CSV, PDF, calendar, CoT, log.

    The seal goes into seals.jsonl, chained to the seals before it; publish it, keep the opened file until the shift
    ends.

    Example: araz plan roster out/plan/instance.npz out/plan/plan.npz --night 2026-11-24
    """
    from araz.app._plan_files import read_places, read_plan
    from araz.app._plan_site import load_game, post_places
    from araz.app._roster_files import as_calendar, as_cot, as_csv, as_pdf
    from araz.app._roster_seals import keep_sealed, refuse_second_draw
    from araz.deployment import certificate, draw_roster, inclusion_rows, roster_rows, sealed_bytes

    night = date.fromisoformat(night).isoformat()  # one name a night, however it was written
    refuse_second_draw(out, night)
    loaded, drawn_from = load_game(instance, corner), read_plan(plan)
    game = loaded.instance
    known = post_places(loaded) if places is None else read_places(places)
    begins = datetime.fromisoformat(f"{night}T00:00:00+00:00").timestamp() + from_hour_utc * 3600.0
    rng = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
    tonight = draw_roster(
        game, drawn_from, rng, draw_id=night, starts_at_us=round(begins * 1e6), window_s=window_hours * 3600.0,
        audit_share=audit,
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    payload = sealed_bytes(game, tonight, secrets.token_bytes(16))
    sealed = keep_sealed(out, night, payload, inclusion_rows(game, tonight), wall_clock_us())
    rows = roster_rows(game, tonight)
    (out / f"{night}.csv").write_text(as_csv(rows))
    (out / f"{night}.ics").write_bytes(as_calendar(rows, sealed))
    (out / f"{night}.pdf").write_bytes(as_pdf(rows, sealed, certificate(game, drawn_from)))
    (out / f"{night}.cot.xml").write_bytes(b"\n".join(as_cot(rows, known)))
    kind = "the random audit" if tonight.is_audit else "the plan"
    say(f"Drawn from {kind}: {len(rows)} postings in {game.windows} windows. Seal {sealed}\nWritten to {out}/{night}.*")
    return 0


@plan_app.command(name="verify-roster")
def verify_roster(directory: Path) -> int:
    """Check that every opened roster and its log are as they were sealed; ends with 1 and names the first that is not.

    Example: araz plan verify-roster out/plan/rosters
    """
    from araz.app._roster_seals import objection, read_seals

    count = len(read_seals(directory))
    if count == 0:
        raise ValueError(f"{directory} holds no seals; araz plan roster writes them")
    wrong = objection(directory)
    say(f"{count} rosters and their logs are as they were sealed." if wrong is None else wrong)
    return 0 if wrong is None else 1


def _tell(text: str) -> None:
    """Progress goes to standard error, so that --json stays clean."""
    sys.stderr.write(f"{text}\n")


def season(
    instance: InstanceFile, plan: Annotated[Path, Parameter(help="Plan file from araz plan patrols.")], *,
    nights: int = 365, seed: int = 1,
    smuggler: Annotated[
        str | None, Parameter(help="One, or several at once: bandit+suqr. Default: each alone, then all at once.")
    ] = None,
    events: Annotated[bool, Parameter(help="A closure, a supply shock and silent drones on the way.")] = True,
    audit: float = 0.1, epsilon: float = 0.05,
    as_json: Annotated[bool, Parameter(name="--json", help="For machines.")] = False, out: Path = Path("out/season"),
) -> int:  # fmt: skip
    """Play a year of nights: plan and usual policies against smugglers who learn; figures, and pictures as SVG.

    Example: araz season out/plan/instance.npz out/plan/plan.npz --nights 120
             araz season out/plan/instance.npz out/plan/plan.npz --smuggler bandit+suqr
    """
    from araz.app._season import run_season
    from araz.deployment import Smuggler

    everybody = tuple(Smuggler)
    chosen = (*((one,) for one in everybody), everybody) if smuggler is None else (_crowd(smuggler),)
    crowds = tuple([(kind, 1.0) for kind in crowd] for crowd in chosen)
    return run_season(instance, plan, nights, seed, crowds, events, audit, epsilon, as_json, out)


def _crowd(text: str) -> tuple[Smuggler, ...]:
    """The smugglers named, joined by +; ValueError with the names there are."""
    from araz.deployment import Smuggler

    names = [item.value for item in Smuggler]
    unknown = [name for name in text.split("+") if name not in names]
    if unknown:
        raise ValueError(f"no smuggler {unknown[0]!r}; choose from {', '.join(names)}, several joined by +")
    return tuple(Smuggler(name) for name in text.split("+"))
