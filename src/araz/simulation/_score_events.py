"""The parts of the score that need no second-by-second pairing: drops, claims, dead sensors, and two helpers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

import numpy as np

from araz.geography import LocalFrame
from araz.simulation._board import DropScore, Rate
from araz.simulation._gospa import assign
from araz.simulation._truth import TruthEvent
from araz.vocabulary import Area, FloatArray, Incident, IncidentKind

#: A named drop belongs to a real one when it is this close in time and place.
DROP_US: Final = 120_000_000
DROP_M: Final = 1_000.0
_Z: Final = 1.959964


def rate(hits: int, cases: int) -> Rate:
    """A share with its Wilson 95 % interval."""
    if cases == 0:
        return Rate(hits=0, cases=0, share=None, low=None, high=None)
    p, n = hits / cases, cases
    middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * float(np.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)))
    return Rate(hits=hits, cases=cases, share=p, low=max(0.0, middle - half), high=min(1.0, middle + half))


def quantile(values: Sequence[float] | FloatArray, q: float) -> float | None:
    """A quantile, None of nothing."""
    return float(np.quantile(values, q)) if len(values) else None


def drops_of(happened: Sequence[TruthEvent], incidents: Sequence[Incident]) -> tuple[list[DropScore], int]:
    """Each real drop with the named drop that belongs to it, and how many named drops belong to none."""
    replaced = {incident.supersedes for incident in incidents if incident.supersedes}
    named = [
        incident
        for incident in incidents
        if incident.kind == IncidentKind.DROP and incident.areas and incident.incident_id not in replaced
    ]
    real = [event for event in happened if event.kind == "drop" and event.latitude_deg is not None]
    if not real:
        return [], len(named)
    frame = LocalFrame(float(real[0].latitude_deg or 0), float(real[0].longitude_deg or 0), 0.0)
    truth = frame.to_enu(
        np.array([event.latitude_deg for event in real], dtype=np.float64),
        np.array([event.longitude_deg for event in real], dtype=np.float64),
        0.0,
    )[:, :2]
    guess = np.zeros((0, 2))
    if named:
        centres = [incident.areas[0] for incident in named]
        guess = frame.to_enu([a.latitude_deg for a in centres], [a.longitude_deg for a in centres], 0.0)[:, :2]
    # Time as a third axis, scaled so that both limits are the same length.
    scale = DROP_M / DROP_US
    start = real[0].at_us
    truth3 = np.column_stack([truth, [(event.at_us - start) * scale for event in real]])
    guess3 = np.column_stack([guess, [(incident.at_us - start) * scale for incident in named]])
    rows, columns = assign(truth3, guess3, DROP_M)
    partner = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    scores = [
        _drop(event, truth[k], named[partner[k]] if k in partner else None, frame, incidents)
        for k, event in enumerate(real)
    ]
    return scores, len(named) - len(rows)


def _known_after_s(event: TruthEvent, named: Incident, incidents: Sequence[Incident]) -> float:
    """Seconds from the release to the first incident of the chain that named this release."""
    by_id = {incident.incident_id: incident for incident in incidents if incident.kind == IncidentKind.DROP}
    known, link, seen = named.known_at_us, named, {named.incident_id}
    while link.supersedes in by_id and link.supersedes not in seen:
        link = by_id[str(link.supersedes)]
        seen.add(link.incident_id)
        if abs(link.at_us - event.at_us) <= DROP_US:
            known = min(known, link.known_at_us)
    return (known - event.at_us) / 1e6


def _drop(
    event: TruthEvent, where: FloatArray, named: Incident | None, frame: LocalFrame, incidents: Sequence[Incident]
) -> DropScore:
    error = after_s = area_m2 = None
    inside: dict[float, bool] = {}
    if named is not None:
        after_s = _known_after_s(event, named, incidents)
        for area in named.areas:
            centre = frame.to_enu(area.latitude_deg, area.longitude_deg, 0.0)[0, :2]
            inside[round(area.probability, 2)] = _holds(area, where - centre)
            if round(area.probability, 2) == 0.9:
                area_m2 = float(np.pi * area.semi_major_m * area.semi_minor_m)
        first = named.areas[0]
        error = float(np.hypot(*(where - frame.to_enu(first.latitude_deg, first.longitude_deg, 0.0)[0, :2])))
    return DropScore(
        actor_id=event.actor_id or "",
        at_us=event.at_us,
        load_kg=event.load_kg or 0.0,
        found=named is not None,
        known_after_s=after_s,
        centre_error_m=error,
        in_50=inside.get(0.5),
        in_90=inside.get(0.9),
        area_90_m2=area_m2,
    )


def _holds(area: Area, offset_m: FloatArray) -> bool:
    azimuth = np.radians(area.azimuth_deg)
    along = offset_m[0] * np.sin(azimuth) + offset_m[1] * np.cos(azimuth)
    across = offset_m[0] * np.cos(azimuth) - offset_m[1] * np.sin(azimuth)
    return bool((along / max(area.semi_major_m, 1e-9)) ** 2 + (across / max(area.semi_minor_m, 1e-9)) ** 2 <= 1.0)


def drop_figures(drops: Sequence[DropScore]) -> dict[str, Any]:
    errors = [drop.centre_error_m for drop in drops if drop.centre_error_m is not None]
    in_50 = [drop.in_50 for drop in drops if drop.in_50 is not None]
    in_90 = [drop.in_90 for drop in drops if drop.in_90 is not None]
    return {
        "drop_recall": rate(sum(drop.found for drop in drops), len(drops)),
        "drop_centre_cep50_m": quantile(errors, 0.5),
        "drops_in_50": rate(sum(in_50), len(in_50)),
        "drops_in_90": rate(sum(in_90), len(in_90)),
    }


def claim_figures(
    happened: Sequence[TruthEvent],
    contradicted: Set[str],
    claims_of: Mapping[str, Set[str]],
    incidents: Sequence[Incident],
) -> dict[str, Any]:
    """Lies and truths of identity that were flagged, and dead sensors that were named.

    ``contradicted`` claims were so in some picture; ``claims_of`` lists the claims each track ever carried.
    """
    flagged = set(contradicted)
    false_identity = [incident for incident in incidents if incident.kind == IncidentKind.FALSE_IDENTITY]
    for incident in false_identity:
        flagged |= claims_of.get(incident.track_id or "", set())
    text = " ".join(incident.sentence + " ".join(r.text for r in incident.reasons_for) for incident in false_identity)

    def is_flagged(claim: str) -> bool:
        return claim in flagged or claim.partition(":")[2] in text

    lies = {event.claim for event in happened if event.kind == "false-identity" and event.claim}
    honest = {event.claim for event in happened if event.kind == "honest-identity" and event.claim}
    silent = {event.sensor_id for event in happened if event.kind == "sensor-silent"}
    named = {incident.sensor_id for incident in incidents if incident.kind == IncidentKind.SENSOR_SILENT}
    return {
        "spoofs_flagged": rate(sum(map(is_flagged, lies)), len(lies)),
        "honest_flagged": rate(sum(map(is_flagged, honest)), len(honest)),
        "silent_sensors_named": rate(len(silent & named), len(silent)),
    }
