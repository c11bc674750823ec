"""How many alarms a console bears: rates, floods, chatter and the officers' time, after ISA-18.2 and EEMUA 191."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from araz.incidents._alarms import CHATTER_COUNT
from araz.vocabulary import Alarm, AlarmFigures, AlarmState, Decision, DecisionAction

TEN_MINUTES_US: Final = 600_000_000
HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
FLOOD_COUNT: Final = 10


def alarm_figures(
    revisions: Sequence[Alarm], decisions: Sequence[Decision], from_us: int, to_us: int, label: str = ""
) -> AlarmFigures:
    """Count the alarms of a span of time.

    ``revisions`` are all revisions of all alarms up to ``to_us``, in any order; ``decisions`` those of any time. An
    alarm counts where it was raised; the console is in flood at t when n(t - 10 min, t] >= 10, n the alarms raised.
    Fails with ValueError on an empty span.
    """
    if to_us <= from_us:
        raise ValueError(f"the span from {from_us} to {to_us} is empty; give from_us < to_us")
    stories = _stories(revisions, to_us)
    raised = sorted((story[0] for story in stories.values()), key=lambda one: one.raised_at_us)
    inside = [one for one in raised if from_us <= one.raised_at_us < to_us]
    first = _first_decisions(decisions, to_us)
    waits_s = [(first[one.alarm_id] - one.raised_at_us) / 1e6 for one in inside if one.alarm_id in first]
    taken = [one for one in decisions if from_us <= one.at_us < to_us and one.alarm_id in stories]
    last = [story[-1] for story in stories.values()]
    standing = [one for one in last if one.state in (AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED)]
    times = [one.raised_at_us for one in raised]
    flood_us, floods = _flood(times, from_us, to_us)
    rejects = [one for one in taken if one.action is DecisionAction.REJECT]
    return AlarmFigures(
        from_us=from_us,
        to_us=to_us,
        label=label,
        raised=len(inside),
        raised_by_priority=dict(sorted(Counter(str(_worst(stories[one.alarm_id])) for one in inside).items())),
        per_hour=len(inside) * HOUR_US / (to_us - from_us),
        last_hour=bisect_right(times, to_us) - bisect_left(times, max(from_us, to_us - HOUR_US)),
        worst_ten_minutes=_worst_window([one.raised_at_us for one in inside]),
        flood_share=flood_us / (to_us - from_us),
        floods=floods,
        standing=len(standing),
        stale=sum(to_us - one.raised_at_us > DAY_US for one in standing),
        shelved=sum(one.state is AlarmState.SHELVED for one in last),
        chattering=sorted(name for name, story in stories.items() if _chatters(story, from_us, to_us)),
        decided=len(waits_s),
        undecided=len(inside) - len(waits_s),
        decisions_by_action=dict(sorted(Counter(one.action.value for one in taken).items())),
        median_decision_s=float(np.median(waits_s)) if waits_s else None,
        p95_decision_s=float(np.quantile(waits_s, 0.95)) if waits_s else None,
        reject_reasons=dict(Counter(one.reason or "no reason" for one in rejects).most_common()),
        groups=sum(bool(stories[one.alarm_id][-1].members) for one in inside),
    )


def _stories(revisions: Sequence[Alarm], to_us: int) -> dict[str, list[Alarm]]:
    """The revisions of each alarm up to a time, in order."""
    stories: dict[str, list[Alarm]] = defaultdict(list)
    for one in sorted(revisions, key=lambda one: one.revision):
        if one.changed_at_us <= to_us:
            stories[one.alarm_id].append(one)
    return stories


def _first_decisions(decisions: Sequence[Decision], to_us: int) -> dict[str, int]:
    first: dict[str, int] = {}
    for one in sorted(decisions, key=lambda one: one.at_us):
        if one.at_us <= to_us:
            first.setdefault(one.alarm_id, one.at_us)
    return first


def _worst(story: Sequence[Alarm]) -> int:
    return min(one.priority for one in story)


def _worst_window(times_us: Sequence[int]) -> int:
    """Most alarms raised within any ten minutes, (t - 10 min, t]."""
    return max((k + 1 - bisect_right(times_us, at - TEN_MINUTES_US) for k, at in enumerate(times_us)), default=0)


def _flood(times_us: Sequence[int], from_us: int, to_us: int) -> tuple[int, int]:
    """Microseconds in flood, and how often one began: the count changes only where a window opens or shuts."""
    edges = sorted({from_us, to_us, *times_us, *(at + TEN_MINUTES_US for at in times_us)})
    edges = [at for at in edges if from_us <= at <= to_us]
    total, begun, was = 0, 0, False
    for start, end in pairwise(edges):
        count = bisect_right(times_us, start) - bisect_right(times_us, start - TEN_MINUTES_US)
        is_flood = count >= FLOOD_COUNT
        total += (end - start) * is_flood
        begun += is_flood and not was
        was = is_flood
    return total, begun


def _chatters(story: Sequence[Alarm], from_us: int, to_us: int) -> bool:
    """Whether an alarm was raised or came back from cleared three times within ten minutes of the span."""
    came = [story[0].changed_at_us]
    came += [
        after.changed_at_us
        for before, after in pairwise(story)
        if before.state is AlarmState.CLEARED and after.state is AlarmState.ACTIVE
    ]
    came = [at for at in came if from_us <= at < to_us]
    return any(came[k + CHATTER_COUNT - 1] - came[k] < TEN_MINUTES_US for k in range(len(came) - CHATTER_COUNT + 1))
