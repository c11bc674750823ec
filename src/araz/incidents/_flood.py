"""Floods after ISA-18.2: what comes at once, or for the tenth time in ten minutes, shares one card.

The group takes in what was raised in the flood and not yet decided, so that ten at once are one card; it says where
each of its members is, most urgent first, and rises when a member does. A card an officer has in hand stays his.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Final

from araz.incidents._cards import MIN_REVISION_US, Proposal, Words, emit, fresh
from araz.incidents._state import Card, Member, Shown
from araz.incidents._work import Work, track_name
from araz.vocabulary import AlarmState, Reason

FLOOD_WINDOW_US: Final = 600_000_000
#: Alarms of a kind in ten minutes; the next one makes ten, and with it the flood.
FLOOD_COUNT: Final = 9
#: Claims are cheap to forge: from the third false one on, one card holds them all.
FALSE_IDENTITY_COUNT: Final = 2
#: Alarms of a kind within half a minute; the next one makes five at once, which nobody decides one by one.
AT_ONCE_WINDOW_US: Final = 30_000_000
AT_ONCE_COUNT: Final = 4
MEMBERS_TOLD: Final = 12
#: More areas than this make a map unreadable; the most urgent come first.
AREAS_TOLD: Final = 24
INCIDENTS_KEPT: Final = 50
GROUP_QUESTION: Final = "One cause or many? Decide once for the group."
NOTHING_SHOWN: Final = Shown("", "", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def is_flood(work: Work, kind: str) -> bool:
    """Whether the next new alarm of a kind belongs to a flood; forgets what is older than the window."""
    work.raised = [(at, one) for at, one in work.raised if work.now_us - at < FLOOD_WINDOW_US]
    ages_us = [work.now_us - at for at, one in work.raised if one == kind]
    if kind == "false identity":
        return len(ages_us) >= FALSE_IDENTITY_COUNT
    return len(ages_us) >= FLOOD_COUNT or sum(age < AT_ONCE_WINDOW_US for age in ages_us) >= AT_ONCE_COUNT


def group(work: Work, proposal: Proposal) -> None:
    """Put a new situation on the kind's common card; make that card first if there is none."""
    key = f"group:{proposal.kind}"
    card = work.cards.get(work.card_of_key.get(key, ""))
    member = _member(proposal)
    if card is not None and card.alarm.state is not AlarmState.CLEARED:
        work.raised.append((work.now_us, proposal.kind))
        work.card_of_key[proposal.key] = card.alarm.alarm_id
        card = replace(card, members=(*card.members, proposal.key), told=(*card.told, member))
        work.cards[card.alarm.alarm_id] = card
        join(work, card, proposal)
        return
    told = (*_absorb(work, proposal.kind), member)
    first = min(told, key=lambda one: one.priority)
    words = _words(proposal.kind, told)
    incidents = tuple(chain.from_iterable(one.incident_ids for one in told))[-INCIDENTS_KEPT:]
    common = replace(
        proposal, key=key, words=lambda: words, to_decide=GROUP_QUESTION, track_id=None, incident_ids=incidents,
        priority=first.priority, confidence=max(one.confidence for one in told),
    )  # fmt: skip
    alarm = fresh(work, common)
    work.say(alarm)
    members = tuple(one.key for one in told)
    work.cards[alarm.alarm_id] = Card(
        alarm, key, proposal.kind, NOTHING_SHOWN, work.now_us, members=members, told=told, came_us=(work.now_us,)
    )
    work.card_of_key[key] = alarm.alarm_id
    for name in members:
        work.card_of_key[name] = alarm.alarm_id
    work.raised.append((work.now_us, proposal.kind))


