"""A claim held against physics: whether something is really there, and can be what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from araz.geography import ZoneKind, zones_at
from araz.incidents._features import CLAIM_DRONE, CLAIM_MANNED, CLAIM_OTHER, Features
from araz.incidents._state import FORGET_US, ClaimSeen, Context, Identity
from araz.vocabulary import (
    BoolArray,
    Claim,
    ClaimKind,
    FloatArray,
    IdentityVerdict,
    IntArray,
    Observation,
    Position,
    SensorHealth,
    SensorState,
    TrackPicture,
    phrase,
)

#: A radar silence of one in a thousand, over at least ten seconds, contradicts a Remote ID claim.
MISS_NATS: Final = 6.9
COVERED_S: Final = 10.0
#: Aircraft are large and their transponders honest: their radar silence must be far longer.
MANNED_FACTOR: Final = 3.0
#: Small drones and Remote ID: nothing that broadcasts it flies faster than this; aircraft stay below the other.
DRONE_SPEED_MPS: Final = 120.0
MANNED_SPEED_MPS: Final = 350.0
JUMP_M: Final = 500.0
#: One wrong fix is a jump there and a jump back; real receivers give some (a rescue helicopter's feed on record has 3
#: in 18 minutes, a fire aircraft's 3 within 8 s). Two transmitters jump at every message: five in a row are neither.
JUMPS: Final = 3.5
JUMP_KEPT: Final = 0.9
#: Once contradicted, a claim is believed again only after radars saw it, or a drone beside it, this much longer than
#: not: a bird passes in seconds, and one plot of clutter on a forged track is no second sensor.
SUPPORT_AGAIN_S: Final = 30.0
#: A moving-target radar may not see what stands still.
MOVING_MPS: Final = 3.0
_MARGIN_M: Final = 15.0


def claim_name(claim: Claim) -> str:
    """``kind:identity``, as shown to people."""
    return f"{claim.kind.value}:{claim.identity}"


def watch_claims(
    context: Context, seen: Mapping[str, ClaimSeen], observations: Sequence[Observation], now_us: int
) -> dict[str, ClaimSeen]:
    """Follow where every claimed identity says it is, and count jumps no aircraft can make."""
    result = {name: last for name, last in seen.items() if now_us - last.at_us < FORGET_US}
    claimed = [o for o in observations if o.claim is not None and isinstance(o.measurement, Position)]
    if not claimed:
        return result
    places = [o.measurement for o in claimed if isinstance(o.measurement, Position)]
    height = context.place.site.origin_hae_m
    enu = context.place.frame.to_enu(
        np.array([p.latitude_deg for p in places]), np.array([p.longitude_deg for p in places]),
        np.full(len(places), height),
    ).reshape(-1, 3)  # fmt: skip
    away_m = context.place.border.signed_distance_m(enu[:, 0], enu[:, 1])
    for i, observation in enumerate(claimed):
        assert observation.claim is not None
        name = claim_name(observation.claim)
        is_manned = observation.claim.kind in (ClaimKind.ADSB, ClaimKind.MODE_S)
        last = result.get(name)
        outside = bool(away_m[i] > 0.0) or (last is not None and last.was_outside)
        result[name] = _moved(last, observation.observed_at_us, enu[i], is_manned)._replace(was_outside=outside)
    return result


def _moved(last: ClaimSeen | None, at_us: int, enu: FloatArray, is_manned: bool) -> ClaimSeen:
    east, north = float(enu[0]), float(enu[1])
    if last is None:
        return ClaimSeen(at_us, east, north, 0.0, 0, 0.0)
    step_m = float(np.hypot(east - last.east_m, north - last.north_m))
    # Receivers stamp to the second at worst: a jump must be impossible even so.
    speed = step_m / max(abs(at_us - last.at_us) * 1e-6, 1.0)
    limit = MANNED_SPEED_MPS if is_manned else DRONE_SPEED_MPS
    latest = max(at_us, last.at_us)
    if step_m > JUMP_M and speed > limit:
        return ClaimSeen(latest, east, north, JUMP_KEPT * last.jumps + 1.0, latest, speed)
    return ClaimSeen(latest, east, north, JUMP_KEPT * last.jumps, last.last_jump_us, last.jump_speed_mps)


def radar_looks(
    context: Context, health: Sequence[SensorHealth], now_us: int, position: FloatArray, step_s: float
) -> FloatArray:
    """Natural-log unlikelihood that no healthy radar saw each place [n] over ``step_s``; 0 where none can see."""
    table = context.table
    state = {h.sensor_id: h for h in health}
    total = np.zeros(position.shape[0])
    for i, name in enumerate(context.names):
        if not context.radar_bits >> i & 1 or not _is_alive(state.get(name), now_us, context.silent_after_us[i]):
            continue
        offset = position - table.origin_enu_m[i]
        ground = np.hypot(offset[:, 0], offset[:, 1])
        elevation = np.arctan2(offset[:, 2], np.maximum(ground, 1.0))
        visible = position[:, 2] > table.lowest_seen_m(i, position[:, 0], position[:, 1]) + _MARGIN_M
        inside = (
            visible
            & (np.linalg.norm(offset, axis=1) < 0.9 * table.max_range_m[i])
            & (ground > 100.0)
            & (elevation > table.min_elevation_rad[i])
            & (elevation < table.max_elevation_rad[i] - 0.03)
        )
        miss = -np.log(1.0 - min(float(table.detection_probability[i]), 0.95))
        total += np.where(inside, miss * step_s / max(float(table.period_s[i]), 0.1), 0.0)
    return total


def _is_alive(health: SensorHealth | None, now_us: int, silent_after_us: int) -> bool:
    if health is None or health.last_heard_us is None:
        return False
    if health.state not in (SensorState.OK, SensorState.DEGRADED, SensorState.UNKNOWN):
        return False
    return now_us - health.last_heard_us <= max(silent_after_us, 15_000_000)


def _is_near_real(context: Context, picture: TrackPicture, rows: IntArray, refuted: IntArray) -> BoolArray:
    """Whether a track that a real sensor sees flies beside each claimed one (the tracker may keep them apart).

    Of ``refuted`` tracks none vouches for another.
    """
    is_seen = (picture.sensor_mask & ~context.claim_bits) != 0
    real = np.flatnonzero(is_seen & ~np.isin(picture.track_id, refuted))
    if real.size == 0:
        return np.zeros(rows.shape[0], dtype=np.bool_)
    delta = picture.position_enu_m[rows][:, None, :2] - picture.position_enu_m[real][None, :, :2]
    drift = picture.velocity_enu_mps[rows][:, None, :2] - picture.velocity_enu_mps[real][None, :, :2]
    spread = picture.covariance[rows, 0, 0][:, None] + picture.covariance[real, 0, 0][None, :]
    distance = np.linalg.norm(delta, axis=2)
    near = (distance < 100.0 + 3.0 * np.sqrt(np.maximum(spread, 0.0))) & (np.linalg.norm(drift, axis=2) < 8.0)
    # One real aircraft vouches for one claim, its nearest: a swarm of claims around it stays unsupported.
    nearest = np.argmin(np.where(near, distance, np.inf), axis=0)
    result = np.zeros(rows.shape[0], dtype=np.bool_)
    result[nearest[near.any(axis=0)]] = True
    return result


def judge(
    context: Context,
    identities: Mapping[int, Identity],
    claims_seen: Mapping[str, ClaimSeen],
    picture: TrackPicture,
    seen: Features,
    claims: Mapping[int, Claim],
    health: Sequence[SensorHealth],
    sighted: Mapping[int, int],
    step_s: float,
) -> dict[int, Identity]:
    """The verdict on every confirmed track that carries a claim, by track id; old ones are kept half an hour.

    ``sighted`` says when a radar last saw each track.
    """
    now = picture.at_us
    result = {k: v for k, v in identities.items() if now - v.last_seen_us < FORGET_US}
    at = np.flatnonzero(picture.claim_key[seen.row] != 0)
    if at.size == 0:
        return result
    rows = seen.row[at]
    is_real = (picture.sensor_mask[rows] & ~context.claim_bits) != 0
    refuted = [track for track, one in result.items() if one.verdict is IdentityVerdict.CONTRADICTED]
    near = _is_near_real(context, picture, rows, np.array(refuted, dtype=np.int64))
    looks = radar_looks(context, health, now, picture.position_enu_m[rows], step_s)
    fresh = now - picture.updated_at_us[rows] < 5_000_000
    for j, i in enumerate(at):
        track = int(seen.track_id[i])
        claim = claims.get(int(picture.claim_key[rows[j]]))
        nats = float(looks[j]) if fresh[j] and seen.speed_mps[i] > MOVING_MPS else 0.0
        before = result.get(track, Identity(IdentityVerdict.UNTESTED, ()))
        told = None if claim is None else claims_seen.get(claim_name(claim))
        sight = sighted.get(track)
        came = before.was_outside or seen.border_m[i] > 0.0 or (told is not None and told.was_outside)
        verdict = _verdict(
            context, before, claim, int(seen.claim_code[i]), _is_backed(context, before, bool(is_real[j]), sight, now)
            or bool(near[j]), nats, float(seen.speed_mps[i]), picture.position_enu_m[rows[j]], claims_seen, step_s, now,
        )  # fmt: skip
        if verdict.verdict is IdentityVerdict.SUPPORTED and int(seen.claim_code[i]) == CLAIM_DRONE:
            verdict = _in_zones(context, verdict, bool(came), picture.position_enu_m[rows[j]], now)
        was_refuted = before.was_refuted or verdict.verdict is IdentityVerdict.CONTRADICTED
        result[track] = replace(verdict, was_outside=bool(came), was_refuted=was_refuted)
    return result


def _is_backed(context: Context, before: Identity, is_real: bool, sighted_us: int | None, now_us: int) -> bool:
    """Whether another sensor bears a claim out: any that ever saw the track; once refuted, a radar that does now."""
    if before.verdict is not IdentityVerdict.CONTRADICTED:
        return is_real
    return sighted_us is not None and now_us - sighted_us <= context.stale_us


def _verdict(
    context: Context,
    before: Identity,
    claim: Claim | None,
    code: int,
    is_supported: bool,
    nats: float,
    speed_mps: float,
    position: FloatArray,
    claims_seen: Mapping[str, ClaimSeen],
    step_s: float,
    now_us: int,
) -> Identity:
    jumped = None if claim is None else claims_seen.get(claim_name(claim))
    limit = MANNED_SPEED_MPS if code == CLAIM_MANNED else DRONE_SPEED_MPS
    if jumped is not None and jumped.jumps >= JUMPS and now_us - jumped.last_jump_us < FORGET_US:
        why = phrase("claim.two-places", speed=f"{jumped.jump_speed_mps:.0f}")
        return Identity(IdentityVerdict.CONTRADICTED, (why,), last_seen_us=now_us)
    if code in (CLAIM_DRONE, CLAIM_MANNED) and speed_mps > limit:
        why = phrase("claim.too-fast", speed=f"{speed_mps:.0f}", limit=f"{limit:.0f}")
        return Identity(IdentityVerdict.CONTRADICTED, (why,), last_seen_us=now_us)
    if is_supported:
        seen_s = before.supported_s + step_s
        if before.verdict is IdentityVerdict.CONTRADICTED and seen_s < SUPPORT_AGAIN_S:
            return replace(before, supported_s=seen_s, last_seen_us=now_us)
        return _supported(context, claim, position, now_us)
    needed = MISS_NATS * (MANNED_FACTOR if code in (CLAIM_MANNED, CLAIM_OTHER) else 1.0)
    covered = before.covered_s + (step_s if nats > 0.0 else 0.0)
    total = before.miss_nats + nats
    is_false = before.verdict is IdentityVerdict.CONTRADICTED or (total >= needed and covered >= COVERED_S)
    if is_false:
        why = phrase("claim.no-radar-saw", seconds=f"{covered:.0f}")
        seen_s = max(before.supported_s - step_s, 0.0)
        return Identity(IdentityVerdict.CONTRADICTED, (why,), total, covered, False, now_us, seen_s)
    why = phrase("claim.untested-covered" if nats > 0.0 else "claim.untested")
    return Identity(IdentityVerdict.UNTESTED, (why,), total, covered, nats > 0.0, now_us)


def _supported(context: Context, claim: Claim | None, position: FloatArray, now_us: int) -> Identity:
    seen = phrase("claim.seen")
    for flight in () if claim is None else context.place.site.authorised:
        if claim is None or flight.identity.lower() != claim.identity.lower():
            continue
        if not flight.from_us <= now_us <= flight.to_us:
            return Identity(
                IdentityVerdict.SUPPORTED,
                (seen, phrase("claim.outside-hours", label=flight.label)),
                last_seen_us=now_us,
            )
        height = context.place.site.origin_hae_m
        centre = context.place.frame.to_enu(flight.latitude_deg, flight.longitude_deg, height).reshape(-1)
        if float(np.hypot(position[0] - centre[0], position[1] - centre[1])) <= flight.radius_m:
            why = phrase("claim.authorised", label=flight.label)
            return Identity(IdentityVerdict.AUTHORISED, (seen, why), last_seen_us=now_us)
        why = phrase("claim.outside-area", label=flight.label)
        return Identity(IdentityVerdict.SUPPORTED, (seen, why), last_seen_us=now_us)
    return Identity(IdentityVerdict.SUPPORTED, (seen,), last_seen_us=now_us)


#: What a zone says of a drone in it that nobody listed.
_ZONE_WORDS: Final = {
    ZoneKind.PROHIBITED: "claim.zone-prohibited",
    ZoneKind.REQ_AUTHORIZATION: "claim.zone-authorisation",
    ZoneKind.CONDITIONAL: "claim.zone-conditions",
    ZoneKind.USPACE: "claim.zone-uspace",
}


def _in_zones(context: Context, identity: Identity, was_outside: bool, position: FloatArray, now_us: int) -> Identity:
    """A drone that is where it says it is: excused inside a zone without restriction, unless it came over the line.

    Every other zone only adds its words to the reasons; so does a free zone within which another one restricts.
    """
    place = context.place
    if not place.zones:
        return identity
    latitude, longitude, hae = (float(value[0]) for value in place.frame.to_geodetic(position))
    agl = float(place.terrain.height_agl_m(position)[0])
    here = zones_at(place.zones, latitude, longitude, agl, hae - place.site.geoid_undulation_m, hae, now_us)
    limits = [zone for zone in here if zone.kind is not ZoneKind.NO_RESTRICTION]
    words = tuple(phrase(_ZONE_WORDS[zone.kind], zone=zone.label) for zone in limits)
    free = [zone for zone in here if zone.kind is ZoneKind.NO_RESTRICTION]
    if limits or not free:
        return replace(identity, reasons=identity.reasons + words)
    if was_outside:
        why = phrase("claim.zone-from-outside", zone=free[0].label)
        return replace(identity, reasons=(*identity.reasons, why))
    why = phrase("claim.zone-free", zone=free[0].label)
    return replace(identity, verdict=IdentityVerdict.AUTHORISED, reasons=(*identity.reasons, why))
