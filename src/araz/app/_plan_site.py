"""A game from a file: an instance (.npz), or the site file it is cut from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from araz.app._config import SiteError, bundle_from_file, site_from_bundle
from araz.app._data import site_path
from araz.app._plan_files import read_instance
from araz.deployment import Instance, Plan, SiteGame, game_of_site, guarantee_in
from araz.geography import Place
from araz.vocabulary import FloatArray, LatitudeDeg, LongitudeDeg, PlanCorner


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """What is planned: the instance, and where it lies when it was cut from a site."""

    instance: Instance
    site: SiteGame | None = None
    place: Place | None = None


def load_game(path: Path, corner: PlanCorner = PlanCorner.LIKELY) -> Game:
    """Read an instance, or cut one from a site file or the name of a shipped site.

    Raises ValueError with the cause when it is neither, or when a corner is asked of a file that has none.
    """
    if path.suffix == ".npz":
        if corner != PlanCorner.LIKELY:
            raise ValueError(f"{path} holds one set of values; --corner needs a site file with intervals.")
        return Game(read_instance(path))
    where = site_path(str(path))
    if not where.exists():
        raise SiteError(f"{path} is no instance (.npz) and no site; araz plan example writes an instance")
    _, place, _ = site_from_bundle(bundle_from_file(where))
    site = game_of_site(place, corner)
    return Game(site.instance, site, place)


def worst_sentence(game: Game, plan: Plan) -> str:
    """What the rosters of a plan for the likely values hold at the worst corner of all intervals at once."""
    assert game.place is not None
    worst = game_of_site(game.place, PlanCorner.WORST)
    kg = guarantee_in(worst.instance, plan)
    return f"At the worst corner of every interval at once these rosters hold {kg:.6g} kg; --corner worst plans for it."


def post_places(game: Game) -> dict[str, tuple[LongitudeDeg, LatitudeDeg]]:
    """Longitude and latitude of every post of a site by name; empty for an instance that lies nowhere."""
    if game.site is None or game.place is None:
        return {}
    return dict(zip(game.instance.post_names, degrees(game.place, game.site.post_enu_m), strict=True))


def degrees(place: Place, enu_m: FloatArray) -> list[tuple[float, float]]:
    """Longitude and latitude of places on the ground, ENU metres [N, 2]."""
    return [(round(x, 6), round(y, 6)) for x, y in place.longitude_latitude_deg(enu_m).tolist()]
