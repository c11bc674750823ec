"""The coverage map for the console: computed when asked for, kept while nothing that bears on it changed."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from litestar import Response, get, post

from araz.app import _pipeline as pipeline
from araz.app._logs import read_sightings
from araz.console import AnyRequest, Refused, Submit, asks, json_of, time_of
from araz.geography import Place
from araz.sensors import Coverage, coverage, health_factors, learn_sightings, quarry_of
from araz.vocabulary import Quarry, SensorHealth, Weather, phrase

#: Targets one may ask about beside the site's own.
QUARRIES: Final = {
    "heavy": Quarry(),
    "small": Quarry(name="small quadcopter, radio silent", rcs_dbsm=-15.0, acoustic_range_m=250.0),
}
#: Maps kept: now and a few moments of the past, for each target.
KEPT: Final = 8


class HealthReader(Protocol):
    """The records by which the past is judged."""

    def health_at(self, at_us: int) -> Sequence[SensorHealth]:
        """Return each sensor's health as known then."""


class Watched(Protocol):
    """A night, or what one service sees of it."""

    @property
    def believed(self) -> pipeline.PipelineState:
        """What is believed now."""

    @property
    def records(self) -> HealthReader:
        """The past."""

    @property
    def out(self) -> Path:
        """The folder with the crossings learned from seized logs."""


class CoverageDesk:
    """Answers for the map; thread safe enough: two who ask at once may compute the same map twice."""

    def __init__(self, night: Watched) -> None:
        self._night = night
        self._kept: dict[tuple[Any, ...], dict[str, Any]] = {}

    def answer(self, quarry_name: str, at_us: int | None) -> dict[str, Any]:
        """Return the map as now, or by the sensors' health as known at a time; weather is the latest in both."""
        state = self._night.believed
        place = state.line.place
        quarry = QUARRIES[quarry_name] if quarry_name else quarry_of(place)
        reader = self._night.records
        health = state.health_now if at_us is None else {record.sensor_id: record for record in reader.health_at(at_us)}
        states = tuple((name, record.state, record.is_lying) for name, record in sorted(health.items()))
        path = self._night.out / "sightings.csv"
        learned = path.stat().st_mtime_ns if path.exists() else 0
        key = (states, state.weather, quarry, learned, place.site.name)
        if key not in self._kept:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)), None)
            self._kept[key] = self._made(quarry, state.weather, health)
        return {
            **self._kept[key],
            "at_us": state.now_us if at_us is None else at_us,
            "corridors": [msgspec.to_builtins(corridor) for corridor in state.corridors] if at_us is None else [],
        }

    def _made(self, quarry: Quarry, weather: Weather, health: Mapping[str, SensorHealth]) -> dict[str, Any]:
        line = self._night.believed.line
        cover = coverage(line.place, line.table, quarry=quarry, weather=weather, health=health)
        sightings = read_sightings(self._night.out)
        if len(sightings.east_m):
            cover = learn_sightings(cover, sightings)
        lost = [name for name, factor in (health_factors(line.place, health) or {}).items() if factor == 0.0]
        return {**coverage_json(cover, line.place), "sensors_lost": lost, "crossings_learned": len(sightings.east_m)}


def coverage_json(cover: Coverage, place: Place) -> dict[str, Any]:
    """The map as the browser takes it: per band whole per cents, one byte a cell, rows from the south, base64.

    ``corners`` are longitude, latitude of NW, NE, SE, SW of the map's outer edge.
    """
    half = cover.cell_m / 2
    west, east = float(cover.east_m[0]) - half, float(cover.east_m[-1]) + half
    south, north = float(cover.north_m[0]) - half, float(cover.north_m[-1]) + half
    xy = np.array([[west, north], [east, north], [east, south], [west, south]])
    unknown = [name for name in ("rain_mm_per_h", "visibility_m") if getattr(cover.weather, name) is None]
    return {
        "quarry": msgspec.to_builtins(cover.quarry),
        "weather": msgspec.to_builtins(cover.weather),
        "weather_unknown": unknown,
        "dwell_s": cover.dwell_s,
        "cell_m": cover.cell_m,
        "columns": len(cover.east_m),
        "rows": len(cover.north_m),
        "corners": place.longitude_latitude_deg(xy).tolist(),
        "bands": [
            {"low_agl_m": low, "high_agl_m": high, "tracked": _packed(tracked), "noticed": _packed(noticed)}
            for (low, high), tracked, noticed in zip(cover.bands_agl_m, cover.tracked, cover.noticed, strict=True)
        ],
    }


def _packed(chance: Any) -> str:
    return base64.b64encode(np.rint(100 * np.clip(chance, 0, 1)).astype(np.uint8).tobytes()).decode()


def coverage_handlers(night: Watched, submit: Submit) -> list[Any]:
    """The paths of the map: ``GET /api/coverage`` (``quarry``, ``at_us``), ``POST /api/weather``."""
    desk = CoverageDesk(night)

    @get("/api/coverage", sync_to_thread=True, opt=asks(whole="at_us?", words={"quarry?": QUARRIES}))
    def get_coverage(request: AnyRequest) -> Response[bytes]:
        quarry = request.query_params.get("quarry", "")
        if quarry and quarry not in QUARRIES:
            wrong = phrase("refused.no-target", name=repr(quarry))
            raise Refused(400, "no-target", wrong, phrase("refused.ask-for", choices=", ".join(QUARRIES)))
        at_us = time_of(request, "at_us") if "at_us" in request.query_params else None
        body = msgspec.json.encode(desk.answer(quarry, at_us))
        return Response(body, media_type="application/json; charset=utf-8")

    @post("/api/weather", opt=asks(body=Weather))
    async def post_weather(request: AnyRequest) -> Response[bytes]:
        weather = await json_of(request, Weather, "weather")
        message = await submit(pipeline.WEATHER_SOURCE, msgspec.json.encode(weather))
        return Response(msgspec.json.encode({"seq": message.seq}), status_code=201, media_type="application/json")

    return [get_coverage, post_weather]
