"""Chance that one look of one sensor reports a target: range, beam, terrain, weather, noise and the sensor's health.

=============  ====================================================================================================
kind           chance of one look at range r, inside beam and above the terrain's edge
=============  ====================================================================================================
radar          Pd / (1 + exp((r - R) / 0.06 R)), R = R0 10^((rcs + 10 dBsm) / 40): the radar equation's fourth root;
               none beyond the stated R0. Rain takes 2 g r dB both ways: R = W(a R) / a, a = 2 g ln 10 / 40 000 per m,
               g = 0.01217 rain^1.2571 dB/km (ITU-R P.838-3, 10 GHz, horizontal)
acoustic       Pd for r <= min(target's range, R0) 10^(-noise / 20): spherical spreading; terrain does not stop sound
camera         Pd for r <= min(R0, 0.59 visibility): Koschmieder's law at a contrast of 0.1
radio finder   Pd for r <= R0, for a target with a radio link or Remote ID
Remote ID      Pd for r <= R0, for a target that says who it is; ADS-B and people never: no claim on their silence
=============  ====================================================================================================

The terrain's edge is the table's mask, half a cell coarse. Wind noise where the noise is not given: 2 dB for each m/s
above 5 (a rule of thumb, to be replaced by a measured level). Fails silently where the site file's ranges are wrong.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import lambertw

from araz.vocabulary import FloatArray, Quarry, Sensor, SensorHealth, SensorKind, SensorState, SensorTable, Weather

REFERENCE_RCS_DBSM: Final = -10.0
FADE: Final = 0.06
#: Nearer than this a radar is blind (its own pulse).
NEAREST_M: Final = 30.0
RAIN_K: Final = 0.01217
RAIN_ALPHA: Final = 1.2571
#: ln(1 / 0.1) / 3.912: where the contrast of a target has fallen to a tenth.
SEEN_SHARE_OF_VISIBILITY: Final = 0.59
CALM_MPS: Final = 5.0
WIND_NOISE_DB_PER_MPS: Final = 2.0
#: What is left of a sensor's chance of detection in each state; half for a degraded one is a stated guess.
HEALTH_FACTOR: Final = {
    SensorState.OK: 1.0,
    SensorState.DEGRADED: 0.5,
    SensorState.UNKNOWN: 0.0,
    SensorState.FAILED: 0.0,
    SensorState.SILENT: 0.0,
    SensorState.LYING: 1.0,
}


def health_factor(record: SensorHealth | None) -> float:
    """Share of a sensor's chance of detection that its health leaves; 0 for one of which nothing was heard.

    A sensor whose clock lies still sees, its times are corrected; one that no constant error explains counts as lost.
    """
    return 0.0 if record is None or record.is_lying else HEALTH_FACTOR[record.state]


def noise_over_quiet_db(weather: Weather) -> float:
    """Background noise at the microphones above a quiet night: as given, else what the wind makes."""
    if weather.noise_db is not None:
        return weather.noise_db
    return WIND_NOISE_DB_PER_MPS * max((weather.wind_mps or 0.0) - CALM_MPS, 0.0)


def radar_reach_m(max_range_m: float, quarry: Quarry, weather: Weather) -> float:
    """Range at which a radar's chance is half: for the target's cross section, through the rain."""
    reach = max_range_m * float(10 ** ((quarry.rcs_dbsm - REFERENCE_RCS_DBSM) / 40))
    rain = weather.rain_mm_per_h or 0.0
    if rain <= 0:
        return reach
    a_per_m = 2 * RAIN_K * rain**RAIN_ALPHA * np.log(10) / 40_000
    return float(np.real(lambertw(a_per_m * reach)) / a_per_m)


def listens(sensor: Sensor, quarry: Quarry) -> bool:
    """Whether this kind of sensor can notice such a target at all; people's and aircraft receivers' silence is none."""
    return {
        SensorKind.RADAR: True,
        SensorKind.ACOUSTIC: quarry.acoustic_range_m > 0,
        SensorKind.CAMERA: True,
        SensorKind.RF_BEARING: quarry.emits_radio or quarry.has_remote_id,
        SensorKind.REMOTE_ID_RECEIVER: quarry.has_remote_id,
    }.get(sensor.kind, False)


def reach_m(sensor: Sensor, quarry: Quarry, weather: Weather) -> float:
    """Farthest range at which this sensor can report such a target in this weather, metres; 0: never."""
    if not listens(sensor, quarry):
        return 0.0
    if sensor.kind == SensorKind.ACOUSTIC:
        return float(min(quarry.acoustic_range_m, sensor.max_range_m) * 10 ** (-noise_over_quiet_db(weather) / 20))
    if sensor.kind == SensorKind.CAMERA and weather.visibility_m is not None:
        return min(sensor.max_range_m, SEEN_SHARE_OF_VISIBILITY * weather.visibility_m)
    return sensor.max_range_m


def look_chance(
    sensor: Sensor,
    table: SensorTable,
    row: int,
    points_enu_m: FloatArray,
    quarry: Quarry,
    weather: Weather,
) -> FloatArray:
    """Chance that one look of a healthy sensor reports the target at each point [N, 3] → [N] (formulas above).

    **Frame** ENU at the site origin, metres. ``row`` is the sensor's row in ``table``.
    """
    out = np.zeros(len(points_enu_m))
    reach = reach_m(sensor, quarry, weather)
    origin = table.origin_enu_m[row]
    near = np.flatnonzero(
        (np.abs(points_enu_m[:, 0] - origin[0]) <= reach) & (np.abs(points_enu_m[:, 1] - origin[1]) <= reach)
    )
    relative = points_enu_m[near] - origin
    distance = np.sqrt(np.einsum("ij,ij->i", relative, relative))
    inside = distance <= reach
    if sensor.kind != SensorKind.ACOUSTIC:
        up = relative[:, 2] / np.maximum(distance, 1e-3)
        inside &= (up >= np.sin(table.min_elevation_rad[row])) & (up <= np.sin(table.max_elevation_rad[row]))
        inside &= distance >= (NEAREST_M if sensor.kind == SensorKind.RADAR else 0.0)
        inside &= points_enu_m[near, 2] >= table.lowest_seen_m(row, points_enu_m[near, 0], points_enu_m[near, 1])
    out[near[inside]] = sensor.detection_probability
    if sensor.kind == SensorKind.RADAR:
        half = radar_reach_m(sensor.max_range_m, quarry, weather)
        out[near[inside]] /= 1.0 + np.exp(np.clip((distance[inside] - half) / (FADE * half), -50, 50))
    return out
