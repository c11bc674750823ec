"""What the people's side of the system came to: counts of alarms, decisions and time, and the targets beside them."""

from __future__ import annotations

import msgspec

from araz.vocabulary._quantities import Count, DurationS, Probability, TimeUs


class AlarmFigures(msgspec.Struct, frozen=True, kw_only=True, tag="alarm-figures"):
    """The alarms of one console over one span of time, after ISA-18.2 and EEMUA 191; drills are not in it."""

    from_us: TimeUs
    to_us: TimeUs
    label: str = ""
    """The span in words, for example ``2026-11``."""
    raised: Count
    raised_by_priority: dict[str, Count]
    per_hour: float
    """Alarms raised in an hour, on average over the span; half of what ISA calls acceptable is 3."""
    last_hour: Count
    worst_ten_minutes: Count
    flood_share: Probability
    """Share of the span in which ten or more alarms had been raised in the ten minutes before."""
    floods: Count
    standing: Count
    """Open or acknowledged at the end of the span."""
    stale: Count
    """Of those, open for more than a day."""
    shelved: Count
    chattering: list[str]
    """Alarms that were raised or came back three times or more within ten minutes."""
    decided: Count
    undecided: Count
    """Raised in the span, and cleared or still open without a decision."""
    decisions_by_action: dict[str, Count]
    median_decision_s: DurationS | None = None
    """From the first revision to the first decision; None before there was one."""
    p95_decision_s: DurationS | None = None
    reject_reasons: dict[str, Count]
    groups: Count = 0
    """Alarms that stand for several."""
