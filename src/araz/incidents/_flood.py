"""Floods after ISA-18.2: what comes at once, together, or for the tenth time in ten minutes, shares one card.

The first card of the flood that nobody decided yet becomes the group's and takes in the others, so that what began as
one alarm stays one; it names each of its members with its area and what to decide for it, most urgent first, and rises
when a member does. A card an officer has in hand stays his.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any, Final

from araz.incidents._cards import MIN_REVISION_US, Proposal, emit, fresh, question, spoken
from araz.incidents._sentences import names_words
from araz.incidents._state import Card, Member, Shown
from araz.incidents._work import Work, track_name
from araz.vocabulary import AlarmMember, AlarmState, phrase, phrase_of, phrases_of, said_of

FLOOD_WINDOW_US: Final = 600_000_000
#: Alarms of a kind in ten minutes; the next one makes ten, and with it the flood.
FLOOD_COUNT: Final = 9
#: Claims are cheap to forge: from the second false one on, one card holds them all.
FALSE_IDENTITY_COUNT: Final = 1
#: Alarms of a kind within half a minute; the next one makes five at once, which nobody decides one by one.
AT_ONCE_WINDOW_US: Final = 30_000_000
AT_ONCE_COUNT: Final = 4
#: A storm of forged claims must not fill a card; the most urgent are named, the rest are counted.
MEMBERS_NAMED: Final = 40
NAMES_SAID: Final = 8
#: More areas than this make a map unreadable; the most urgent come first.
AREAS_TOLD: Final = 24
INCIDENTS_KEPT: Final = 50
NOTHING_SHOWN: Final = Shown("", "", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def is_flood(work: Work, kind: str) -> bool:
    """Whether the next new alarm of a kind belongs to a flood; forgets what is older than the window."""
    work.raised = [(at, one) for at, one in work.raised if work.now_us - at < FLOOD_WINDOW_US]
    ages_us = [work.now_us - at for at, one in work.raised if one == kind]
    if kind == "false identity":
        return len(ages_us) >= FALSE_IDENTITY_COUNT
    return len(ages_us) >= FLOOD_COUNT or sum(age < AT_ONCE_WINDOW_US for age in ages_us) >= AT_ONCE_COUNT


def group(work: Work, proposal: Proposal, together: frozenset[str] | None = None) -> None:
    """Put a new situation on the kind's common card; make that card first if there is none.

    The flood's first undecided card becomes it and takes in the others; only those of ``together`` where it is a
    company and no flood. Where all are in hand it is a new card.
    """
    key = f"group:{proposal.kind}"
    card = work.cards.get(work.card_of_key.get(key, ""))
    work.raised.append((work.now_us, proposal.kind))
    if card is not None and card.alarm.state is not AlarmState.CLEARED:
        work.card_of_key[proposal.key] = card.alarm.alarm_id
        join(work, card, proposal)
        return
    loose = _loose(work, proposal.kind, together)
    told = (*(_was_alone(one) for one in loose), _member(proposal, work.now_us))
    for one in loose[1:]:
        emit(work, one, one.shown, state=AlarmState.CLEARED, **question(phrase("ask.joined")))
    priority, content = min(one.priority for one in told), _content(proposal.kind, told)
    made = Card(
        loose[0].alarm if loose else fresh(work, priority, content), key, proposal.kind, NOTHING_SHOWN, work.now_us,
        told=told, said=told, came_us=loose[0].came_us if loose else (work.now_us,),
    )  # fmt: skip
    name = made.alarm.alarm_id
    if loose:
        work.cards[name] = replace(made, many_since=made.alarm.revision + 1)
        emit(work, made, NOTHING_SHOWN, priority=priority, **content)
    else:
        work.say(made.alarm)
        work.cards[name] = made
    for each in (key, *(one.key for one in told)):
        work.card_of_key[each] = name


def _loose(work: Work, kind: str, together: frozenset[str] | None) -> list[Card]:
    """The flood's single cards that nobody decided, the first raised first."""
    return [
        card
        for card in work.cards.values()
        if card.kind == kind
        and not card.told
        and card.alarm.state is AlarmState.ACTIVE
        and card.alarm.decided_by is None
        and (
            card.alarm.alarm_id in together
            if together is not None
            else kind == "false identity" or work.now_us - card.alarm.raised_at_us < FLOOD_WINDOW_US
        )
    ]


def _was_alone(card: Card) -> Member:
    """What a card for one said, as a member of the group it goes into."""
    alarm = card.alarm
    return Member(
        card.key, card.shown.phase, alarm.priority, alarm.confidence, phrase_of(alarm.sentence, alarm.said),
        tuple(alarm.areas), tuple(alarm.reasons_against),
        tuple(phrases_of(alarm.not_seen, alarm.not_seen_said)), tuple(alarm.incident_ids),
        phrase_of(alarm.to_decide, alarm.to_decide_said), alarm.raised_at_us,
    )  # fmt: skip


