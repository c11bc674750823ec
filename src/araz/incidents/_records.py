"""Edge records: the tracks as people and other systems see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from araz import tracking
from araz.geography import Place
from araz.incidents._identity import claim_name
from araz.incidents._state import Identity, State
from araz.incidents._work import track_name
from araz.vocabulary import (
    CLASS_NAMES,
    Area,
    Claim,
    ClaimKind,
    FloatArray,
    IdentityVerdict,
    Reappearance,
    Track,
    TrackClass,
    TrackPicture,
    phrase,
    said_of,
)

#: How often an ADS-B or Mode S claim that physics has not contradicted is from a manned aircraft: drones with a
#: transponder are rare, and the word of an aircraft that no radar has seen yet counts for less.
MANNED_IF_CLAIMED: Final = {
    IdentityVerdict.UNTESTED: 0.9,
    IdentityVerdict.SUPPORTED: 0.98,
    IdentityVerdict.AUTHORISED: 0.98,
}
NOWHERE: Final[Mapping[int, Sequence[tracking.Reappearance]]] = MappingProxyType({})
NO_CLAIM: Final = Identity(IdentityVerdict.NONE, ())
NOT_TESTED: Final = Identity(IdentityVerdict.UNTESTED, (phrase("claim.not-yet"),))


def tracks_of(
    state: State,
    picture: TrackPicture,
    place: Place,
    claims: Mapping[int, Claim],
    sensor_ids: Sequence[str],
    include_tentative: bool = False,
    reappears: Mapping[int, Sequence[tracking.Reappearance]] = NOWHERE,
) -> list[Track]:
    """The confirmed tracks (or all) as records: heights HAE, AMSL and AGL, the 95 % ellipse, class and verdict.

    **Units/frame** WGS 84 degrees; AMSL is HAE minus the site's one geoid undulation; AGL from the site's terrain;
    ``border_distance_m`` positive outside. ``sensor_ids`` names the bits of ``sensor_mask``, in order. ``reappears``
    are the areas in which hidden tracks can come out, by number. A track whose state is not finite is left out.
    """
    wanted = picture.is_confirmed | include_tentative
    wanted = (
        wanted & np.isfinite(picture.position_enu_m).all(axis=1) & np.isfinite(picture.velocity_enu_mps).all(axis=1)
    )
    rows = np.flatnonzero(wanted)
    if rows.size == 0:
        return []
    position, velocity, covariance = (
        picture.position_enu_m[rows],
        picture.velocity_enu_mps[rows],
        picture.covariance[rows],
    )
    latitude, longitude, hae = place.frame.to_geodetic(position)
    major, minor, azimuth = ellipses(covariance, 0.95)
    chance = picture.class_probability[rows]
    columns: dict[str, list[Any]] = {
        "latitude_deg": latitude.tolist(),
        "longitude_deg": longitude.tolist(),
        "altitude_hae_m": hae.tolist(),
        "altitude_amsl_m": (hae - place.site.geoid_undulation_m).tolist(),
        "altitude_agl_m": np.asarray(place.terrain.height_agl_m(position)).tolist(),
        "altitude_sigma_m": np.sqrt(np.maximum(covariance[:, 2, 2], 0.0)).tolist(),
        "speed_mps": np.hypot(velocity[:, 0], velocity[:, 1]).tolist(),
        "course_deg": (np.degrees(np.arctan2(velocity[:, 0], velocity[:, 1])) % 360.0).tolist(),
        "climb_mps": velocity[:, 2].tolist(),
        "ellipse_semi_major_m": major.tolist(),
        "ellipse_semi_minor_m": minor.tolist(),
        "ellipse_azimuth_deg": azimuth.tolist(),
        "existence": np.clip(picture.existence[rows], 0.0, 1.0).tolist(),
        "is_confirmed": picture.is_confirmed[rows].tolist(),
        "class_probability": np.clip(chance.max(axis=1), 0.0, 1.0).tolist(),
        "started_at_us": picture.started_at_us[rows].tolist(),
        "updated_at_us": picture.updated_at_us[rows].tolist(),
        "hidden": picture.hidden[rows].tolist(),
        "border_distance_m": np.asarray(place.border.signed_distance_m(position[:, 0], position[:, 1])).tolist(),
    }
    best = np.argmax(chance, axis=1).tolist()
    words = _Words(state, claims, tuple(sensor_ids))
    tracks = []
    for k, (row, values) in enumerate(zip(rows.tolist(), zip(*columns.values(), strict=True), strict=True)):
        fields = dict(zip(columns, values, strict=True))
        fields["class_name"] = CLASS_NAMES[best[k]]
        if fields["hidden"]:
            fields["reappears"] = [_reappearance(place, one) for one in reappears.get(int(picture.track_id[row]), ())]
        # The words come last: a transponder's claim speaks louder than the motion.
        fields |= words.of(int(picture.track_id[row]), int(picture.claim_key[row]), int(picture.sensor_mask[row]))
        tracks.append(Track(**fields))
    return tracks


def _reappearance(place: Place, found: tracking.Reappearance) -> Reappearance:
    """The area as people see it, on the ground."""
    latitude, longitude, _ = place.frame.to_geodetic(np.append(found.centre_enu_m, 0.0)[None])
    (major,), (minor,), (azimuth,) = ellipses(found.covariance[None], tracking.REAPPEARANCE_HOLDS)
    area = Area(
        latitude_deg=float(latitude[0]),
        longitude_deg=float(longitude[0]),
        semi_major_m=float(major),
        semi_minor_m=float(minor),
        azimuth_deg=float(azimuth),
        probability=tracking.REAPPEARANCE_HOLDS,
    )
    return Reappearance(area=area, from_us=found.from_us, to_us=found.to_us, probability=min(found.probability, 1.0))


def ellipses(covariance: FloatArray, probability: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Semi-axes in metres and azimuth of the major axis in degrees [n] of horizontal covariances [n, ≥2, ≥2].

    The closed form of the eigenvalues of a 2 × 2 matrix, for many at once; ``geography.ellipse_from_covariance`` is
    the same for one.
    """
    xx, xy, yy = covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]
    middle, half = 0.5 * (xx + yy), np.hypot(0.5 * (xx - yy), xy)
    scale = -2.0 * np.log(1.0 - probability)
    major = np.sqrt(scale * np.maximum(middle + half, 0.0))
    minor = np.sqrt(scale * np.maximum(middle - half, 0.0))
    azimuth = (90.0 - np.degrees(0.5 * np.arctan2(2.0 * xy, xx - yy))) % 180.0
    return major, minor, azimuth


class _Words(NamedTuple):
    """The named part of a track record: number, sensors, claim, verdict."""

    state: State
    claims: Mapping[int, Claim]
    sensor_ids: tuple[str, ...]

    def of(self, track_id: int, key: int, mask: int) -> dict[str, Any]:
        claim = self.claims.get(key)
        identity = _identity(self.state, track_id, key)
        words: dict[str, Any] = {
            "track_id": track_name(track_id),
            "sensors": [name for bit, name in enumerate(self.sensor_ids) if mask >> bit & 1],
            "claim": None if claim is None else claim_name(claim),
            "verdict": identity.verdict,
            "verdict_reasons": [str(one) for one in identity.reasons],
            "verdict_said": [said_of(one) for one in identity.reasons],
        }
        if claim is not None and claim.kind in (ClaimKind.ADSB, ClaimKind.MODE_S):
            chance = MANNED_IF_CLAIMED.get(identity.verdict)
            if chance is not None:
                words["class_name"] = CLASS_NAMES[TrackClass.MANNED_AIRCRAFT]
                words["class_probability"] = chance
        return words


def _identity(state: State, track_id: int, key: int) -> Identity:
    if key == 0:
        return NO_CLAIM
    return state.identities.get(track_id, NOT_TESTED)
