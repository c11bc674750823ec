"""What a card says, and how its next revision is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import msgspec

from araz.incidents._state import Card, Shown
from araz.incidents._work import Work, track_name
from araz.vocabulary import Alarm, AlarmState, Area, Reason, said_of

#: A card that only drifts is not said again before this.
MIN_REVISION_US: Final = 15_000_000


class Words(NamedTuple):
    """The long part of a card; made only when the card is sent."""

    sentence: str
    reasons_for: tuple[Reason, ...] = ()
    reasons_against: tuple[Reason, ...] = ()
    not_seen: tuple[str, ...] = ()
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a card should say now; ``key`` is the thing it is about (``track:12``), one card a key.

    ``words`` is called only if the card is sent: most seconds change nothing an officer cares about.
    """

    key: str
    kind: str
    priority: int
    confidence: float
    shown: Shown
    words: Callable[[], Words]
    to_decide: str = ""
    track_id: int | None = None
    incident_ids: tuple[str, ...] = ()
    news_ids: tuple[str, ...] | None = None
    """The incidents that must be shown at once; all of them when None."""
    may_raise: bool = True


def fresh(work: Work, priority: int, content: dict[str, Any]) -> Alarm:
    """The first revision of a new card, with the fields that ``content_of`` gives."""
    work.alarm_count += 1
    return Alarm(
        alarm_id=f"A{work.alarm_count:04d}",
        revision=1,
        priority=priority,
        state=AlarmState.ACTIVE,
        raised_at_us=work.now_us,
        changed_at_us=work.now_us,
        **content,
    )


def content_of(proposal: Proposal) -> dict[str, Any]:
    """The fields of a revision that follow from its proposal."""
    words = proposal.words()
    return {
        **spoken(words.sentence, proposal.to_decide, words.not_seen),
        "confidence": round(min(max(proposal.confidence, 0.0), 1.0), 3),
        "reasons_for": list(words.reasons_for),
        "reasons_against": list(words.reasons_against),
        "track_id": None if proposal.track_id is None else track_name(proposal.track_id),
        "incident_ids": list(proposal.incident_ids),
        "areas": list(words.areas),
    }


def spoken(sentence: str, to_decide: str, not_seen: Sequence[str]) -> dict[str, Any]:
    """The texts of a card, each with what it was made of."""
    return {
        **sentence_of(sentence),
        **question(to_decide),
        "not_seen": [str(one) for one in not_seen],
        "not_seen_said": [said_of(one) for one in not_seen],
    }


def sentence_of(text: str) -> dict[str, Any]:
    """A card's sentence, with what it was made of."""
    return {"sentence": str(text), "said": said_of(text)}


def question(text: str) -> dict[str, Any]:
    """What to decide, with what it was made of; nothing where there is nothing to decide."""
    return {"to_decide": str(text), "to_decide_said": said_of(text) if text else None}


def emit(work: Work, card: Card, shown: Shown, **changes: Any) -> Card:
    """Say the next revision of a card and remember it."""
    state = changes.get("state", card.alarm.state)
    if state is not AlarmState.SHELVED:
        changes["shelved_until_us"] = None
    alarm = msgspec.structs.replace(card.alarm, revision=card.alarm.revision + 1, changed_at_us=work.now_us, **changes)
    work.say(alarm)
    after = replace(work.cards.get(alarm.alarm_id, card), alarm=alarm, shown=shown)
    work.cards[alarm.alarm_id] = after
    return after