def _absorb(work: Work, kind: str) -> tuple[Member, ...]:
    """Clear the flood's single, undecided cards into the group about to be made; gives what they said."""
    members = []
    for card in list(work.cards.values()):
        alarm = card.alarm
        is_of_flood = kind == "false identity" or work.now_us - alarm.raised_at_us < FLOOD_WINDOW_US
        is_untouched = alarm.state is AlarmState.ACTIVE and alarm.decided_by is None
        if card.kind == kind and not card.members and is_untouched and is_of_flood:
            members.append(
                Member(
                    card.key, card.shown.phase, alarm.priority, alarm.confidence, alarm.sentence, tuple(alarm.areas),
                    tuple(alarm.reasons_against), tuple(alarm.not_seen), tuple(alarm.incident_ids),
                )
            )  # fmt: skip
            emit(work, card, card.shown, state=AlarmState.CLEARED, to_decide="Joined to the group's card.")
    return tuple(members)


def _member(proposal: Proposal) -> Member:
    words = proposal.words()
    return Member(
        proposal.key, proposal.shown.phase, proposal.priority, round(proposal.confidence, 3), words.sentence,
        words.areas, words.reasons_against, words.not_seen, proposal.incident_ids,
    )  # fmt: skip


def _words(kind: str, told: tuple[Member, ...]) -> Words:
    """What, where, how sure, of all members: the most urgent leads, each has its sentence."""
    ordered = sorted(told, key=lambda one: (one.priority, -one.confidence))
    more = len(ordered) - MEMBERS_TOLD
    sentences = [Reason(text=f"{_name(one.key)}: {one.sentence}") for one in ordered[:MEMBERS_TOLD]]
    sentences += [Reason(text=f"and {more} more")] if more > 0 else []
    return Words(
        f"{len(told)} alarms of the kind “{kind}” within ten minutes; one card for all.",
        tuple(sentences),
        ordered[0].reasons_against,
        ordered[0].not_seen,
        tuple(chain.from_iterable(one.areas for one in ordered))[:AREAS_TOLD],
    )


def _name(key: str) -> str:
    """What people call the thing a card is about: ``T0003``, ``radar-1``."""
    kind, _, name = key.partition(":")
    return track_name(int(name)) if kind == "track" else name


def join(work: Work, card: Card, proposal: Proposal) -> None:
    """Keep the group's card current: its count, its most urgent priority, its members' words and incidents."""
    card = replace(card, present_at_us=work.now_us)
    before = next((one for one in card.told if one.key == proposal.key), None)
    is_news = before is None or (before.phase, before.priority) != (proposal.shown.phase, proposal.priority)
    if is_news:
        told = tuple(one for one in card.told if one.key != proposal.key)
        card = replace(card, told=(*told, _member(proposal)))
    work.cards[card.alarm.alarm_id] = card
    alarm = card.alarm
    priority = min(alarm.priority, proposal.priority)
    is_worse = priority < alarm.priority
    is_drop = is_news and proposal.shown.phase == "drop"
    if alarm.state is AlarmState.REJECTED and not (is_worse or is_drop):
        return
    new = [i for i in proposal.incident_ids if i not in alarm.incident_ids]
    words = _words(card.kind, card.told)
    is_due = work.now_us - alarm.changed_at_us >= MIN_REVISION_US
    is_changed = bool(new) or words.sentence != alarm.sentence or list(words.reasons_for) != alarm.reasons_for
    # One more than the officer decided on asks again; what he held or rejected stays so.
    is_grown = alarm.state is AlarmState.ACKNOWLEDGED and words.sentence != alarm.sentence
    if not (is_worse or is_drop or (is_due and is_changed)):
        return
    emit(
        work, card, card.shown, sentence=words.sentence, reasons_for=list(words.reasons_for),
        reasons_against=list(words.reasons_against), not_seen=list(words.not_seen), areas=list(words.areas),
        state=AlarmState.ACTIVE if is_worse or is_drop or is_grown else alarm.state, priority=priority,
        confidence=max(alarm.confidence, round(proposal.confidence, 3)),
        incident_ids=[*alarm.incident_ids, *new][-INCIDENTS_KEPT:],
    )  # fmt: skip
