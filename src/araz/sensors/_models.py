"""What the tracker must know of each sensor, from the site file and the terrain."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from araz.geography import Place, visible_above
from araz.vocabulary import FloatArray, MeasurementKind, Sensor, SensorKind, SensorTable, Site, frozen_array

#: How each kind of sensor measures.
KIND: Final = {
    SensorKind.RADAR: MeasurementKind.POLAR,
    SensorKind.RF_BEARING: MeasurementKind.BEARING,
    SensorKind.ACOUSTIC: MeasurementKind.BEARING,
    SensorKind.CAMERA: MeasurementKind.BEARING,
    SensorKind.PEOPLE: MeasurementKind.BEARING,
    SensorKind.REMOTE_ID_RECEIVER: MeasurementKind.POSITION,
    SensorKind.ADSB_RECEIVER: MeasurementKind.POSITION,
    SensorKind.TRACK_SOURCE: MeasurementKind.POSITION,
}

#: Receivers of what aircraft say of themselves: their positions are claims.
CLAIM_KINDS: Final = frozenset({SensorKind.REMOTE_ID_RECEIVER, SensorKind.ADSB_RECEIVER})


def sound_speed_mps(air_temperature_c: float) -> float:
    """Return the speed of sound in dry air, 331.3 sqrt(1 + T / 273.15): 340.3 m/s at 15 degrees Celsius."""
    return 331.3 * math.sqrt(1.0 + air_temperature_c / 273.15)


def default_sigma(sensor: Sensor) -> tuple[float, float, float, float]:
    """Return the standard deviations of a sensor in the columns of its scans (see ``Scan``)."""
    azimuth, elevation = np.radians(sensor.azimuth_sigma_deg), np.radians(sensor.elevation_sigma_deg)
    kind = KIND[sensor.kind]
    if kind == MeasurementKind.POLAR:
        return sensor.range_sigma_m, float(azimuth), float(elevation), sensor.range_rate_sigma_mps
    if kind == MeasurementKind.BEARING:
        return float(azimuth), float(elevation), np.nan, np.nan
    return sensor.position_sigma_m, sensor.position_sigma_m, sensor.altitude_sigma_m, np.nan


def sensor_origins(site: Site, place: Place) -> FloatArray:
    """Return where the site's sensors stand, ENU at the site origin, [S, 3], on the terrain plus their height."""
    if not site.sensors:
        return np.zeros((0, 3))
    latitude = np.array([sensor.latitude_deg for sensor in site.sensors])
    longitude = np.array([sensor.longitude_deg for sensor in site.sensors])
    position = place.frame.to_enu(latitude, longitude, np.full(len(latitude), site.origin_hae_m)).copy()
    position[:, 2] = place.terrain.ground_up_m(position[:, 0], position[:, 1])
    position[:, 2] += [sensor.height_agl_m for sensor in site.sensors]
    return position


def sensor_table(site: Site, place: Place) -> SensorTable:
    """Return the sensors of a site as arrays, with each one's terrain mask.

    **Units/frame** metres and radians, ENU at the site origin. Masks are computed for sensors that look (radar,
    camera, radio finder); sound and claims bend round ridges often enough that silence there is no evidence.
    """
    origins = sensor_origins(site, place)
    terrain = place.terrain
    looks = {SensorKind.RADAR, SensorKind.CAMERA, SensorKind.RF_BEARING}
    shape = terrain.height_up_m.shape
    masks = np.full((len(site.sensors), *shape), -np.inf, dtype=np.float32)
    for row, sensor in enumerate(site.sensors):
        if sensor.kind in looks:
            masks[row] = visible_above(terrain, origins[row], sensor.max_range_m)
    column = {
        name: np.array([getattr(sensor, name) for sensor in site.sensors], dtype=float)
        for name in ("detection_probability", "clutter_per_scan", "max_range_m", "period_s")
    }
    return SensorTable(
        sensor_id=tuple(sensor.id for sensor in site.sensors),
        kind=frozen_array([KIND[sensor.kind] for sensor in site.sensors], np.int64),
        origin_enu_m=frozen_array(origins, np.float64),
        sigma=frozen_array(np.array([default_sigma(s) for s in site.sensors]).reshape(-1, 4), np.float64),
        detection_probability=frozen_array(column["detection_probability"], np.float64),
        clutter_per_scan=frozen_array(column["clutter_per_scan"], np.float64),
        max_range_m=frozen_array(column["max_range_m"], np.float64),
        min_elevation_rad=frozen_array(np.radians([s.min_elevation_deg for s in site.sensors]), np.float64),
        max_elevation_rad=frozen_array(np.radians([s.max_elevation_deg for s in site.sensors]), np.float64),
        period_s=frozen_array(column["period_s"], np.float64),
        is_people=frozen_array([s.kind == SensorKind.PEOPLE for s in site.sensors], np.bool_),
        is_claim=frozen_array([s.kind in CLAIM_KINDS for s in site.sensors], np.bool_),
        visible_above_m=frozen_array(masks, np.float32),
        raster_east_m=float(terrain.east0_m),
        raster_north_m=float(terrain.north0_m),
        cell_m=float(terrain.cell_m),
    )
