"""Edge records: the tracks as people and other systems see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from araz.geography import Place, ellipse_from_covariance
from araz.incidents._identity import claim_name
from araz.incidents._state import Identity, State
from araz.incidents._work import track_name
from araz.vocabulary import CLASS_NAMES, Claim, FloatArray, IdentityVerdict, Track, TrackPicture


def tracks_of(
    state: State,
    picture: TrackPicture,
    place: Place,
    claims: Mapping[int, Claim],
    sensor_ids: Sequence[str],
    include_tentative: bool = False,
) -> list[Track]:
    """The confirmed tracks (or all) as records: heights HAE, AMSL and AGL, the 95 % ellipse, class and verdict.

    **Units/frame** WGS 84 degrees; AMSL is HAE minus the site's one geoid undulation; AGL from the site's terrain;
    ``border_distance_m`` positive outside. ``sensor_ids`` names the bits of ``sensor_mask``, in order. A track whose
    state is not finite is left out.
    """
    wanted = picture.is_confirmed | include_tentative
    wanted = (
        wanted & np.isfinite(picture.position_enu_m).all(axis=1) & np.isfinite(picture.velocity_enu_mps).all(axis=1)
    )
    rows = np.flatnonzero(wanted)
    if rows.size == 0:
        return []
    position = picture.position_enu_m[rows]
    latitude, longitude, hae = place.frame.to_geodetic(position)
    agl = np.asarray(place.terrain.height_agl_m(position))
    border = np.asarray(place.border.signed_distance_m(position[:, 0], position[:, 1]))
    return [
        _track(state, picture, int(row), claims, sensor_ids, place.site.geoid_undulation_m,
               (float(latitude[k]), float(longitude[k]), float(hae[k])), float(agl[k]), float(border[k]))
        for k, row in enumerate(rows)
    ]  # fmt: skip


def _track(
    state: State,
    picture: TrackPicture,
    row: int,
    claims: Mapping[int, Claim],
    sensor_ids: Sequence[str],
    undulation_m: float,
    geodetic: tuple[float, float, float],
    agl_m: float,
    border_m: float,
) -> Track:
    velocity = picture.velocity_enu_mps[row]
    covariance = picture.covariance[row]
    major, minor, azimuth = _ellipse(covariance)
    chance = picture.class_probability[row]
    best = int(np.argmax(chance))
    mask = int(picture.sensor_mask[row])
    key = int(picture.claim_key[row])
    claim = claims.get(key)
    identity = _identity(state, int(picture.track_id[row]), key)
    return Track(
        track_id=track_name(int(picture.track_id[row])),
        latitude_deg=geodetic[0],
        longitude_deg=geodetic[1],
        altitude_hae_m=geodetic[2],
        altitude_amsl_m=geodetic[2] - undulation_m,
        altitude_agl_m=agl_m,
        altitude_sigma_m=float(np.sqrt(max(float(covariance[2, 2]), 0.0))),
        speed_mps=float(np.hypot(velocity[0], velocity[1])),
        course_deg=float(np.degrees(np.arctan2(velocity[0], velocity[1])) % 360.0),
        climb_mps=float(velocity[2]),
        ellipse_semi_major_m=major,
        ellipse_semi_minor_m=minor,
        ellipse_azimuth_deg=azimuth,
        existence=float(min(max(picture.existence[row], 0.0), 1.0)),
        is_confirmed=bool(picture.is_confirmed[row]),
        class_name=CLASS_NAMES[best],
        class_probability=float(min(max(chance[best], 0.0), 1.0)),
        started_at_us=int(picture.started_at_us[row]),
        updated_at_us=int(picture.updated_at_us[row]),
        sensors=[name for bit, name in enumerate(sensor_ids) if mask >> bit & 1],
        claim=None if claim is None else claim_name(claim),
        verdict=identity.verdict,
        verdict_reasons=list(identity.reasons),
        hidden=bool(picture.hidden[row]),
        border_distance_m=border_m,
    )


def _identity(state: State, track_id: int, key: int) -> Identity:
    if key == 0:
        return Identity(IdentityVerdict.NONE, ())
    return state.identities.get(track_id, Identity(IdentityVerdict.UNTESTED, ("not held against physics yet",)))


def _ellipse(covariance: FloatArray) -> tuple[float, float, float]:
    major, minor, azimuth = ellipse_from_covariance(covariance[:2, :2], 0.95)
    return float(major), float(minor), float(azimuth) % 360.0