def _member(proposal: Proposal, told_at_us: int) -> Member:
    words = proposal.words()
    return Member(
        proposal.key, proposal.shown.phase, proposal.priority, round(min(max(proposal.confidence, 0.0), 1.0), 3),
        words.sentence, words.areas, words.reasons_against, words.not_seen, proposal.incident_ids,
        proposal.to_decide, told_at_us,
    )  # fmt: skip


def _content(kind: str, told: tuple[Member, ...]) -> dict[str, Any]:
    """What a group's card says: who is on it, the most urgent first, each with its area and what to decide for it."""
    ordered = sorted(told, key=lambda one: (one.priority, one.phase != "drop", -one.confidence))
    names = names_words([_name(one.key) for one in ordered], NAMES_SAID)
    what = phrase(f"alarm-kind.{kind.replace(' ', '-')}")
    sentence = phrase("card.group", count=len(told), kind=what, names=names)
    return {
        **spoken(sentence, phrase("ask.group"), ordered[0].not_seen),
        "confidence": max(one.confidence for one in told),
        "reasons_for": [],
        "reasons_against": list(ordered[0].reasons_against),
        "track_id": None,
        "incident_ids": list(dict.fromkeys(chain.from_iterable(one.incident_ids for one in told)))[-INCIDENTS_KEPT:],
        "areas": list(chain.from_iterable(one.areas for one in ordered))[:AREAS_TOLD],
        "members": [_record(one) for one in ordered[:MEMBERS_NAMED]],
    }


def _record(member: Member) -> AlarmMember:
    is_track = member.key.startswith("track:")
    return AlarmMember(
        name=_name(member.key),
        track_id=_name(member.key) if is_track else None,
        priority=member.priority,
        confidence=member.confidence,
        told_at_us=member.told_at_us,
        sentence=str(member.sentence),
        to_decide=str(member.to_decide),
        said=said_of(member.sentence),
        to_decide_said=said_of(member.to_decide) if member.to_decide else None,
        incident_ids=list(member.incident_ids),
        areas=list(member.areas),
        patrols=list(member.patrols),
    )


def _name(key: str) -> str:
    """What people call the thing a card is about: ``T0003``, ``radar-1``."""
    kind, _, name = key.partition(":")
    return track_name(int(name)) if kind == "track" else name


def join(work: Work, card: Card, proposal: Proposal) -> None:
    """Note what a member of a group has come to; `tell_group` says it with the rest of its second."""
    before = next((one for one in card.told if one.key == proposal.key), None)
    told = card.told
    if before is None:
        told = (*told, _member(proposal, work.now_us))
    elif (before.phase, before.priority) != (proposal.shown.phase, proposal.priority):
        member = _member(proposal, before.told_at_us)._replace(patrols=before.patrols)
        told = tuple(member if one.key == proposal.key else one for one in told)
    work.cards[card.alarm.alarm_id] = replace(card, present_at_us=work.now_us, told=told)


def send_to(work: Work, card: Card, patrol_id: str, track_id: str | None, *, first: bool = False) -> dict[str, Any]:
    """Note on a group's card which member a patrol was sent to; gives the members to say. It is sent to one alone.

    ``first``: the order was given while the card was about its first member alone.
    """
    name = _name(card.told[0].key) if first else track_id
    told = tuple(
        one._replace(patrols=(*(p for p in one.patrols if p != patrol_id), *[patrol_id] * (_name(one.key) == name)))
        for one in card.told
    )
    work.cards[card.alarm.alarm_id] = replace(card, told=told, said=told)
    return {"members": _content(card.kind, told)["members"]}


def is_seen_alone(card: Card, revision: int) -> bool:
    """Whether somebody decided on a card while it was still about one, and did not see the others."""
    return bool(card.told) and revision < card.many_since


def tell_group(work: Work, card: Card) -> None:
    """Say a group's card again: at once for a new member, a release or a higher priority, else every 15 s at most."""
    alarm, before = card.alarm, {one.key: one for one in card.said}
    priority = min(one.priority for one in card.told)
    is_worse = priority < alarm.priority
    is_grown = any(one.key not in before for one in card.told)
    is_drop = any(
        one.phase == "drop" and (one.key not in before or before[one.key].phase != "drop") for one in card.told
    )
    is_urgent = is_worse or is_drop
    if card.told == card.said or (alarm.state is AlarmState.REJECTED and not is_urgent):
        return
    if not (is_urgent or is_grown or work.now_us - alarm.changed_at_us >= MIN_REVISION_US):
        return
    # One more than the officer decided on asks again; what he held or rejected stays so.
    asks_again = is_urgent or (is_grown and alarm.state is AlarmState.ACKNOWLEDGED)
    card = work.cards[alarm.alarm_id] = replace(card, said=card.told)
    content = _content(card.kind, card.told)
    content["confidence"] = max(alarm.confidence, content["confidence"])
    state = AlarmState.ACTIVE if asks_again else alarm.state
    emit(work, card, card.shown, state=state, priority=min(priority, alarm.priority), **content)
