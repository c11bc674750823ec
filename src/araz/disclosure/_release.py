"""Release by four eyes: one account of the owning service asks, another confirms or refuses, any may take it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from msgspec.structs import replace

from araz.vocabulary import (
    MESSAGES,
    Alarm,
    Phrase,
    Release,
    ReleaseScope,
    ReleaseState,
    ReleaseStep,
    Track,
    phrase,
)

#: Before the names of what was released: its owner's numbers are not those of the reader's own picture.
RELEASED = "R-"
#: Roles that may answer a wish of somebody else's. A liaison may ask: he decides nothing (docs/roles.md).
GRANTING: Final = frozenset({"officer", "commander"})
LONGEST_US: Final = 31 * 86_400_000_000
"""A release that is asked for ends within so long: what is needed for longer is asked for again."""


class Standing(NamedTuple):
    """A release as far as it has come."""

    asked: Release
    confirmed: Release | None = None
    refused: Release | None = None
    revoked: Release | None = None

    def state_at(self, at_us: int) -> ReleaseState:
        """How far it has come by a time; whoever took it back, or refused it, did so for good."""
        if self.revoked is not None:
            return ReleaseState.WITHDRAWN if self.confirmed is None else ReleaseState.REVOKED
        if self.refused is not None:
            return ReleaseState.REFUSED
        if self.asked.until_us is not None and at_us >= self.asked.until_us:
            return ReleaseState.ENDED
        return ReleaseState.ASKED if self.confirmed is None else ReleaseState.GRANTED


@dataclass(frozen=True, slots=True, eq=False)
class Releases:
    """All releases by their ids, oldest first."""

    by_id: Mapping[str, Standing] = field(default_factory=dict)


def release_objection(state: Releases, step: Release) -> Phrase | None:
    """Why a step is no valid one, as a sentence; None when it is."""
    if not step.reason.strip() or not step.account or not step.service:
        return phrase("refused.release-reason")
    known = state.by_id.get(step.release_id)
    if step.step is ReleaseStep.ASK:
        return _asking_objection(known, step)
    if known is None:
        return phrase("refused.release-unknown", id=step.release_id)
    asked = known.asked
    if step.service != asked.service:
        return phrase("refused.release-others", service=asked.service)
    if (step.alarm_id, step.to_service, step.scope) != (asked.alarm_id, asked.to_service, asked.scope):
        return phrase("refused.release-differs")
    stands = known.state_at(step.at_us)
    if stands not in (ReleaseState.ASKED, ReleaseState.GRANTED):
        return phrase("refused.release-is", id=step.release_id, state=phrase(f"refused.state-{stands.value}"))
    if step.step is ReleaseStep.REVOKE:
        return None
    if stands is ReleaseState.GRANTED:
        return phrase("refused.release-confirmed", id=step.release_id)
    if step.role and step.role not in GRANTING:
        roles = [phrase(f"role.{role}") for role in sorted(GRANTING)]
        return phrase("refused.release-role", role=_role_said(step.role), roles=roles)
    own = {ReleaseStep.CONFIRM: "refused.own-confirm", ReleaseStep.REFUSE: "refused.own-refuse"}[step.step]
    return phrase(own) if step.account == asked.account else None


def _role_said(role: str) -> str:
    """A role in both languages; one that this version does not know as it stands."""
    return phrase(f"role.{role}") if f"role.{role}" in MESSAGES else role


def _asking_objection(known: Standing | None, step: Release) -> Phrase | None:
    if known is not None:
        return phrase("refused.release-known", id=step.release_id)
    if not step.to_service or step.to_service == step.service:
        return phrase("refused.release-to")
    if step.until_us is not None and not 0 < step.until_us - step.at_us <= LONGEST_US:
        return phrase("refused.release-end", days=LONGEST_US // 86_400_000_000)
    return None


def release_step(state: Releases, step: Release) -> Releases:
    """The releases after a step; one that breaks a rule changes nothing, wherever it came from."""
    if release_objection(state, step) is not None:
        return state
    known = state.by_id.get(step.release_id)
    if known is None:
        after = Standing(step)
    elif step.step is ReleaseStep.CONFIRM:
        after = known._replace(confirmed=step)
    elif step.step is ReleaseStep.REFUSE:
        after = known._replace(refused=step)
    else:
        after = known._replace(revoked=step)
    return Releases({**state.by_id, step.release_id: after})


def is_released(
    state: Releases, alarm_id: str, to_service: str, owners: frozenset[str], scope: ReleaseScope, at_us: int
) -> bool:
    """Whether, at a time, every owner has released the alarm to the service; the whole case includes the picture."""
    enough = {scope, ReleaseScope.CASE}
    released = {
        one.asked.service
        for one in state.by_id.values()
        if one.state_at(at_us) is ReleaseState.GRANTED and one.asked.alarm_id == alarm_id
        and one.asked.to_service == to_service and one.asked.scope in enough
    }  # fmt: skip
    return owners <= released


def next_end_us(state: Releases, to_service: str, at_us: int) -> int | None:
    """When the next of a service's granted releases ends by itself; None where none does."""
    ends = [
        one.asked.until_us for one in state.by_id.values()
        if one.asked.until_us is not None and one.asked.to_service == to_service
        and one.state_at(at_us) is ReleaseState.GRANTED
    ]  # fmt: skip
    return min(ends, default=None)


def released_track(track: Track) -> Track:
    """A released track: where it is, but not who saw it, and a circle where an ellipse would point at the sensor."""
    radius_m = max(track.ellipse_semi_major_m, track.ellipse_semi_minor_m)
    return replace(
        track, track_id=RELEASED + track.track_id, sensors=[], verdict_reasons=[], verdict_said=[],
        ellipse_semi_major_m=radius_m,
        ellipse_semi_minor_m=radius_m, ellipse_azimuth_deg=0.0,
    )  # fmt: skip


def released_alarm(alarm: Alarm, owner: str) -> Alarm:
    """A released alarm: where and how urgent; the reasons name sensors, so they stay with their owner."""
    words = phrase("event.released-to", owner=owner, alarm=alarm.alarm_id, priority=alarm.priority)
    return replace(
        alarm, alarm_id=RELEASED + alarm.alarm_id, reasons_for=[], reasons_against=[], not_seen=[], not_seen_said=[],
        incident_ids=[], members=[], decision_reason_said=None, sentence=str(words), said=words.said,
        track_id=None if alarm.track_id is None else RELEASED + alarm.track_id, decided_by=None, decision_reason=None,
    )  # fmt: skip
