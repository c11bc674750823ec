"""Release by four eyes: one account of the owning service asks, another one confirms, either may revoke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec.structs import replace

from araz.vocabulary import Alarm, Release, ReleaseScope, ReleaseStep, Track, phrase

#: Before the names of what was released: its owner's numbers are not those of the reader's own picture.
RELEASED = "R-"


class Standing(NamedTuple):
    """A release as far as it has come."""

    asked: Release
    confirmed: Release | None = None
    revoked: Release | None = None

    @property
    def holds(self) -> bool:
        """Whether two persons stand behind it and none took it back."""
        return self.confirmed is not None and self.revoked is None


@dataclass(frozen=True, slots=True, eq=False)
class Releases:
    """All releases by their ids, oldest first."""

    by_id: Mapping[str, Standing] = field(default_factory=dict)


def release_objection(state: Releases, step: Release) -> str | None:
    """Why a step is no valid one, as a sentence; None when it is."""
    if not step.reason.strip() or not step.account or not step.service:
        return "a release needs a reason, and an account with a service"
    known = state.by_id.get(step.release_id)
    if step.step is ReleaseStep.ASK:
        if known is not None:
            return f"there is a release {step.release_id} already; send a new id"
        if not step.to_service or step.to_service == step.service:
            return "a release goes to another service; name it in to_service"
        return None
    if known is None:
        return f"nobody asked for a release {step.release_id}"
    asked = known.asked
    if step.service != asked.service:
        return f"the sources are those of {asked.service}; somebody of that service must do it"
    if (step.alarm_id, step.to_service, step.scope) != (asked.alarm_id, asked.to_service, asked.scope):
        return "this is not what was asked for; confirm or revoke what stands there, word for word"
    if known.revoked is not None:
        return f"the release {step.release_id} was revoked; ask for a new one"
    if step.step is ReleaseStep.REVOKE:
        return None
    if known.confirmed is not None:
        return f"the release {step.release_id} is confirmed already"
    return "four eyes: who asked cannot confirm it" if step.account == asked.account else None


def release_step(state: Releases, step: Release) -> Releases:
    """The releases after a step; one that breaks a rule changes nothing, wherever it came from."""
    if release_objection(state, step) is not None:
        return state
    known = state.by_id.get(step.release_id)
    if known is None:
        after = Standing(step)
    elif step.step is ReleaseStep.CONFIRM:
        after = known._replace(confirmed=step)
    else:
        after = known._replace(revoked=step)
    return Releases({**state.by_id, step.release_id: after})


def is_released(state: Releases, alarm_id: str, to_service: str, owners: frozenset[str], scope: ReleaseScope) -> bool:
    """Whether every owner released the alarm to the service; the whole case includes the picture."""
    enough = {scope, ReleaseScope.CASE}
    released = {
        one.asked.service
        for one in state.by_id.values()
        if one.holds and one.asked.alarm_id == alarm_id and one.asked.to_service == to_service
        and one.asked.scope in enough
    }  # fmt: skip
    return owners <= released


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
