"""Release by four eyes over the console: ask, confirm, revoke."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post

from araz.app import _pipeline as pipeline
from araz.app._views import Whole
from araz.console import AnyRequest, Clock, Gate, Refused, Session, Submit, json_of
from araz.disclosure import Standing, release_objection
from araz.vocabulary import Release, ReleaseScope, ReleaseStep

MAX_REASON = 2_000


class ReleaseIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a browser sends of a step; who does it is taken from the session."""

    release_id: str
    step: ReleaseStep
    alarm_id: str
    to_service: str
    reason: str
    scope: ReleaseScope = ReleaseScope.PICTURE


class ReleaseShown(msgspec.Struct, frozen=True, kw_only=True):
    """A release as far as it has come."""

    asked: Release
    confirmed: Release | None
    revoked: Release | None
    holds: bool


def release_handlers(whole: Whole, submit: Submit, clock: Clock, gate: Gate | None) -> list[Any]:
    """The paths of releases: ``GET`` what concerns one's service, ``POST`` one step."""

    def session(request: AnyRequest) -> Session:
        found = None if gate is None else gate.session_of(dict(request.scope["headers"]))
        if found is None:
            remedy = "start araz watch with --accounts and --tls, and sign in"
            raise Refused(403, "no-account", "a release needs two accounts, and nobody is signed in", remedy)
        return found[1]

    @get("/api/releases", sync_to_thread=False)
    def get_releases(request: AnyRequest) -> list[ReleaseShown]:
        mine = session(request).service
        return [
            _shown(one) for one in whole.releases.by_id.values() if mine in (one.asked.service, one.asked.to_service)
        ]

    @post("/api/releases")
    async def post_release(request: AnyRequest) -> Response[ReleaseShown]:
        who, said = session(request), await json_of(request, ReleaseIn, "release")
        step = Release(
            release_id=said.release_id[:64], step=said.step, alarm_id=said.alarm_id, to_service=said.to_service,
            scope=said.scope, reason=said.reason[:MAX_REASON], account=who.account, service=who.service, at_us=clock(),
        )  # fmt: skip
        _check(whole, step)
        await submit(pipeline.RELEASE_SOURCE, msgspec.json.encode(step))
        standing = whole.releases.by_id.get(step.release_id)
        if standing is None or step not in standing:
            raise Refused(409, "not-this-step", "somebody was quicker", "look at GET /api/releases and try again")
        return Response(_shown(standing), status_code=201)

    return [get_releases, post_release]


def _shown(one: Standing) -> ReleaseShown:
    return ReleaseShown(asked=one.asked, confirmed=one.confirmed, revoked=one.revoked, holds=one.holds)


def _check(whole: Whole, step: Release) -> None:
    objection = release_objection(whole.releases, step)
    if objection is not None:
        raise Refused(409, "not-this-step", objection, "see docs/disclosure.md, four eyes")
    alarm = whole.alarms.get(step.alarm_id)
    if alarm is None:
        raise Refused(404, "no-alarm", f"there is no alarm {step.alarm_id!r}", "see /api/alarms for their names")
    owners = whole.owners(alarm, step.to_service, step.scope)
    if step.step is ReleaseStep.ASK and step.service not in owners:
        text = f"{step.service} hides nothing of {step.alarm_id} from {step.to_service}"
        remedy = f"its sources are those of {', '.join(sorted(owners)) or 'nobody: it is shown already'}"
        raise Refused(403, "not-your-source", text, remedy)
