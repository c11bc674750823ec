"""The ledger of alarms: one card a key, revised only when an officer would care, grouped when they flood.

The shape follows ISA-18.2: raise, acknowledge, reject, shelve with expiry, clear. Ten new alarms in ten minutes are a
flood (`_flood.py`); a card that comes and goes three times in ten minutes chatters, and is held until it is quiet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from araz.incidents._cards import MIN_REVISION_US, Proposal, Words, content_of, emit, fresh, question, sentence_of
from araz.incidents._flood import group, is_flood, is_seen_alone, join, send_to, tell_group
from araz.incidents._state import FORGET_US, Card, Shown
from araz.incidents._swarm import LEAST, company
from araz.incidents._work import Work
from araz.vocabulary import AlarmState, Decision, DecisionAction, Rejected, phrase, reason, said_of

__all__ = ["Proposal", "Words", "clear", "decide", "propose", "tend", "touch"]

#: A card whose situation is gone stays this long: long enough for a track to come back from behind a ridge.
CLEAR_AFTER_US: Final = 120_000_000
#: A card that was raised or came back this often within this time chatters; it is then cleared only after that quiet.
CHATTER_COUNT: Final = 3
CHATTER_WINDOW_US: Final = 600_000_000
DEFAULT_SHELVE_S: Final = 600.0
MAX_SHELVE_S: Final = 3600.0
#: Phases in which the place is settled: where the drone flies afterwards changes nothing for the officer.
SETTLED: Final = ("drop", "returned", "landed", "left")
#: Phases in which its speed and height change nothing for the officer, but its place does.
STANDING: Final = ("rose", "hover", "still")


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
    if card.told:
        join(work, card, proposal)
        return
    _revise(work, card, proposal)


def _raise(work: Work, proposal: Proposal) -> None:
    together = company(work, proposal)
    if is_flood(work, proposal.kind):
        group(work, proposal)
        return
    if len(together) >= LEAST - 1 or any(work.cards[alarm_id].told for alarm_id in together):
        group(work, proposal, together)
        return
    work.raised.append((work.now_us, proposal.kind))
    alarm = fresh(work, proposal.priority, content_of(proposal))
    work.say(alarm)
    came = (work.now_us,)
    work.cards[alarm.alarm_id] = Card(alarm, proposal.key, proposal.kind, proposal.shown, work.now_us, came_us=came)
    work.card_of_key[proposal.key] = alarm.alarm_id


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
    content = content_of(proposal)
    if is_back:
        card, content = _came_back(work, card, content)
    emit(work, card, proposal.shown, state=state, priority=proposal.priority, **content)


def _came_back(work: Work, card: Card, content: dict[str, Any]) -> tuple[Card, dict[str, Any]]:
    """Count the return of a cleared card; one that chatters says so, so that its cause is mended and not its card."""
    came = (*(at for at in card.came_us if work.now_us - at < CHATTER_WINDOW_US), work.now_us)
    work.cards[card.alarm.alarm_id] = card = replace(card, came_us=came)
    if chatters(card, work.now_us):
        content["reasons_against"] = [*content["reasons_against"], reason(phrase("card.chatters"))]
    return card, content


def chatters(card: Card, now_us: int) -> bool:
    """Whether a card was raised or came back so often lately that clearing it would only make it ring again."""
    return sum(1 for at in card.came_us if now_us - at < CHATTER_WINDOW_US) >= CHATTER_COUNT


def tend(work: Work) -> None:
    """Wake what was shelved, clear what is over, forget what was cleared long ago."""
    for alarm_id, card in list(work.cards.items()):
        alarm, quiet = card.alarm, work.now_us - card.present_at_us
        if alarm.state is AlarmState.CLEARED or (alarm.state is AlarmState.REJECTED and quiet > FORGET_US):
            if work.now_us - alarm.changed_at_us > FORGET_US and quiet > FORGET_US:
                del work.cards[alarm_id]
                _let_go(work, card)
        elif quiet > (CHATTER_WINDOW_US if len(card.came_us) >= CHATTER_COUNT else CLEAR_AFTER_US) and (
            alarm.state is not AlarmState.REJECTED
        ):
            work.cards[alarm_id] = card = replace(card, came_us=card.came_us[-1:])
            emit(work, card, card.shown, state=AlarmState.CLEARED, **question(""))
            if card.told:
                # Who comes back gets a card of its own: the flood that made this one is over.
                _let_go(work, card)
        elif alarm.state is AlarmState.SHELVED and work.now_us >= (alarm.shelved_until_us or 0):
            emit(work, card, card.shown, state=AlarmState.ACTIVE)
        elif card.told:
            tell_group(work, card)


def _let_go(work: Work, card: Card) -> None:
    """No key leads to this card any more."""
    for key in (card.key, *(one.key for one in card.told)):
        if work.card_of_key.get(key) == card.alarm.alarm_id:
            del work.card_of_key[key]


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
    if chatters(card, work.now_us):
        words = phrase("card.chatters-after", sentence=sentence)
        emit(work, card, card.shown, **sentence_of(words), **question(phrase("ask.mend")))
        return
    emit(work, card, card.shown, state=AlarmState.CLEARED, **sentence_of(sentence), **question(""))


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
    is_alone = is_seen_alone(card, decision.revision)
    if is_alone:
        # It was decided for the first of them; the card still asks about those that came since.
        state, until = card.alarm.state, card.alarm.shelved_until_us
    why: str | None = decision.reason
    members: dict[str, Any] = {}
    if decision.action is DecisionAction.SEND:
        why = _sent(decision)
        work.cards[card.alarm.alarm_id] = card = replace(card, was_sent=True)
        if card.told and decision.patrol_id is not None and decision.order is not None:
            members = send_to(work, card, decision.patrol_id, decision.order.track_id, first=is_alone)
    emit(
        work, card, card.shown, state=state, shelved_until_us=until, decided_by=decision.officer,
        decision_reason=None if why is None else str(why), decision_reason_said=None if why is None else said_of(why),
        **members,
    )  # fmt: skip


def _sent(decision: Decision) -> str:
    """``sent patrol-2 to T0003: near``: who, on a card for many to which of them, and why if that was said."""
    patrol = decision.patrol_id or phrase("card.a-patrol")
    member = None if decision.order is None else decision.order.track_id
    sent = (
        phrase("card.sent", patrol=patrol) if member is None else phrase("card.sent-to", patrol=patrol, member=member)
    )
    return phrase("card.sent-because", sent=sent, reason=decision.reason) if decision.reason else sent
