"""The roster of tonight: drawn by logged probabilities, sealed before the shift, opened afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from araz.deployment._instance import Instance, names_of, place_of
from araz.deployment._limits import name_teams, slots_of
from araz.deployment._plan import Plan
from araz.deployment._season import audited_inclusion, draw_audited
from araz.evidence import GENESIS, entry_hash
from araz.vocabulary import FloatArray, IntArray, LoggedInclusion


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """One night: ``placement`` [W, P]; which team (from 0) stands at which post in each window; what was logged.

    ``inclusion`` [A]: chance, under plan and audit together and fixed before the draw, that a sortie on attack a is
    seized; ``is_audit``: this night came from the random-audit share.
    """

    draw_id: str
    placement: FloatArray
    posts: tuple[IntArray, ...]
    teams: tuple[IntArray, ...]
    window_from_us: IntArray
    window_to_us: IntArray
    inclusion: FloatArray
    audit_share: float
    is_audit: bool


def draw_roster(
    instance: Instance,
    plan: Plan,
    rng: np.random.Generator,
    *,
    draw_id: str,
    starts_at_us: int,
    window_s: float,
    audit_share: float = 0.1,
) -> Roster:
    """Draw one night: the plan, or a random audit with probability ``audit_share``.

    The probabilities (``audited_inclusion``) do not depend on what is drawn. Windows follow one another from
    ``starts_at_us``.
    Fails with ValueError on a share outside 0 to 1 or a window of no length.
    """
    if not window_s > 0:
        raise ValueError(f"window_s is {window_s}; a window lasts longer than 0 s.")
    inclusion = audited_inclusion(instance, plan, audit_share)
    placement, is_audit = draw_audited(instance, plan, audit_share, rng)
    begins = starts_at_us + np.arange(instance.windows + 1) * round(window_s * 1e6)
    return Roster(
        draw_id,
        placement,
        tuple(slots_of(instance, placement)),
        tuple(name_teams(instance, placement)),
        begins[:-1],
        begins[1:],
        inclusion,
        audit_share,
        is_audit,
    )


def inclusion_rows(instance: Instance, roster: Roster) -> list[LoggedInclusion]:
    """The log, a row for every (window, crossing cell, aircraft); zeros stay in.

    ``probability``: mean over the drops behind the crossing; ``probability_low`` and ``_high``: the least and most.
    """
    kinds = int(instance.aircraft.max()) + 1
    key = place_of(instance) * kinds + instance.aircraft
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0])
    chance = roster.inclusion[order]
    count = np.diff(np.r_[first, len(order)])
    mean = np.add.reduceat(chance, first) / count
    low, high = np.minimum.reduceat(chance, first), np.maximum.reduceat(chance, first)
    craft = names_of(kinds, instance.aircraft_names, "aircraft")
    rows = []
    for a, p, p_low, p_high in zip(order[first], mean, low, high, strict=True):
        window = int(instance.window[a])
        rows.append(
            LoggedInclusion(
                draw_id=f"{roster.draw_id}/w{window}",
                cell_id=f"c{instance.crossing[a]}",
                from_us=int(roster.window_from_us[window]),
                to_us=int(roster.window_to_us[window]),
                mode=craft[int(instance.aircraft[a])],
                probability=float(p),
                probability_low=float(p_low),
                probability_high=float(p_high),
                is_audit=roster.is_audit,
            )
        )
    return rows


def roster_rows(instance: Instance, roster: Roster) -> list[dict[str, Any]]:
    """Who stands where and when: one row a team and window, in order of window and border."""
    posts = names_of(instance.posts, instance.post_names, "post")
    rows = []
    for w, (places, teams) in enumerate(zip(roster.posts, roster.teams, strict=True)):
        for post, team in zip(places.tolist(), teams.tolist(), strict=True):
            rows.append({
                "draw_id": roster.draw_id, "window": w, "from_us": int(roster.window_from_us[w]),
                "to_us": int(roster.window_to_us[w]), "team": f"team {team + 1}", "post": posts[post],
                "post_km": round(float(instance.post_m[post]) / 1e3, 3),
            })  # fmt: skip
    return rows


def sealed_bytes(instance: Instance, roster: Roster, salt: bytes) -> bytes:
    """Canonical JSON of roster and log: what the seal covers; the salt keeps the rosters from being guessed."""
    body = {
        "salt": salt.hex(),
        "audit_share": roster.audit_share,
        "roster": roster_rows(instance, roster),
        "log_sha256": log_sha256(inclusion_rows(instance, roster)),
    }
    return _canonical(body)


def log_sha256(rows: Sequence[LoggedInclusion | dict[str, Any]]) -> str:
    """The hash under the seal by which a night's log, also read back from JSON, is known to be that of the draw."""
    return hashlib.sha256(_canonical(msgspec.to_builtins(rows))).hexdigest()


def seal(previous: bytes | None, seq: int, sealed_at_us: int, payload: bytes) -> bytes:
    """The 32 bytes that are published before the shift: the evidence chain's hash over the roster and all before it."""
    return entry_hash(GENESIS if previous is None else previous, seq, sealed_at_us, "roster", payload)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
