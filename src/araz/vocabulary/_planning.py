"""What the planner is told of a sector: who might fly, where a sensor or a team could stand, and how sure that is."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from araz.vocabulary._quantities import (
    AltitudeAglM,
    DistanceM,
    DurationS,
    LatitudeDeg,
    LongitudeDeg,
)
from araz.vocabulary._strict import Strict


class Interval(Strict, frozen=True, kw_only=True):
    """A figure that is not known better than this; ``low`` ≤ ``likely`` ≤ ``high`` is checked where it is used."""

    low: Annotated[float, Meta(ge=0)]
    likely: Annotated[float, Meta(ge=0)]
    high: Annotated[float, Meta(ge=0)]


#: A figure of 0 or more, or the interval it is known to lie in.
Uncertain = Annotated[float, Meta(ge=0)] | Interval


class PlanAircraft(Strict, frozen=True, kw_only=True):
    """A class of drone that smugglers fly here."""

    name: str
    load_kg: Uncertain
    """Value-weighted kilograms of one load."""
    range_m: Uncertain
    """Flight in all, the way back included where it returns."""
    speed_mps: Uncertain
    heights_agl_m: Annotated[tuple[AltitudeAglM, ...], Meta(min_length=1)] = (60.0,)
    """Heights above ground between which the crew chooses."""
    pickup_s: Uncertain = 300.0
    """Median time from the load on the ground to the crew gone with it."""
    cost_kg: Uncertain = 1.0
    """What a sortie costs the sender, in the same value-weighted kilograms."""
    rcs_dbsm: float = -8.0
    acoustic_range_m: DistanceM = 600.0
    is_radio_silent: bool = False
    """It flies without a radio link: radio finders do not hear it."""
    returns: bool = True
    """It drops the load and flies back: the range must cover both ways."""


class PlanSensor(Strict, frozen=True, kw_only=True):
    """A place where a sensor could be put, and what it would cost."""

    id: str
    like: str
    """Id of the site's sensor whose model, height and limits it would have."""
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    cost: Annotated[float, Meta(ge=0)] = 1.0
    """In any unit, the same for all and for the budget."""


class PlanPost(Strict, frozen=True, kw_only=True):
    """A place where a team can wait."""

    id: str
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    ready_s: DurationS = 60.0
    off_road_mps: Annotated[float, Meta(gt=0, le=20)] = 1.5


class Planning(Strict, frozen=True, kw_only=True):
    """What araz plan is told; without it a sector cannot be planned."""

    aircraft: Annotated[list[PlanAircraft], Meta(min_length=1)]
    posts: list[PlanPost] = []
    """Empty: where the patrols stand."""
    sensors: list[PlanSensor] = []
    """Places for more sensors; the site's own stand already and cost nothing."""
    teams: Annotated[int, Meta(ge=1)] = 2
    """On duty in every window."""
    window_value: Annotated[tuple[Uncertain, ...], Meta(min_length=1, max_length=14)] = (1.0, 1.0, 1.0, 1.0)
    """One a window of the night: what a load flown then is worth, of its kilograms."""
    max_move_m: DistanceM | None = None
    """A team changes its post by at most this far along the border between windows; none: no limit."""
    duty_windows: Annotated[int, Meta(ge=1)] | None = None
    rest_windows: Annotated[int, Meta(ge=1)] = 1
    pool: Annotated[int, Meta(ge=0)] | None = None
    """Teams that exist; none: as many as the rotation needs."""
    sorties: Annotated[int, Meta(ge=1)] = 1
    """Aircraft that may come at once."""
    cell_m: Annotated[float, Meta(ge=50)] = 500.0
    """Length of a border cell."""
    launch_every_m: Annotated[float, Meta(ge=100)] = 2_000.0
    """Launch places are looked for this far apart along the line, over there."""
    launch_depths_m: Annotated[tuple[DistanceM, ...], Meta(min_length=1)] = (1_500.0, 4_000.0)
    drop_every_m: Annotated[float, Meta(ge=100)] = 1_500.0
    """Drop places lie on our roads, at most one in a square of this size."""
    drop_depth_m: DistanceM = 6_000.0
    """Farthest drop from the line."""
    access_m: DistanceM = 1_000.0
    """Farthest launch place from a road over there, where the road file has roads over there."""
    unaided_detection: Uncertain = 0.05
    """Chance that a sortie is noticed though no sensor sees it."""
    detection_factor: Uncertain = 1.0
    """What is left of the sensors' modelled hazard; 1: the model is right."""
    alert_s: Uncertain = 120.0
    """From the load on the ground to the order at the team."""
    road_factor: Uncertain = 1.0
    """Speed on the roads at night, of the road file's."""
    availability: Uncertain = 0.9
    """Chance that a team is not busy with a false alarm."""
    penalty_kg: Annotated[float, Meta(ge=0)] = 0.0
    """What being caught costs the sender beside the load."""
