"""The ledger of alarms: one card a key, revised only when an officer would care, grouped when they flood.

The shape follows ISA-18.2: raise, acknowledge, shelve with expiry, clear; ten new alarms in ten minutes are a flood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import msgspec

from araz.incidents._state import FORGET_US, Card, Shown
from araz.incidents._work import Work, track_name
from araz.vocabulary import Alarm, AlarmState, Area, Decision, DecisionAction, Reason, Rejected

MIN_REVISION_US: Final = 15_000_000
#: A card whose situation is gone stays this long: long enough for a track to come back from behind a ridge.
CLEAR_AFTER_US: Final = 120_000_000
FLOOD_WINDOW_US: Final = 600_000_000
#: Single alarms of a kind in ten minutes before the next ones share one card: nine and the group make ten.
FLOOD_COUNT: Final = 9
#: Claims are cheap to forge: from the third false one on, one card holds them all.
FALSE_IDENTITY_COUNT: Final = 2
DEFAULT_SHELVE_S: Final = 600.0
MAX_SHELVE_S: Final = 3600.0
GROUP_QUESTION: Final = "One cause or many? Decide once for the group."
#: Phases in which the place is settled: where the drone flies afterwards changes nothing for the officer.
SETTLED: Final = ("drop", "returned", "landed", "left")
#: Phases in which its speed and height change nothing for the officer, but its place does.
STANDING: Final = ("rose", "hover", "still")
NOTHING_SHOWN: Final = Shown("", "", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


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


def is_material(old: Shown, new: Shown) -> bool:
    """Whether an officer's decision could change between two cards."""
    if old.phase != new.phase:
        return True
    if new.phase in SETTLED:
        return False
    if old.words != new.words:
        return True
    moved = ((old.area_east_m - new.area_east_m) ** 2 + (old.area_north_m - new.area_north_m) ** 2) ** 0.5
    size_m = max(old.area_size_m, 100.0)
    if moved > max(200.0, size_m) or abs(old.area_size_m - new.area_size_m) > 0.5 * size_m:
        return True
    return new.phase not in STANDING and (
        abs(old.speed_mps - new.speed_mps) >= 5.0
        or abs(old.agl_m - new.agl_m) > max(30.0, 0.4 * old.agl_m, 3.0 * max(old.agl_sigma_m, new.agl_sigma_m))
        or abs(old.minutes - new.minutes) >= max(1.0, 0.4 * old.minutes)
    )


def propose(work: Work, proposal: Proposal) -> None:
    """Bring the card of a key up to date: raise, revise, escalate, or leave alone."""
    card = work.cards.get(work.card_of_key.get(proposal.key, ""))
    if card is None:
        if proposal.may_raise:
            _raise(work, proposal)
        return
    if proposal.key in card.members and card.key != proposal.key:
        _join(work, card, proposal)
        return
    _revise(work, card, proposal)


def _raise(work: Work, proposal: Proposal) -> None:
    work.raised = [(at, kind) for at, kind in work.raised if work.now_us - at < FLOOD_WINDOW_US]
    limit = FALSE_IDENTITY_COUNT if proposal.kind == "false identity" else FLOOD_COUNT
    if sum(1 for _, kind in work.raised if kind == proposal.kind) >= limit:
        _group(work, proposal)
        return
    work.raised.append((work.now_us, proposal.kind))
    alarm = _fresh(work, proposal)
    work.say(alarm)
    work.cards[alarm.alarm_id] = Card(alarm, proposal.key, proposal.kind, proposal.shown, work.now_us)
    work.card_of_key[proposal.key] = alarm.alarm_id


def _fresh(work: Work, proposal: Proposal) -> Alarm:
    work.alarm_count += 1
    return Alarm(
        alarm_id=f"A{work.alarm_count:04d}",
        revision=1,
        priority=proposal.priority,
        state=AlarmState.ACTIVE,
        raised_at_us=work.now_us,
        changed_at_us=work.now_us,
        **_content(proposal),
    )


