"""Release by four eyes over the console: ask, confirm or refuse, take back."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from araz.app import _pipeline as pipeline
from araz.app._views import Whole
from araz.console import AnyRequest, Clock, Gate, Refused, Session, Submit, asks, json_of
from araz.disclosure import GRANTING, Standing, release_objection, sees_all
from araz.vocabulary import LATEST_TIME_US, Release, ReleaseScope, ReleaseState, ReleaseStep, phrase

MAX_REASON: Final = 2_000
SHIFT_US: Final = 12 * 3600 * 1_000_000
"""A release that does not say when it ends does so after a shift."""


class ReleaseIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a browser sends of a step; who does it is taken from the session."""

    release_id: Annotated[str, Meta(min_length=1, max_length=64)]
    step: ReleaseStep
    alarm_id: str
    to_service: str
    reason: Annotated[str, Meta(max_length=MAX_REASON)]
    scope: ReleaseScope = ReleaseScope.PICTURE
    until_us: Annotated[int, Meta(ge=0, le=LATEST_TIME_US)] | None = None
    """When it ends by itself; None: a shift from now."""


class ReleaseShown(msgspec.Struct, frozen=True, kw_only=True):
    """A release as far as it has come."""

    state: ReleaseState
    asked: Release
    confirmed: Release | None
    refused: Release | None
    revoked: Release | None


class ReleasesShown(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns one's service, newest first, and what the reader himself may do about it."""

    account: str
    service: str
    is_granting: bool
    """Whether the reader's role may answer what somebody else of his service asked for."""
    to_services: list[str]
    """To whom something can be released; empty for whoever sees a part himself."""
    releases: list[ReleaseShown]


def release_handlers(whole: Whole, submit: Submit, clock: Clock, gate: Gate | None) -> list[Any]:
    """The paths of releases: ``GET`` what concerns one's service, ``POST`` one step."""

    def session(request: AnyRequest) -> Session:
        found = None if gate is None else gate.session_of(dict(request.scope["headers"]))
        if found is None:
            raise Refused(403, "no-account", phrase("refused.two-accounts"), phrase("refused.start-with-accounts"))
        return found[1]

    @get("/api/releases", sync_to_thread=False)
    def get_releases(request: AnyRequest) -> ReleasesShown:
        who, now_us = session(request), clock()
        mine = [
            one for one in whole.releases.by_id.values() if who.service in (one.asked.service, one.asked.to_service)
        ]
        others = [] if who.service in whole.partial else sorted(whole.partial)
        return ReleasesShown(
            account=who.account, service=who.service, is_granting=who.role.value in GRANTING, to_services=others,
            releases=[_shown(one, now_us) for one in reversed(mine)],
        )  # fmt: skip

    @post("/api/releases", opt=asks(body=ReleaseIn))
    async def post_release(request: AnyRequest) -> Response[ReleaseShown]:
        who, said, now_us = session(request), await json_of(request, ReleaseIn, "release"), clock()
        ends_us = now_us + SHIFT_US if said.until_us is None else said.until_us
        step = Release(
            release_id=said.release_id, step=said.step, alarm_id=said.alarm_id, to_service=said.to_service,
            scope=said.scope, reason=said.reason, account=who.account, service=who.service, at_us=now_us,
            role=who.role.value, until_us=ends_us if said.step is ReleaseStep.ASK else None,
        )  # fmt: skip
        _check(whole, step)
        await submit(pipeline.RELEASE_SOURCE, msgspec.json.encode(step))
        standing = whole.releases.by_id.get(step.release_id)
        if standing is None or step not in standing:
            raise Refused(409, "not-this-step", phrase("refused.quicker"), phrase("refused.look-at-releases"))
        return Response(_shown(standing, now_us), status_code=201)

    return [get_releases, post_release]


def _shown(one: Standing, at_us: int) -> ReleaseShown:
    return ReleaseShown(
        state=one.state_at(at_us), asked=one.asked, confirmed=one.confirmed, refused=one.refused, revoked=one.revoked
    )


def _check(whole: Whole, step: Release) -> None:
    objection = release_objection(whole.releases, step)
    if objection is not None:
        raise Refused(409, "not-this-step", objection, phrase("refused.four-eyes"))
    alarm = whole.alarms.get(step.alarm_id)
    owners = frozenset[str]() if alarm is None else whole.owners(alarm, step.to_service, step.scope)
    if whole.site is not None and not sees_all(whole.site, step.service) and step.service not in owners:
        # One answer for both: which numbers the night's alarms have would tell how many a closed source raised.
        text = phrase("refused.no-own-alarm", service=step.service, alarm=repr(step.alarm_id))
        raise Refused(404, "no-alarm", text, phrase("refused.who-saw"))
    if alarm is None:
        text = phrase("refused.no-alarm", alarm=repr(step.alarm_id))
        raise Refused(404, "no-alarm", text, phrase("refused.see-alarms"))
    if step.step is ReleaseStep.ASK and step.service not in owners:
        text = phrase("refused.hides-nothing", service=step.service, alarm=step.alarm_id, to=step.to_service)
        names = ", ".join(sorted(owners))
        remedy = phrase("refused.sources-of", owners=names) if names else phrase("refused.shown-already")
        raise Refused(403, "not-your-source", text, remedy)