def _content(proposal: Proposal) -> dict[str, Any]:
    words = proposal.words()
    return {
        "sentence": words.sentence,
        "confidence": round(min(max(proposal.confidence, 0.0), 1.0), 3),
        "reasons_for": list(words.reasons_for),
        "reasons_against": list(words.reasons_against),
        "not_seen": list(words.not_seen),
        "to_decide": proposal.to_decide,
        "track_id": None if proposal.track_id is None else track_name(proposal.track_id),
        "incident_ids": list(proposal.incident_ids),
        "areas": list(words.areas),
    }


def _revise(work: Work, card: Card, proposal: Proposal) -> None:
    alarm = card.alarm
    is_new_phase = card.shown.phase != proposal.shown.phase
    is_drop = is_new_phase and proposal.shown.phase == "drop"
    work.cards[alarm.alarm_id] = card = replace(card, present_at_us=work.now_us)
    if alarm.state is AlarmState.REJECTED and not is_drop:
        return
    if alarm.state is AlarmState.CLEARED and not proposal.may_raise:
        return
    is_worse = proposal.priority < alarm.priority
    due = work.now_us - alarm.changed_at_us >= MIN_REVISION_US
    news = proposal.incident_ids if proposal.news_ids is None else proposal.news_ids
    is_urgent = is_worse or is_drop or set(news) - set(alarm.incident_ids)
    is_back = alarm.state is AlarmState.CLEARED
    if not (is_urgent or is_back or (due and is_material(card.shown, proposal.shown))):
        return
    state = alarm.state
    if is_back or is_drop or (is_worse and not (card.was_sent and state is AlarmState.ACKNOWLEDGED)):
        state = AlarmState.ACTIVE
    _emit(work, card, proposal.shown, state=state, priority=proposal.priority, **_content(proposal))


def _emit(work: Work, card: Card, shown: Shown, **changes: Any) -> Card:
    state = changes.get("state", card.alarm.state)
    if state is not AlarmState.SHELVED:
        changes["shelved_until_us"] = None
    alarm = msgspec.structs.replace(card.alarm, revision=card.alarm.revision + 1, changed_at_us=work.now_us, **changes)
    work.say(alarm)
    after = replace(work.cards.get(alarm.alarm_id, card), alarm=alarm, shown=shown)
    work.cards[alarm.alarm_id] = after
    return after


def _group(work: Work, proposal: Proposal) -> None:
    """Put a new situation on the kind's common card; make that card first if there is none."""
    key = f"group:{proposal.kind}"
    card = work.cards.get(work.card_of_key.get(key, ""))
    if card is None or card.alarm.state is AlarmState.CLEARED:
        absorbed = _absorb(work, proposal.kind) if proposal.kind == "false identity" else ()
        words = proposal.words()._replace(sentence=_group_words(proposal.kind, 1 + len(absorbed)))
        common = replace(proposal, key=key, words=lambda: words, to_decide=GROUP_QUESTION, track_id=None)
        alarm = _fresh(work, common)
        work.say(alarm)
        members = (*absorbed, proposal.key)
        card = Card(alarm, key, proposal.kind, NOTHING_SHOWN, work.now_us, members=members)
        work.cards[alarm.alarm_id] = card
        work.card_of_key[key] = alarm.alarm_id
        for member in members:
            work.card_of_key[member] = alarm.alarm_id
        work.raised.append((work.now_us, proposal.kind))
        return
    work.card_of_key[proposal.key] = card.alarm.alarm_id
    work.cards[card.alarm.alarm_id] = replace(card, members=(*card.members, proposal.key))
    _join(work, work.cards[card.alarm.alarm_id], proposal)


def _absorb(work: Work, kind: str) -> tuple[str, ...]:
    """Clear the single cards of a kind into the group about to be made; gives their keys."""
    keys = []
    for card in list(work.cards.values()):
        if card.kind == kind and not card.members and card.alarm.state is not AlarmState.CLEARED:
            _emit(work, card, card.shown, state=AlarmState.CLEARED, to_decide="Joined to the group's card.")
            keys.append(card.key)
    return tuple(keys)


def _group_words(kind: str, count: int) -> str:
    return f"{count} alarms of the kind “{kind}” within ten minutes; one card for all."


def _join(work: Work, card: Card, proposal: Proposal) -> None:
    """Keep the group's card current: its count, its most urgent priority, its incidents."""
    alarm = card.alarm
    work.cards[alarm.alarm_id] = replace(card, present_at_us=work.now_us)
    new = [i for i in proposal.incident_ids if i not in alarm.incident_ids]
    count = len(card.members)
    is_worse = proposal.priority < alarm.priority
    words = _group_words(card.kind, count)
    is_due = work.now_us - alarm.changed_at_us >= MIN_REVISION_US
    if alarm.state is AlarmState.REJECTED and not is_worse:
        return
    if not (is_worse or (is_due and (new or words != alarm.sentence))):
        return
    _emit(
        work, work.cards[alarm.alarm_id], card.shown, sentence=words,
        state=AlarmState.ACTIVE if is_worse else alarm.state, priority=min(alarm.priority, proposal.priority),
        confidence=max(alarm.confidence, round(proposal.confidence, 3)), incident_ids=[*alarm.incident_ids, *new][-50:],
    )  # fmt: skip


def tend(work: Work) -> None:
    """Wake what was shelved, clear what is over, forget what was cleared long ago."""
    for alarm_id, card in list(work.cards.items()):
        alarm, quiet = card.alarm, work.now_us - card.present_at_us
        if alarm.state is AlarmState.CLEARED or (alarm.state is AlarmState.REJECTED and quiet > FORGET_US):
            if work.now_us - alarm.changed_at_us > FORGET_US and quiet > FORGET_US:
                del work.cards[alarm_id]
                for key in (card.key, *card.members):
                    if work.card_of_key.get(key) == alarm_id:
                        del work.card_of_key[key]
        elif quiet > CLEAR_AFTER_US and alarm.state is not AlarmState.REJECTED:
            _emit(work, card, card.shown, state=AlarmState.CLEARED, to_decide="")
        elif alarm.state is AlarmState.SHELVED and work.now_us >= (alarm.shelved_until_us or 0):
            _emit(work, card, card.shown, state=AlarmState.ACTIVE)


def touch(work: Work, key: str) -> None:
    """The situation of a key lasts, with nothing new to say."""
    alarm_id = work.card_of_key.get(key, "")
    card = work.cards.get(alarm_id)
    if card is not None:
        work.cards[alarm_id] = replace(card, present_at_us=work.now_us)


def clear(work: Work, key: str, sentence: str) -> None:
    """The cause is gone and was seen to go: say so at once."""
    card = work.cards.get(work.card_of_key.get(key, ""))
    if card is None or card.key != key or card.alarm.state is AlarmState.CLEARED:
        return
    _emit(work, card, card.shown, state=AlarmState.CLEARED, sentence=sentence, to_decide="")


def decide(work: Work, decisions: Sequence[Decision]) -> None:
    """Apply the officers' decisions, echo each, and answer with the alarm's next revision."""
    for decision in decisions:
        work.events.append(decision)
        card = work.cards.get(decision.alarm_id)
        if card is None:
            work.events.append(
                Rejected(
                    source="decision",
                    received_at_us=max(decision.at_us, 0),
                    reason="unknown-alarm",
                    raw=b"",
                    detail=f"There is no open alarm {decision.alarm_id}; reload the console and decide on its card.",
                )
            )
            continue
        _apply(work, card, decision)


def _apply(work: Work, card: Card, decision: Decision) -> None:
    until = None
    if decision.action is DecisionAction.REJECT:
        state = AlarmState.REJECTED
    elif decision.action is DecisionAction.SHELVE:
        state = AlarmState.SHELVED
        shelve_s = DEFAULT_SHELVE_S if decision.shelve_s is None else min(decision.shelve_s, MAX_SHELVE_S)
        until = work.now_us + int(shelve_s * 1e6)
    else:
        state = AlarmState.ACKNOWLEDGED
    if card.alarm.state is AlarmState.CLEARED and decision.action is not DecisionAction.REJECT:
        state, until = AlarmState.CLEARED, None
    reason = decision.reason
    if decision.action is DecisionAction.SEND:
        reason = f"sent {decision.patrol_id or 'a patrol'}" + (f": {reason}" if reason else "")
        work.cards[card.alarm.alarm_id] = card = replace(card, was_sent=True)
    _emit(
        work, card, card.shown, state=state, shelved_until_us=until,
        decided_by=decision.officer, decision_reason=reason,
    )  # fmt: skip
